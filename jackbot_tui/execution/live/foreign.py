"""Asks about what is not ours, which must be known for certain before it may become ours; cancels it when told to.

Called when somebody applies a rule to a difference, never by itself. Orders are named by the venue's own id here. What
is heard on the way goes to the executor as always, so that own fills are merged before anything is compared.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from jackbot_tui.execution.live.failures import VenueFailure
from jackbot_tui.execution.live.statements import (
    AccountStatement,
    OrderStatement,
    PositionStatement,
    TradeStatement,
)
from jackbot_tui.feeds.limiter import Lane
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.venues.errors import ErrorKind

if TYPE_CHECKING:
    from jackbot_tui.execution.live.executor import LiveExecutor

LONGEST_LOOK_BACK_NS = 7 * 86_400 * NS_PER_S
"""Executions are asked for from so long ago on."""

PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Between two attempts at something that does not fit together yet."""


class ForeignOrder(Struct, frozen=True):
    """An order of somebody else as the venue has it now, with all its executions, oldest first."""

    said: OrderStatement
    trades: tuple[TradeStatement, ...]


class Standing(Struct, frozen=True):
    """The account of one kind of market at rest: ``until`` is the venue's time of the newest execution in it, 0 = none
    was seen. Every execution in ``key`` that is in the account is known to the executor.
    """

    account: AccountStatement
    until: int

    def position(self, symbol: str) -> PositionStatement | None:
        return next((each for each in self.account.positions if each.symbol == symbol), None)


class ForeignAffairs:
    """See the module's paragraph. VenueFailure with a reason in words where the venue does not say."""

    def __init__(self, executor: "LiveExecutor") -> None:
        self._executor = executor

    async def order(self, symbol: str, venue_id: str, *, waits: bool = False) -> ForeignOrder:
        """The order and its executions, once they add up to what the venue says is filled."""
        client = self._executor.client_of(self._key(symbol))
        since = self._executor.now_ns() - LONGEST_LOOK_BACK_NS
        for pause in (*PAUSES_S, None):
            said = await client.order("", symbol, venue_id, Lane.ORDER, waits=waits)
            trades: list[TradeStatement] = []
            if said.filled is None or said.filled:
                listed = [*said.trades, *await client.trades(symbol, since, venue_id, Lane.ORDER)]
                trades = list({each.trade_id: each for each in listed if each.venue_id == venue_id}.values())
            if sum((each.quantity for each in trades), ZERO) >= (said.filled or ZERO):
                return ForeignOrder(said, tuple(sorted(trades, key=lambda each: each.ts)))
            if pause is None:
                break
            await asyncio.sleep(pause)
        reason = "the venue does not show all of its fills, perhaps they are too old"
        raise VenueFailure(ErrorKind.REJECTED, "fills", reason, sent=False)

    async def standing(self, key: str) -> Standing:
        """The account, asked for until nothing is executed between two answers and the executions between them."""
        symbol = key.partition(":")[2]
        executor, client = self._executor, self._executor.client_of(key)
        since = executor.now_ns() - LONGEST_LOOK_BACK_NS
        before = await client.account(Lane.ORDER)
        for pause in (*PAUSES_S, None):
            trades = await client.trades(symbol, since, lane=Lane.ORDER)
            after = await client.account(Lane.ORDER)
            for each in trades:
                executor.hear_trade(each)
            if _held(before, key) == _held(after, key):
                executor.account.take(client.kind, after, executor.now_ns())
                return Standing(after, max((each.ts for each in trades), default=0))
            if pause is None:
                break
            before = after
            await asyncio.sleep(pause)
        reason = "it is being traded: try again when it rests"
        raise VenueFailure(ErrorKind.REJECTED, "moving", reason, sent=False)

    async def cancel(
        self, symbol: str, venue_id: str, client_id: str = "", *, waits: bool = False
    ) -> OrderStatement | None:
        """Cancel until the venue says that the order is over; its last word on it, None when it knows it no more."""
        client = self._executor.client_of(self._key(symbol))
        failure: VenueFailure | None = None
        for pause in (*PAUSES_S, None):
            try:
                self._executor.hear_order(await client.cancel(client_id, symbol, venue_id, waits=waits))
            except VenueFailure as caught:
                failure = caught
                if failure.kind in (ErrorKind.AUTH, ErrorKind.REJECTED):
                    raise
            try:
                said = await client.order("", symbol, venue_id, Lane.ORDER, waits=waits)
            except VenueFailure as caught:
                if caught.kind is ErrorKind.RESYNC:
                    return None
                failure = failure or caught
            else:
                self._executor.hear_order(said)
                if said.word is not None and said.word.ended:
                    return said
            if pause is None:
                break
            await asyncio.sleep(pause)
        raise failure or VenueFailure(ErrorKind.UNKNOWN, "working", "the venue still works it: it is asked for again")

    def _key(self, symbol: str) -> str:
        return f"{self._executor.dialect.venue}:{symbol}"


def _held(account: AccountStatement, key: str) -> Sequence[object]:
    """What an execution in ``key`` would change."""
    symbol = key.partition(":")[2]
    if ":" in symbol:
        return [(each.symbol, each.quantity) for each in account.positions if each.symbol == symbol]
    base = symbol.partition("/")[0]
    return [each.total for each in account.balances if each.currency == base]

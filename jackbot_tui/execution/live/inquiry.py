"""Finding out what became of an order: asked by our id, then in the open orders, then in the trades.

The executor begins an inquiry for an order in doubt, for one whose fills are not all known, and for one that should be
over. There is one per order; it pauses longer and longer and never gives up, since an order that is not known may fill.
No order is ever resent; a cancel that somebody asked for is, as long as the order is seen working. That an order does
not exist is believed only when every way of asking says so, twice, and the venue could no longer take the request in.
"""

import asyncio
from typing import TYPE_CHECKING

from jackbot_tui.execution.live.failures import VenueFailure
from jackbot_tui.execution.live.tracker import Tracked
from jackbot_tui.feeds.limiter import Lane
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.venues.errors import ErrorKind

if TYPE_CHECKING:
    from jackbot_tui.execution.live.executor import LiveExecutor

PROOFS = 2
"""So many complete searches in a row must find nothing."""

LOOK_BACK_NS = 60 * NS_PER_S
"""Trades are asked for from so long before the order was sent: clocks differ."""


class Inquiries:
    """See the module's paragraph. One per executor."""

    def __init__(self, executor: "LiveExecutor") -> None:
        self._executor = executor
        self._running: set[str] = set()
        self._again: set[str] = set()

    def begin(self, client_id: str) -> None:
        """Inquire, unless somebody does already: that one then looks once more."""
        if client_id in self._running:
            self._again.add(client_id)
            return
        tracked = self._executor.tracker.orders.get(client_id)
        if tracked is None:
            return
        self._running.add(client_id)
        self._executor.spawn(self._run(tracked), f"inquiry {client_id}")

    async def _run(self, tracked: Tracked) -> None:
        try:
            await self._executor.connected()
            absent, attempt, pauses = 0, 0, self._executor.policy.pauses_s
            while True:
                self._again.discard(tracked.client_id)
                found = await self._ask(tracked)
                absent = absent + 1 if found is False else 0
                if absent >= PROOFS and self._too_late_to_arrive(tracked):
                    self._executor.hear_absence(tracked.client_id)
                answered = found is not None or tracked.ended
                if answered and self._known(tracked) and tracked.client_id not in self._again:
                    return
                await asyncio.sleep(pauses[min(attempt, len(pauses) - 1)])
                attempt += 1
        finally:
            self._running.discard(tracked.client_id)
            self._again.discard(tracked.client_id)

    def _known(self, tracked: Tracked) -> bool:
        """Over with all its fills, or working with nothing under way."""
        if self._executor.tracker.missing(tracked.client_id):
            return False
        return tracked.ended or (tracked.accepted and not (tracked.doubt or tracked.canceling or tracked.amend))

    def _too_late_to_arrive(self, tracked: Tracked) -> bool:
        waited = self._executor.now_ns() - tracked.sent_ns
        return waited >= self._executor.dialect.settle_s * NS_PER_S

    async def _ask(self, tracked: Tracked) -> bool | None:
        """One round of questions; what is found goes to the executor. False: a complete search found nothing.

        None when the venue did not answer them all, or cannot be asked so that nothing found would be a proof.
        """
        executor = self._executor
        symbol = tracked.key.partition(":")[2]
        try:
            client = executor.client_of(tracked.key)
            found = await self._by_id(tracked, symbol)
            if not found:
                for said in await client.open_orders(symbol, Lane.ORDER):
                    if said.client_id == tracked.client_id or (said.venue_id and said.venue_id == tracked.venue_id):
                        executor.hear_answer(said)
                        found = True
            if not found or executor.tracker.missing(tracked.client_id):
                since = tracked.sent_ns - LOOK_BACK_NS
                for trade in await client.trades(symbol, since, "" if tracked.waits else tracked.venue_id, Lane.ORDER):
                    executor.hear_trade(trade)
            if found and tracked.canceling and not tracked.ended and tracked.ending is None:
                await executor.cancel_again(tracked)
            return True if found else False if client.dialect.query_id or tracked.adopted else None
        except VenueFailure as failure:
            executor.tell_once(tracked, failure)
            return None

    async def _by_id(self, tracked: Tracked, symbol: str) -> bool:
        """True when the venue knows the order by its id. VenueFailure when it does not say."""
        client = self._executor.client_of(tracked.key)
        try:
            name = "" if tracked.adopted else tracked.client_id  # else the venue knows the order by our id
            said = await client.order(name, symbol, tracked.venue_id, Lane.ORDER, waits=tracked.waits)
        except VenueFailure as failure:
            if failure.kind is ErrorKind.RESYNC:
                return False
            raise
        if said.word is None:
            return False
        self._executor.hear_answer(said)
        return True

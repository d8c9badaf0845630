"""A prophetic order on a real account's line at every open venue: refused at the band it learns, inside it stands."""

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.algos.state import Action, Kind, ParentRequest, ParentStatus
from jackbot_tui.engine.options import EngineOptions, LiveOptions
from jackbot_tui.engine.parents import ParentOptions
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.execution.live.dialects import load_dialect, open_venues
from jackbot_tui.execution.live.keys import KeyStore
from jackbot_tui.model.enums import MarketKind, Mode, Side
from jackbot_tui.model.instrument import PriceBand
from jackbot_tui.model.numbers import ZERO, decimal_of, round_up
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.sim.exchange import SimExchange, front_of
from tests.gateway_world import relaxed, symbols_of
from tests.turns import in_turns

WIDE = PriceBand("mark")
"""As if nothing were known of the venue's band."""

LIMITS = RiskLimits(far_limit_pct=ZERO, max_order_notional=ZERO, max_position_notional=ZERO)


def markets() -> Iterator[object]:
    for venue in open_venues():
        for kind in dict.fromkeys(listing.instrument.kind for listing in front_of(venue).LISTINGS):
            yield pytest.param(venue, kind, id=f"{venue}-{kind.value}")


@pytest.mark.parametrize(("venue", "kind"), in_turns(markets(), 3))
async def test_beyond_the_venues_band_it_learns_and_within_it_is_placed(
    venue: str, kind: MarketKind, tmp_path: Path
) -> None:
    symbol, dialect = symbols_of(venue, kind)[0], load_dialect(venue)
    key = f"{venue}:{symbol}"
    exchange = SimExchange([symbol], venue=venue, accounts=1, seed=5, volatility=0.1, limits=relaxed(front_of(venue)))
    async with exchange:
        parts = exchange.front.credentials(exchange.accounts.keys.of(1))
        KeyStore(tmp_path).add(venue, {name: parts[name] for name in dialect.credentials})
        runtime = EngineRuntime(
            EngineOptions(
                mode=Mode.LIVE,
                venue=venue,
                symbols=[symbol],
                endpoints=exchange.endpoints,
                limits=LIMITS,
                parents=ParentOptions(bands={key: WIDE}),
                live=LiveOptions(account=venue, keys=tmp_path, addresses=exchange.ccxt_urls),
            )
        )
        await runtime.open()
        engine, task = runtime.engine, asyncio.create_task(runtime.run())

        async def until(condition: Callable[[], bool]) -> None:
            try:
                async with asyncio.timeout(25):
                    while not condition():
                        assert not task.done(), task.exception()
                        await asyncio.sleep(0.01)
            except TimeoutError:
                said = [notice.text for notice in engine.board.after(0)][-8:]
                raise AssertionError(f"{engine.executor.trouble} {said}") from None

        try:
            await until(lambda: not engine.executor.trouble and key in engine.data.markets)
            await until(lambda: engine.data.markets[key].live)
            engine.go_live("test")
            market = engine.data.markets[key]
            kept = exchange.listing(symbol).instrument.band
            lowest = kept.buy_down if kept is not None else ZERO
            bid = decimal_of(market.book.bid_price)

            def price_at(share: Decimal) -> Decimal:
                return round_up(bid * share, market.instrument.tick_at(bid))

            far = price_at(lowest * Decimal("0.9") or Decimal("0.5"))
            quantity = round_up(max(market.instrument.min_notional * 2, Decimal(20)) / far, market.instrument.lot)
            request = ParentRequest(
                kind=Kind.PROPHET, key=key, side=Side.BUY, quantity=quantity, values={"price": str(far)}
            )
            answer = engine.parents.start(request)
            assert answer.problem == ""

            def look() -> str:
                picture = engine.parents.picture(1)
                assert picture is not None and picture.status is ParentStatus.RUNNING
                return picture.why

            theirs = exchange.accounts.orders
            if lowest:
                await until(lambda: "refused at the edge" in look())
                assert not theirs.open_orders(1)
                near = price_at(lowest * Decimal("1.2"))
                assert engine.parents.steer(1, Action.EDIT, None, {"price": str(near)}, "test").problem == ""
            await until(lambda: len(theirs.open_orders(1)) == 1 and "rests at" in look())
            engine.parents.steer(1, Action.CANCEL, None, {}, "test")
            await until(lambda: not theirs.open_orders(1) and not engine.oms.open_orders())
            assert theirs.fills(1) == []
        finally:
            runtime.stop("test over")
            await asyncio.gather(task, return_exceptions=True)
            await runtime.close()

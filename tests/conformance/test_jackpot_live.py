"""A jackpot on a real account's line at every open venue with perpetuals: isolated at the exchange, its stop resting
there, out without a rest; where isolated margin or stops cannot be had, nothing is sent."""

from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.algos.state import Action, Kind, ParentRequest, ParentStatus
from jackbot_tui.execution.live.dialects import open_venues
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.margin import MarginMode
from tests.conformance.test_parents_live import LiveRun, trading
from tests.gateway_world import symbols_of

LEVERAGE, TICKET = "10", "200"


def perpetual_venues() -> list[str]:
    return [venue for venue in open_venues() if symbols_of(venue, MarketKind.LINEAR)]


def wish(live: LiveRun, key: str, side: Side) -> ParentRequest:
    given = {"leverage": LEVERAGE, "ticket": TICKET, "accept": TICKET, "slip": "50", "trigger": "mark"}
    return live.engine.parents.completed(
        ParentRequest(kind=Kind.JACKPOT, key=key, side=side, quantity=Decimal(0), values=given, source="test")
    )


@pytest.mark.parametrize("venue", perpetual_venues())
async def test_a_jackpot_stands_on_isolated_margin_with_its_stop_at_the_venue(venue: str, tmp_path: Path) -> None:
    symbol = symbols_of(venue, MarketKind.LINEAR)[0]
    key = f"{venue}:{symbol}"
    async with trading(venue, [symbol], tmp_path) as live:
        engine = live.engine
        instrument = engine.data.markets[key].instrument
        await live.until(lambda: engine.data.markets[key].fresh_mark(engine.clock.now_ns()) is not None)
        try:
            answer = engine.parents.start(wish(live, key, Side.BUY))
        except InputError as error:
            raise AssertionError(str(error)) from None
        if not engine.executor.triggers(instrument):
            assert "takes no stops from here" in answer.problem
            assert not engine.oms.orders
            return
        assert answer.picture is not None, answer.problem
        number = answer.picture.number

        def now() -> str:
            return str(engine.parents.picture(number))

        def stands() -> bool:
            picture = engine.parents.picture(number)
            assert picture is not None
            return not picture.status.is_open or any(
                order.trigger_price is not None and order.venue_order_id for order in engine.oms.open_orders()
            )

        await live.until(stands, now)
        picture = engine.parents.picture(number)
        assert picture is not None
        if picture.status is ParentStatus.FAILED:
            assert "did not confirm isolated margin" in picture.why, picture.why
            assert not engine.oms.orders
            pytest.skip(f"{venue}: {picture.why}")
        assert picture.status is ParentStatus.RUNNING, picture.why
        setting = engine.executor.confirmed_setting(key)
        assert setting is not None
        assert (setting.mode, setting.leverage) == (MarginMode.ISOLATED, Decimal(LEVERAGE))
        assert engine.parents.steer(number, Action.FINISH, None, {}, "test").problem == ""
        await live.until(lambda: not engine.parents.picture(number).status.is_open, now)  # type: ignore[union-attr]
        await live.until(live.agrees, now)
        assert engine.portfolio.position(key).quantity == 0

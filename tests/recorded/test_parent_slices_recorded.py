"""TWAP and VWAP on recorded sessions: their price against the market's own in the same time, and their footprint."""

import os
from collections.abc import Sequence
from functools import cache
from statistics import fmean, median, quantiles

import pytest

from jackbot_tui.algos.footprint import LEVEL, Footprint, Verdict
from jackbot_tui.algos.state import Kind, ParentPicture, ParentStatus
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import MarketKind
from tests.recorded.slices import NAME, RECORDED, Order, Starts, played

OVER_S = 20
PRICED = (
    Order("twap", Kind.TWAP, {"over": f"{OVER_S}s", "slices": "4"}, "0.06"),
    Order("vwap", Kind.VWAP, {"over": f"{OVER_S}s", "slices": "4"}, "0.06"),
)
LONG = {"over": "100s", "slices": "20"}
SEEN = (
    Order("naive twap", Kind.TWAP, LONG | {"random": "0", "style": "take"}, "0.61"),
    Order("naive twap, resting first", Kind.TWAP, LONG | {"random": "0"}, "0.61"),
)
HIDDEN = (
    Order("twap", Kind.TWAP, LONG, "0.61"),
    Order("twap, taking", Kind.TWAP, LONG | {"style": "take"}, "0.61"),
    Order("vwap", Kind.VWAP, LONG, "0.61"),
    Order("share of volume", Kind.VWAP, LONG | {"pov": "0.5"}, "0.61"),
)

pytestmark = pytest.mark.recorded


def need(kind: MarketKind) -> None:
    capture = RECORDED / kind.value / NAME
    if not capture.exists():
        assert "CI" not in os.environ, f"CI must have the recorded session {capture.name}"
        pytest.skip("no recorded session beside the repository")


def against_the_market(starts: Starts, done: Sequence[ParentPicture]) -> list[float]:
    """Slippage against the VWAP of each one's time, basis points, positive = worse."""
    against = []
    for picture in done:
        own = starts.tape.average(picture.started_ns, picture.started_ns + OVER_S * NS_PER_S)
        against.append((float(picture.average) - own) / own * 1e4 * picture.side.sign)
    return against


@pytest.mark.parametrize("kind", [MarketKind.LINEAR, MarketKind.SPOT], ids=["perpetual", "spot"])
def test_the_price_stays_near_the_markets_own(kind: MarketKind) -> None:
    need(kind)
    starts = played(kind, PRICED, 780 * NS_PER_MS, until_s=320)
    for order in PRICED:
        ended = starts.ended(order.name)
        done = [picture for picture in ended if picture.status is ParentStatus.DONE]
        assert len(done) >= 200
        assert len(done) >= 0.99 * len(ended)
        assert all(picture.filled == picture.quantity for picture in done)
        against = against_the_market(starts, done)
        tenths = quantiles(against, n=10)
        makers = fmean(float(picture.maker_share or 0) for picture in done)
        print(
            f"\n{kind.value} {order.name}: {len(done)} of {len(ended)} done, {makers * 100:.0f} % maker; against the"
            f" interval's VWAP mean {fmean(against):+.2f} bp, median {median(against):+.2f}, p10 {tenths[0]:+.2f},"
            f" p90 {tenths[-1]:+.2f}, worst {max(against):+.2f}"
        )
        assert abs(median(against)) < 2.0
        assert tenths[-1] < 6.0


@cache
def footprints() -> dict[str, list[Footprint]]:
    """Of all that were long enough on the perpetual's session."""
    starts = played(MarketKind.LINEAR, (*SEEN, *HIDDEN), 1800 * NS_PER_MS, until_s=230)
    found: dict[str, list[Footprint]] = {}
    for order in (*SEEN, *HIDDEN):
        measured = [picture.footprint for picture in starts.ended(order.name) if picture.footprint is not None]
        found[order.name] = [each for each in measured if each.verdict is not Verdict.FEW]
        told = found[order.name]
        figures = (
            f"{name} {fmean(getattr(each, name) for each in told):.2f}"
            f" (tape {fmean(getattr(each, f'tape_{name}') for each in told):.2f})"
            for name in ("rhythm", "evenness", "repeats", "round")
        )
        print(f"\n{order.name}: {caught(told)} of {len(told)} stand out; {', '.join(figures)}", end="")
    return found


def caught(told: Sequence[Footprint]) -> int:
    return sum(each.verdict is Verdict.STANDS_OUT for each in told)


def test_the_naive_schedule_is_caught() -> None:
    need(MarketKind.LINEAR)
    taking, resting = (footprints()[order.name] for order in SEEN)
    assert len(taking) >= 18 <= len(resting)
    assert caught(taking) >= 0.95 * len(taking)
    assert caught(resting) >= 0.7 * len(resting)  # what rests moves with the market, which blurs the clock


def test_what_hides_is_caught_no_more_often_than_the_tape_itself_would_be() -> None:
    need(MarketKind.LINEAR)
    told = [each for order in HIDDEN for each in footprints()[order.name]]
    assert len(told) >= 70
    # The tape itself is caught in LEVEL of the cases; three standard deviations of that count are chance.
    chance = 3 * (LEVEL * (1 - LEVEL) / len(told)) ** 0.5
    assert caught(told) / len(told) <= LEVEL + chance
    for order in HIDDEN:
        mine = footprints()[order.name]
        assert caught(mine) <= 0.25 * len(mine)

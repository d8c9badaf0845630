"""The tape: numbering, bounds, exact totals, volume and delta by ladder row."""

import random
from decimal import Decimal

import pytest

from jackbot_tui.book import tape as tape_module
from jackbot_tui.book.analytics import row_of
from jackbot_tui.book.tape import TradeTape
from jackbot_tui.model.enums import Side
from jackbot_tui.model.market import Trade


def trade(price: str, size: str, side: Side = Side.BUY) -> Trade:
    return Trade("k", 0, 0, "1", side, float(price), float(size), price, size)


def test_trades_are_numbered_and_only_the_newest_kept() -> None:
    tape = TradeTape(Decimal("0.1"), ring=3)
    assert tape.after(0, 10) == [] and tape.last_price is None
    for number in range(1, 6):
        tape.add(trade(f"{number}.0", "1"))
    assert [(seq, each.price) for seq, each in tape.after(0, 10)] == [(3, 3.0), (4, 4.0), (5, 5.0)]
    assert [seq for seq, _ in tape.after(4, 10)] == [5]
    assert [seq for seq, _ in tape.after(0, 2)] == [4, 5]
    assert tape.after(5, 10) == tape.after(99, 10) == []
    assert (tape.seq, tape.first_price, tape.last_price) == (5, 1.0, 5.0)


def test_volumes_are_exact_sums_of_the_venues_texts() -> None:
    tape, rng, total = TradeTape(Decimal("0.01")), random.Random(3), 0
    for _ in range(2000):
        units = rng.randint(1, 10**12)
        total += units
        tape.add(trade("1.00", f"{units / 10**8:.8f}", rng.choice(list(Side))))
    assert tape.volume == Decimal(total).scaleb(-8) == tape.buy_volume + tape.sell_volume
    assert format(tape.volume, "f").partition(".")[2] == f"{total:09d}"[-8:]


def test_volume_and_delta_by_ladder_row() -> None:
    tape = TradeTape(Decimal("0.1"))
    for price, size, side in [("61659.7", "2", Side.BUY), ("61659.7", "0.5", Side.SELL), ("61660.0", "1", Side.SELL)]:
        tape.add(trade(price, size, side))
    assert tape.cvd == 0.5
    assert tape.rows([616596, 616597, 616600]) == {616597: (2.5, 1.5), 616600: (1.0, -1.0)}
    assert tape.rows([7], 100_000) == {7: (2.0, 2.0)}
    assert tape.rows([6], 100_000) == {6: (1.5, -1.5)}
    assert tape.rows([8], 100_000) == tape.rows([], 10) == {}


def test_a_grouped_row_holds_the_trades_of_the_levels_it_showed() -> None:
    tape = TradeTape(Decimal("0.1"))
    tape.add(trade("61659.7", "2", Side.BUY))  # took an ask, shown rounded up at 61660
    tape.add(trade("61659.7", "0.5", Side.SELL))  # took a bid, shown rounded down at 61659
    tape.add(trade("61660.0", "1", Side.BUY))
    tape.add(trade("61660.0", "4", Side.SELL))
    assert tape.rows(range(61600, 61700), 10) == {61659: (0.5, -0.5), 61660: (7.0, -1.0)}


@pytest.mark.parametrize("group", [1, 2, 5, 7, 31, 32, 33, 64, 1000, 10_000])
def test_grouped_rows_equal_a_plain_sum_over_trades(group: int) -> None:
    tape, rng = TradeTape(Decimal(1)), random.Random(group)
    expected: dict[int, tuple[float, float]] = {}
    for _ in range(3000):
        tick, side = rng.randint(5_000, 6_000), rng.choice(list(Side))
        size = float(rng.randint(1, 9))
        tape.add(trade(str(tick), f"{size:g}", side))
        row = row_of(float(tick), 1.0, group, side.opposite)
        volume, delta = expected.get(row, (0.0, 0.0))
        expected[row] = (volume + size, delta + size * side.sign)
    assert tape.rows(range(-1, 6_002), group) == expected
    some = [row for row in expected if rng.random() < 0.5]
    assert tape.rows(some, group) == {row: expected[row] for row in some}


def test_prices_far_from_the_last_are_forgotten_when_there_are_too_many() -> None:
    tape = TradeTape(Decimal(1))
    kept = tape_module.PAGE * tape_module.MAX_PAGES
    for number in range(tape_module.MAX_PAGES + 1):
        tape.add(trade(str(number * tape_module.PAGE), "1"))
    assert tape.rows([0, tape_module.PAGE, kept]) == {tape_module.PAGE: (1.0, 1.0), kept: (1.0, 1.0)}
    assert tape.volume == tape_module.MAX_PAGES + 1, "totals forget nothing"

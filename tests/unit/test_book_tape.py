"""The tape: numbering, bounds, exact totals, volume and delta by ladder row."""

import random
from decimal import Decimal

from jackbot_tui.book import tape as tape_module
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
    assert tape.rows(range(61600, 61700), 10) == {61659: (2.5, 1.5), 61660: (1.0, -1.0)}
    assert tape.rows([6], 100_000) == {6: (3.5, 0.5)}
    assert tape.rows([7], 100_000) == {}


def test_prices_far_from_the_last_are_forgotten_when_there_are_too_many() -> None:
    tape = TradeTape(Decimal(1))
    for price in range(1, tape_module.MAX_TICKS + 2):
        tape.add(trade(str(price), "1"))
    last = tape_module.MAX_TICKS + 1
    assert tape.rows([1, last - tape_module.MAX_TICKS // 2 + 1, last]) == {
        last - tape_module.MAX_TICKS // 2 + 1: (1.0, 1.0),
        last: (1.0, 1.0),
    }
    assert tape.volume == last, "totals forget nothing"

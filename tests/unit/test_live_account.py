"""What streams and pages say of one account's positions, put together."""

from decimal import Decimal

from jackbot_tui.execution.live.account import LiveAccount
from jackbot_tui.execution.live.statements import AccountStatement, BalanceStatement, PositionStatement
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.margin import MarginMode

SYMBOL, KEY = "BTC/USDT:USDT", "binance:BTC/USDT:USDT"


def position(quantity: str, **more: object) -> PositionStatement:
    return PositionStatement(symbol=SYMBOL, quantity=Decimal(quantity), entry=Decimal(100), **more)  # type: ignore[arg-type]


def account() -> LiveAccount:
    made = LiveAccount("binance")
    told = position("2", mode=MarginMode.ISOLATED, leverage=Decimal(5), liquidation=Decimal(80))
    made.take(MarketKind.LINEAR, AccountStatement(balances=(), positions=(told,)), 1)
    return made


def test_a_stream_keeps_what_it_does_not_tell_while_the_size_is_the_same() -> None:
    made = account()
    made.take_position(SYMBOL, position("2"))
    held = made.positions[KEY]
    assert (held.mode, held.leverage, held.liquidation) == (MarginMode.ISOLATED, 5, 80)


def test_a_new_size_has_no_liquidation_price_until_a_page_tells_one() -> None:
    made = account()
    made.take_position(SYMBOL, position("3"))
    held = made.positions[KEY]
    assert (held.quantity, held.leverage, held.liquidation) == (3, 5, None)


def test_a_flat_position_is_gone_and_a_new_one_is_there() -> None:
    made = account()
    made.take_position(SYMBOL, None)
    assert KEY not in made.positions
    made.take_position(SYMBOL, position("-1"))
    assert made.positions[KEY].quantity == -1


def test_one_wallet_is_counted_once_whichever_market_tells_of_it() -> None:
    apart, one = LiveAccount("binance"), LiveAccount("bybit", one_wallet=True)
    for made in (apart, one):
        for kind in MarketKind:
            held = BalanceStatement("USDT", Decimal(1000), Decimal(900))
            made.take(kind, AccountStatement(balances=(held,), positions=()), 1)
        made.take_balances(MarketKind.SPOT, (BalanceStatement("USDT", Decimal(800), Decimal(700)),))
    assert (apart.totals(), one.totals()) == ({"USDT": Decimal(1800)}, {"USDT": Decimal(800)})
    assert one.free(MarketKind.LINEAR, "USDT") == Decimal(700)

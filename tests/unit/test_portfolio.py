"""Positions, balances, equity and the day's result, computed by hand."""

from decimal import Decimal

from msgspec.structs import replace

from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.enums import Liquidity, Side
from jackbot_tui.model.orders import OrderFilled, OrderRequest, Position

PERP = "x:BTC/USDT:USDT"
SPOT = "x:ETH/USDT"
CROSS = "x:ETH/BTC"


class Prices:
    """What instruments are worth now; a missing key is an unknown price."""

    def __init__(self, **prices: float) -> None:
        self.prices = prices

    def __call__(self, key: str) -> Decimal | None:
        names = {PERP: "perp", SPOT: "spot", CROSS: "cross"}
        price = self.prices.get(names[key])
        return None if price is None else Decimal(str(price))


def trade(
    portfolio: Portfolio, key: str, side: str, quantity: str, price: str, fee: str = "0", fee_currency: str = ""
) -> Position:
    request = OrderRequest(key=key, side=Side(side), quantity=Decimal(quantity))
    order = Oms().create(request, 1, "o1", 0)
    currency = fee_currency or key.split("/")[1].split(":")[0]
    fill = OrderFilled("o1", 1, "t", Decimal(price), Decimal(quantity), Liquidity.TAKER, Decimal(fee), currency)
    return portfolio.apply(order, fill)


def a_portfolio() -> Portfolio:
    return Portfolio({"USDT": Decimal(10_000)})


def test_an_instrument_never_traded_is_flat() -> None:
    portfolio = a_portfolio()
    assert portfolio.position(PERP) == Position(key=PERP)
    assert portfolio.positions == []


def test_a_spot_buy_moves_quote_to_base_and_pays_the_fee() -> None:
    portfolio = a_portfolio()
    trade(portfolio, SPOT, "buy", "2", "1000", fee="2")
    assert portfolio.balances() == {"USDT": Decimal(7998), "ETH": Decimal(2)}
    trade(portfolio, SPOT, "sell", "2", "1100", fee="2.2")
    assert portfolio.balances() == {"USDT": Decimal("10195.8"), "ETH": Decimal(0)}


def test_a_perpetual_moves_money_only_as_it_is_realized() -> None:
    portfolio = a_portfolio()
    trade(portfolio, PERP, "sell", "2", "1000", fee="1")
    assert portfolio.balance("USDT") == Decimal(9999)
    trade(portfolio, PERP, "buy", "1", "900", fee="0.45")
    portfolio.apply_funding(PERP, Decimal("0.5"), 5)
    assert portfolio.balance("USDT") == Decimal("10099.05")
    assert portfolio.balance("BTC") == 0


def test_a_fee_in_the_base_currency_is_valued_at_the_fill() -> None:
    position = trade(a_portfolio(), SPOT, "buy", "2", "1000", fee="0.002", fee_currency="ETH")
    assert position.fees == Decimal(2)


def test_a_fee_in_a_third_currency_does_not_change_the_position() -> None:
    assert trade(a_portfolio(), SPOT, "buy", "2", "1000", fee="0.01", fee_currency="BNB").fees == 0


def test_equity_is_everything_at_todays_prices() -> None:
    portfolio = a_portfolio()
    trade(portfolio, SPOT, "buy", "2", "1000", fee="2")
    trade(portfolio, PERP, "sell", "1", "50000", fee="25")
    assert portfolio.equity(Prices(spot=1050, perp=49900)) == Decimal(10_000 - 2 - 25 + 2 * 50 + 100)


def test_equity_keeps_the_last_known_price_when_the_feed_is_lost() -> None:
    portfolio = a_portfolio()
    trade(portfolio, SPOT, "buy", "2", "1000")
    assert portfolio.equity(Prices(spot=1050)) == Decimal(10_100)
    assert portfolio.equity(Prices()) == Decimal(10_100)


def test_profit_in_another_currency_is_turned_into_dollars_or_left_out() -> None:
    portfolio = Portfolio({"USDT": Decimal(100_000), "BTC": Decimal(1)})
    trade(portfolio, CROSS, "buy", "10", "0.05")
    assert portfolio.day_pnl(Prices(cross=0.06)) == 0
    trade(portfolio, "x:BTC/USDT", "buy", "1", "50000")

    def prices(key: str) -> Decimal | None:
        return {"x:BTC/USDT": Decimal(50_000), CROSS: Decimal("0.06")}[key]

    assert portfolio.day_pnl(prices) == Decimal("0.1") * 50_000


def test_the_days_result_is_realized_and_open_profit_fees_and_funding() -> None:
    portfolio = a_portfolio()
    trade(portfolio, PERP, "buy", "2", "100", fee="1")
    trade(portfolio, PERP, "sell", "1", "110", fee="1")
    portfolio.apply_funding(PERP, Decimal("-0.5"), 5)
    assert portfolio.day_pnl(Prices(perp=105)) == Decimal("10") + 5 - 2 - Decimal("0.5")


def test_the_day_starts_again_at_midnight_from_the_prices_of_then() -> None:
    portfolio = a_portfolio()
    trade(portfolio, PERP, "buy", "2", "100", fee="1")
    portfolio.new_day(0, Prices(perp=105))
    assert portfolio.day_pnl(Prices(perp=105)) == 0
    trade(portfolio, PERP, "sell", "2", "104")
    assert portfolio.day_pnl(Prices(perp=999)) == Decimal(-2)


def test_after_a_restart_the_day_counts_from_the_first_price_seen() -> None:
    portfolio = a_portfolio()
    held = Position(key=PERP, quantity=Decimal(2), average_entry=Decimal(100), realized=Decimal(50))
    portfolio.load([held])
    assert portfolio.day_pnl(Prices()) == 0
    assert portfolio.day_pnl(Prices(perp=110)) == 0
    assert portfolio.day_pnl(Prices(perp=112)) == Decimal(4)
    assert portfolio.balance("USDT") == Decimal(10_050)


def test_after_a_restart_with_midnights_positions_the_day_goes_on() -> None:
    portfolio = a_portfolio()
    at_midnight = Position(key=PERP, quantity=Decimal(2), average_entry=Decimal(100), realized=Decimal(50))
    now = replace(at_midnight, quantity=Decimal(1), realized=Decimal(55))
    portfolio.load([now], opening=[(at_midnight, Decimal(101))])
    assert portfolio.day_pnl(Prices(perp=110)) == Decimal(55 + 10) - Decimal(50 + 2)


def test_a_portfolio_rebuilt_from_positions_equals_the_one_that_lived() -> None:
    lived = a_portfolio()
    for side, quantity, price in [("buy", "0.3", "100.1"), ("buy", "0.1", "100.7"), ("sell", "0.2", "99.9")]:
        trade(lived, SPOT, side, quantity, price, fee="0.01")
        trade(lived, PERP, side, quantity, price, fee="0.01")
    rebuilt = a_portfolio()
    rebuilt.load(lived.positions)
    assert rebuilt.balances() == lived.balances()
    assert rebuilt.equity(Prices(spot=101, perp=101)) == lived.equity(Prices(spot=101, perp=101))

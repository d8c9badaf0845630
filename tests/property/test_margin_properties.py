"""Properties of costs and margin: only prices, fees and funding make or lose money; no liquidation comes late."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from jackbot_tui.execution.paper.margin import brackets_of
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.accounting import currencies_of, unrealized
from jackbot_tui.model.margin import MarginMode, liquidation_price, maintenance
from jackbot_tui.model.orders import OrderFilled
from tests.paper_world import PERP, SPOT, Market, World

ETH = replace(PERP, symbol="ETH/USDT:USDT", native="ETHUSDT", base="ETH")
BINANCE_SPOT = replace(SPOT, venue="binance")
START = Decimal(2_000)

QUANTITIES = st.decimals("-5000", "5000", places=3).filter(bool)
PRICES = st.decimals("0.1", "100000", places=1)
BALANCES = st.decimals("0", "100000", places=4)
LEVERAGES = st.sampled_from([Decimal(each) for each in (1, 2, 3, 10, 20, 50, 125)])


@settings(max_examples=400, deadline=None)
@given(QUANTITIES, PRICES, BALANCES, LEVERAGES, st.lists(PRICES, min_size=1, max_size=6))
def test_the_closed_form_is_where_the_margin_stops_to_suffice(
    quantity: Decimal, entry: Decimal, balance: Decimal, most: Decimal, marks: list[Decimal]
) -> None:
    brackets = brackets_of(replace(PERP, max_leverage=most))
    price = liquidation_price(quantity, entry, balance, brackets)
    for mark in marks:
        left = Fraction(balance) + (Fraction(mark) - Fraction(entry)) * Fraction(quantity)
        short = left <= Fraction(maintenance(brackets, abs(quantity) * mark))
        crossed = price is not None and (mark <= price if quantity > 0 else mark >= price)
        if price is None or abs(mark - price) > Decimal("1e-60"):
            assert short == crossed


Step = tuple[str, int, int, bool]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "buy", "sell", "mark", "mark", "funding", "limit"]),
        st.integers(0, 1),  # instrument
        st.integers(1, 400),  # quantity in 0.1, or price as it says
        st.booleans(),
    ),
    max_size=25,
)


class Ledger:
    """Cash and quantities from what was heard alone, in fractions."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.funding = Fraction(0)

    def cash(self, key: str) -> Fraction:
        fills = [event for event in self.world.log if isinstance(event, OrderFilled) and self.key(event) == key]
        paid = sum(
            (
                Fraction(fill.price) * Fraction(fill.quantity) * self.world.order(fill.client_id).side.sign
                for fill in fills
            ),
            Fraction(0),
        )
        return -paid - sum((Fraction(fill.fee) for fill in fills), Fraction(0))

    def quantity(self, key: str) -> Fraction:
        return sum(
            (
                Fraction(event.quantity) * self.world.order(event.client_id).side.sign
                for event in self.world.log
                if isinstance(event, OrderFilled) and self.key(event) == key
            ),
            Fraction(0),
        )

    def key(self, fill: OrderFilled) -> str:
        return self.world.order(fill.client_id).key


def lived(mode: MarginMode, leverage: int, steps: list[Step]) -> tuple[World, Ledger]:
    """A world that went through ``steps``; what must always hold is checked after each."""
    markets = (Market(PERP), Market(ETH))
    world = World(*markets, balances={"USDT": START}, leverage=leverage, margin=mode)
    prices = [100.0, 100.0]
    ledger = Ledger(world)
    for place in (0, 1):
        quote(world, markets[place], prices[place])
    for what, place, size, flag in steps:
        market = markets[place]
        if what in ("buy", "sell"):
            world.send(what, str(Decimal(size) / 10), market=market)
        elif what == "limit":
            offset = Decimal(size) / 100 * (-1 if flag else 1)
            price = round(Decimal(str(prices[place])) + offset, 1)
            world.send("buy" if flag else "sell", str(Decimal(size) / 10), str(price), market=market)
        elif what == "mark":
            prices[place] = round(prices[place] * (1 + size / 1600 * (-1 if flag else 1)), 1)
            if size % 3:
                quote(world, market, prices[place])
            world.mark(prices[place], market)
        else:
            before = world.paper.margin(market.key, world.now)
            held = world.portfolio.position(market.key).quantity
            rate = Decimal(size) / 100_000 * (-1 if flag else 1)
            mark = Decimal(str(prices[place]))
            settled = world.paper.settle_funding(market.key, rate, mark, world.now * 9, world.now)
            assert before is not None and settled.quantity == held
            assert Fraction(settled.amount) == -Fraction(held) * Fraction(mark) * Fraction(rate)
            world.portfolio.apply_funding(market.key, settled.amount, world.now)
            ledger.funding += Fraction(settled.amount)
            world.mark(prices[place], market)
        check(world, ledger, markets, prices, mode)
    return world, ledger


def quote(world: World, market: Market, price: float) -> None:
    bids = [(round(price - 0.1 * n, 1), 20.0 * n) for n in range(1, 4) if price > 0.1 * n + 0.05]
    world.book(bids, [(round(price + 0.1 * n, 1), 20.0 * n) for n in range(1, 4)], market)


def check(world: World, ledger: Ledger, markets: tuple[Market, Market], prices: list[float], mode: MarginMode) -> None:
    """Conservation, equity, and that nobody stands whose margin does not suffice."""
    wallet = Fraction(world.portfolio.balance("USDT"))
    worth = Fraction(START) + ledger.funding
    open_profit = Fraction(0)
    for market in markets:
        position = world.portfolio.position(market.key)
        mark = world.markets[market.key].value_price(world.now)
        assert mark is not None
        assert Fraction(position.quantity) == ledger.quantity(market.key)
        worth += ledger.cash(market.key) + Fraction(position.quantity) * Fraction(mark)
        open_profit += Fraction(unrealized(position, mark))
        view = world.paper.margin(market.key, world.now)
        assert view is not None
        if position.quantity:
            assert view.behind > view.kept
            assert view.liquidation is None or (
                mark > view.liquidation if position.quantity > 0 else mark < view.liquidation
            )
    assert wallet + open_profit == worth
    equity = world.portfolio.equity(lambda key: world.markets[key].value_price(world.now))
    assert Fraction(equity) == wallet + open_profit
    if mode is MarginMode.CROSS:
        assert wallet + open_profit >= 0


@settings(max_examples=120, deadline=None)
@given(st.sampled_from([2, 10, 50, 100]), STEPS)
def test_a_cross_account_is_conserved_liquidated_in_time_and_never_below_zero(leverage: int, steps: list[Step]) -> None:
    lived(MarginMode.CROSS, leverage, steps)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from([2, 10, 50, 100]), STEPS)
def test_isolated_positions_are_conserved_and_liquidated_in_time(leverage: int, steps: list[Step]) -> None:
    lived(MarginMode.ISOLATED, leverage, steps)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["buy", "sell"]),
    st.integers(1, 200),
    st.sampled_from([2, 10, 50, 125]),
    st.lists(st.integers(1, 3000), min_size=1, max_size=8),
    st.booleans(),
)
def test_an_isolated_position_never_loses_more_than_it_posted(
    side: str, size: int, leverage: int, marks: list[int], live: bool
) -> None:
    free = replace(PERP, maker_fee=Decimal(0), taker_fee=Decimal(0))
    world = World(Market(free), balances={"USDT": Decimal(100_000)}, leverage=leverage, margin=MarginMode.ISOLATED)
    world.book([(99.9, 50.0), (99.5, 500.0)], [(100.0, 50.0), (100.5, 500.0)])
    world.send(side, str(Decimal(size) / 10))
    view = world.paper.margin(free.key, world.now)
    assert view is not None
    posted = view.initial
    for tenths in marks:
        price = tenths / 10
        if live:
            world.book([(price, 3.0), (max(0.1, round(price * 0.9, 1)), 500.0)], [(round(price * 1.1 + 0.1, 1), 500.0)])
        world.mark(price)
        if world.liquidations:
            break
    if world.liquidations:
        assert world.portfolio.position(free.key).quantity == 0
        lost = Fraction(100_000) - Fraction(world.portfolio.balance("USDT"))
        assert lost <= Fraction(posted) + Fraction(1, 10**17)  # averages of entries are rounded at 18 decimals


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 3_000)), max_size=20), st.booleans())
def test_spot_wallets_are_exact_when_buys_pay_their_fee_in_base(orders: list[tuple[str, int]], in_base: bool) -> None:
    instrument = BINANCE_SPOT if in_base else SPOT
    world = World(Market(instrument), balances={"USDT": Decimal(10_000), "BTC": Decimal(1)})
    world.book([(99.9, 1.0), (99.8, 900.0)], [(100.0, 1.0), (100.1, 900.0)])
    base, quote_held = Fraction(1), Fraction(10_000)
    for side, size in orders:
        client_id = world.send(side, str(Decimal(size) / 1000))
        for fill in world.fill_events(client_id):
            value = Fraction(fill.price) * Fraction(fill.quantity)
            if side == "buy":
                base += Fraction(fill.quantity)
                quote_held -= value
            else:
                base -= Fraction(fill.quantity)
                quote_held += value
            assert fill.fee_currency == ("BTC" if in_base and side == "buy" else "USDT")
            if fill.fee_currency == "BTC":
                assert Fraction(fill.fee) == Fraction(fill.quantity) * Fraction(instrument.taker_fee)
                base -= Fraction(fill.fee)
            else:
                assert Fraction(fill.fee) == value * Fraction(instrument.taker_fee)
                quote_held -= Fraction(fill.fee)
        held = Portfolio.balances(world.portfolio)
        assert Fraction(held.get("BTC", Decimal(0))) == base
        assert Fraction(held.get("USDT", Decimal(0))) == quote_held
    assert currencies_of(instrument.key).quote == "USDT"

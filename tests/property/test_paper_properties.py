"""The paper venue under random markets and random orders: nothing is made up and nothing is lost."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from jackbot_tui.model.enums import BookState, Liquidity, Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import Level
from jackbot_tui.model.numbers import decimal_of
from jackbot_tui.model.orders import OrderFilled
from tests.paper_world import PERP, SPOT, Market, World

Script = list[tuple[Callable[..., None], tuple[object, ...]]]

SPOT_COARSE = replace(SPOT, tick=Decimal("0.1"), lot=Decimal("0.001"))

ticks = st.integers(990, 1010)
sizes = st.integers(0, 6000)


def price_of(tick: int) -> float:
    return float(Decimal(tick) / 10)


@st.composite
def books(draw: st.DrawFn) -> tuple[list[Level], list[Level]]:
    """An uncrossed book of up to four levels a side around 100."""
    middle = draw(st.integers(995, 1005))
    bids = [(price_of(middle - 1 - step), draw(sizes) / 1000) for step in range(draw(st.integers(0, 4)))]
    asks = [(price_of(middle + step), draw(sizes) / 1000) for step in range(draw(st.integers(0, 4)))]
    return [level for level in bids if level[1]], [level for level in asks if level[1]]


def quantities() -> st.SearchStrategy[str]:
    return st.integers(1, 9000).map(lambda lots: str(Decimal(lots) / 1000))


def _send(world: World, side: str, quantity: str, tick: int | None, tif: str, flags: str) -> None:
    price = None if tick is None else str(Decimal(tick) / 10)
    flags = "" if price is None or (tif != "gtc" and flags == "post") else flags
    reduce = flags == "reduce" and world.market.instrument.is_perpetual
    world.send(side, quantity, price, tif=tif, post_only=flags == "post", reduce_only=reduce)


def _pick(world: World, index: int) -> str | None:
    open_orders = world.oms.open_orders()
    return open_orders[index % len(open_orders)].client_id if open_orders else None


def _cancel(world: World, index: int) -> None:
    client_id = _pick(world, index)
    if client_id is not None:
        world.cancel(client_id)


def _amend(world: World, index: int, tick: int, quantity: str) -> None:
    client_id = _pick(world, index)
    if client_id is not None and world.status(client_id) in ("new", "partially_filled"):
        world.amend(client_id, str(Decimal(tick) / 10), quantity)


def _book(world: World, book: tuple[list[Level], list[Level]]) -> None:
    """A new book; after a gap it is the resync."""
    if not world.market.live:
        world.market.become(BookState.LIVE)
    world.book(*book)


def _trade(world: World, side: str, tick: int, quantity: str) -> None:
    world.trade(side, price_of(tick), quantity)


def _gap(world: World) -> None:
    world.market.become(BookState.SYNCING)


def _wait(world: World, ms: int) -> None:
    world.wait(ms)


sides = st.sampled_from(["buy", "sell"])
some_quantities = st.integers(1, 3000).map(lambda lots: str(Decimal(lots) / 1000))
passive = st.one_of(
    st.tuples(st.just("buy"), some_quantities, st.integers(996, 1000)),
    st.tuples(st.just("sell"), some_quantities, st.integers(999, 1003)),
)
steps = st.one_of(
    st.tuples(st.just(_send), passive.flatmap(lambda each: st.tuples(*map(st.just, (*each, "gtc", ""))))),
    st.tuples(st.just(_trade), st.tuples(sides, st.integers(994, 1006), quantities())),
    st.tuples(
        st.just(_send),
        st.tuples(
            sides,
            quantities(),
            st.one_of(st.none(), ticks),
            st.sampled_from(["gtc", "gtc", "gtc", "ioc", "fok"]),
            st.sampled_from(["", "", "post", "reduce"]),
        ),
    ),
    st.tuples(st.just(_book), st.tuples(books())),
    st.tuples(st.just(_book), st.tuples(books())),
    st.tuples(st.just(_cancel), st.tuples(st.integers(0, 9))),
    st.tuples(st.just(_amend), st.tuples(st.integers(0, 9), ticks, quantities())),
    st.tuples(st.just(_wait), st.tuples(st.integers(1, 30))),
)
scripts = st.lists(st.one_of(steps, steps, steps, st.just((_gap, ()))), min_size=25, max_size=60)
instruments = st.sampled_from([PERP, SPOT_COARSE])


class Watched(World):
    """A world that looks at every call's fills with the market as it was at that moment."""

    def trade(self, side: str, price: float, size: str, market: Market | None = None) -> None:
        before = len(self.log)
        live = self.market.live
        super().trade(side, price, size, market)
        makers = self._makers(before)
        if not live:
            assert makers == []
        if not self.config.entry_latency_ns:
            assert sum((fill.quantity for fill in makers), Decimal(0)) <= Decimal(size)
            for fill in makers:
                order = self.order(fill.client_id)
                if order.side is Side.BUY:
                    assert price < float(fill.price) or (price == float(fill.price) and side == "sell")
                else:
                    assert price > float(fill.price) or (price == float(fill.price) and side == "buy")

    def send(self, *args: object, **options: object) -> str:
        before = len(self.log)
        best = {Side.BUY: self.market.book.best_ask(), Side.SELL: self.market.book.best_bid()}
        live = self.market.live
        client_id = super().send(*args, **options)  # type: ignore[arg-type]
        takers = [each for each in self.log[before:] if isinstance(each, OrderFilled)]
        if not self.config.entry_latency_ns and takers:
            order = self.order(client_id)
            touch = best[order.side]
            assert live
            assert touch is not None
            assert takers[0].client_id == client_id
            assert all((fill.price - decimal_of(touch[0])) * order.side.sign >= 0 for fill in takers)
        return client_id

    def _makers(self, before: int) -> list[OrderFilled]:
        return [
            event
            for event in self.log[before:]
            if isinstance(event, OrderFilled) and event.liquidity is Liquidity.MAKER
        ]


def played(script: Script, instrument: Instrument, latency_ms: int) -> Watched:
    balances = {"USDT": Decimal(800), "BTC": Decimal(4)}
    world = Watched(Market(instrument), latency_ms=latency_ms, balances=balances, leverage=5)
    world.book([(99.9, 2.0), (99.8, 3.0)], [(100.0, 2.0), (100.1, 3.0)])
    for act, arguments in script:
        act(world, *arguments)
    world.wait(1000)
    return world


@given(scripts, instruments, st.sampled_from([0, 0, 7]))
@settings(max_examples=250, deadline=None)
def test_money_and_coins_are_conserved_and_no_order_overfills(
    script: Script, instrument: Instrument, latency_ms: int
) -> None:
    world = played(script, instrument, latency_ms)
    coins, cash, fees = Fraction(0), Fraction(0), Fraction(0)
    for fill in world.fill_events():
        order = world.order(fill.client_id)
        signed = Fraction(fill.quantity) * order.side.sign
        coins += signed
        cash -= signed * Fraction(fill.price)
        rate = instrument.maker_fee if fill.liquidity is Liquidity.MAKER else instrument.taker_fee
        assert Fraction(fill.fee) == Fraction(fill.quantity) * Fraction(fill.price) * Fraction(rate)
        fees += Fraction(fill.fee)
        assert fill.quantity > 0
        assert fill.quantity % instrument.lot == 0
    position = world.portfolio.position(instrument.key)
    assert Fraction(position.quantity) == coins
    assert Fraction(position.realized) - Fraction(position.average_entry) * coins == cash
    assert Fraction(position.fees) == fees
    for order in world.oms.orders.values():
        own = sum((fill.quantity for fill in world.fill_events(order.client_id)), Decimal(0))
        assert order.filled == own
        assert own <= order.quantity
    if not instrument.is_perpetual:
        assert all(held >= 0 for held in world.portfolio.balances().values())
    assert len({fill.trade_id for fill in world.fill_events()}) == len(world.fill_events())


@given(scripts, instruments, st.sampled_from([0, 7]))
@settings(max_examples=150, deadline=None)
def test_fills_respect_the_limit_and_the_latency(script: Script, instrument: Instrument, latency_ms: int) -> None:
    world = played(script, instrument, latency_ms)
    amended = {event.client_id for event in world.log if type(event).__name__ == "OrderAmended"}
    for fill in world.fill_events():
        order = world.order(fill.client_id)
        assert fill.ts >= order.created_ns + latency_ms * 1_000_000
        if order.price is not None and order.client_id not in amended:
            assert (order.price - fill.price) * order.side.sign >= 0
            assert fill.liquidity is Liquidity.TAKER or fill.price == order.price
    assert [event.ts for event in world.log] == sorted(event.ts for event in world.log)


@given(scripts, instruments, st.sampled_from([0, 7]))
@settings(max_examples=60, deadline=None)
def test_the_same_script_gives_the_same_events(script: Script, instrument: Instrument, latency_ms: int) -> None:
    assert played(script, instrument, latency_ms).log == played(script, instrument, latency_ms).log


@given(scripts)
@settings(max_examples=100, deadline=None)
def test_reduce_only_never_opens_or_turns_a_position(script: Script) -> None:
    world = Watched(balances={"USDT": Decimal(10**6)})
    world.book([(99.9, 2.0), (99.8, 3.0)], [(100.0, 2.0), (100.1, 3.0)])
    for act, arguments in script:
        act(world, *arguments)
    held = Decimal(0)
    for fill in world.fill_events():
        order = world.order(fill.client_id)
        after = held + fill.quantity * order.side.sign
        if order.reduce_only:
            assert abs(after) < abs(held)
            assert after * held >= 0
        held = after


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_a_level_gives_what_it_showed_and_what_it_gained_and_no_more(shown: list[int]) -> None:
    world = World()
    world.book([(99.9, 1.0)], [(100.1, 1.0)])
    order = world.send("buy", "1000", "100.0")
    for lots in shown:
        world.book([(99.9, 1.0)], [*([(100.0, lots / 1000)] if lots else []), (100.1, 1.0)])
    gained = sum(max(0, after - before) for before, after in zip([0, *shown], shown, strict=False))
    assert world.order(order).filled == Decimal(gained) / 1000


@given(
    st.integers(0, 5000),
    st.lists(st.integers(1, 3000), min_size=1, max_size=5),
    st.lists(st.integers(1, 4000), max_size=12),
)
@settings(max_examples=200, deadline=None)
def test_trades_at_a_price_fill_exactly_what_exceeds_the_queue(
    shown: int, orders: list[int], trades: list[int]
) -> None:
    world = World()
    level = [(99.9, shown / 1000)] if shown else []
    world.book([*level, (99.8, 1.0)], [(100.0, 1.0)])
    ids = [world.send("buy", str(Decimal(lots) / 1000), "99.9") for lots in orders]
    for lots in trades:
        world.trade("sell", 99.9, str(Decimal(lots) / 1000))
    left = max(0, sum(trades) - shown)
    for client_id, lots in zip(ids, orders, strict=True):
        got = min(left, lots)
        left -= got
        assert world.order(client_id).filled == Decimal(got) / 1000


@given(st.lists(st.tuples(sides, quantities()), min_size=1, max_size=12), books())
@settings(max_examples=200, deadline=None)
def test_takers_get_what_is_displayed_once_and_no_more(
    orders: list[tuple[str, str]], book: tuple[list[Level], list[Level]]
) -> None:
    world = World()
    world.book(*book)
    for side, quantity in orders:
        world.send(side, quantity)
    for side, levels in (("buy", book[1]), ("sell", book[0])):
        wanted = sum((Decimal(quantity) for each, quantity in orders if each == side), Decimal(0))
        displayed = sum((decimal_of(size) for _, size in levels), Decimal(0))
        got = [fill for fill in world.fill_events() if world.order(fill.client_id).side.value == side]
        assert sum((fill.quantity for fill in got), Decimal(0)) == min(wanted, displayed)
        for price, size in levels:
            at_level = sum((fill.quantity for fill in got if float(fill.price) == price), Decimal(0))
            assert at_level <= decimal_of(size)

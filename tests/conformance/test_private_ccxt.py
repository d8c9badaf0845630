"""The judge of the gateways' private sides: unmodified ccxt.pro with keys, pointed at each by URLs alone, trades.

What ccxt is told must be what the exchange's own back office knows. Time stands still but for ``step``; before each
call the exchange's time of day is set to the wall's, which signatures are checked against. Where ccxt cannot do
something at a venue, the venue's module in ``tests/ccxt_private`` says why. Such a module may also name what is done
otherwise there: ``CLIENT_ID`` (an id as the venue writes them), ``PRICED_MARKET_ORDERS`` (ccxt wants a price with a
market order), ``REFUSES_MISSES`` (an IOC order that finds nothing is answered with an error), ``BALANCE_WITHIN`` (a
wallet is told with unrealised profit, so that it is the ledger's only to within this fraction), ``STREAM_CURRENCIES``
(what ccxt calls a currency that it hears of on a stream), ``BUYS_BY_COST`` (a market buy on spot names what it
spends, as a parameter or, by ``"amount"``, in place of its amount), ``FEE_SIGN`` (-1: ccxt turns the sign of fees on
pages round), ``client_of(sim, key, kind)`` (in place of ``client``, where each kind of market is another exchange of
ccxt's), ``BALANCE_PARAMS`` (what ccxt is asked for balances with, by kind of market), ``CLIENT_ID_FIELD`` (what a
client id is passed as), ``REDUCE_ONLY`` (what makes an order reduce-only), ``own_trades(client, symbol)`` (where ccxt
keeps own trades of the stream), ``STREAMS`` (how many streams tell of orders once all are open),
``LEVERAGE_PARAMS`` (what ccxt wants to be told with a leverage).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import ccxt
import pytest

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.sim.keys import ApiKey, KeyRole
from jackbot_tui.sim.requests import AccountOrder, OrderSpec
from jackbot_tui.sim.terms import UniqueIds
from tests.gateway_world import relaxed, symbols_of

TIMEOUT_S = 25.0
VENUES = sorted(path.stem for path in (Path(__file__).parents[1] / "ccxt_private").glob("[a-z]*.py"))
MARKETS = [
    pytest.param(venue, kind, id=f"{venue}-{kind.value}")
    for venue in VENUES
    for kind in dict.fromkeys(listing.instrument.kind for listing in front_of(venue).LISTINGS)
]
PERPETUALS = [parameter for parameter in MARKETS if parameter.values[1] is MarketKind.LINEAR]


class Trader:
    """Account 1 as ccxt sees it, and as the exchange knows it."""

    def __init__(self, sim: SimExchange, client: Any, symbol: str) -> None:
        self.sim = sim
        self.client = client
        self.symbol = symbol
        self.listing = sim.listing(symbol)
        self.key = self.listing.key
        self.accounts = sim.accounts
        self.is_perpetual = self.listing.instrument.is_perpetual
        usual = {"type": "swap" if self.is_perpetual else "spot"}
        self.balance_type = peculiarity(sim.venue, "BALANCE_PARAMS", {}).get(self.listing.instrument.kind, usual)

    @property
    def orders(self) -> list[AccountOrder]:
        return self.accounts.orders.orders(1, self.key)

    def sync(self) -> None:
        """Set the exchange's time of day."""
        self.sim.timeline.slip(time.time_ns() - self.sim.timeline.now_ns())

    async def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        self.sync()
        return await getattr(self.client, name)(*arguments, **named)

    async def buy(self, quantity: float, price: float | None = None, **params: Any) -> Any:
        return await self._order("buy", quantity, price, params)

    async def sell(self, quantity: float, price: float | None = None, **params: Any) -> Any:
        return await self._order("sell", quantity, price, params)

    async def _order(self, side: str, quantity: float, price: float | None, params: dict[str, Any]) -> Any:
        kind = "market" if price is None else "limit"
        if price is None and peculiarity(self.sim.venue, "PRICED_MARKET_ORDERS", False):
            price = self.price(1)
        if price is None and side == "buy" and self.buys_by_cost:
            cost = self.cost(self.lots(quantity))
            if peculiarity(self.sim.venue, "BUYS_BY_COST", False) == "amount":
                quantity = cost
            else:
                params = {"cost": cost, **params}
        return await self.call("create_order", self.symbol, kind, side, quantity, price, params)

    def price(self, factor: float) -> float:
        """A price on the tick: the best bid's multiple."""
        engine, tick = self.sim.engine(self.symbol), self.listing.instrument.tick
        return float(int((engine.best_bid or 0) * factor) * tick)

    def amount(self, value: float) -> float:
        """A quantity on the lot, worth about ``value`` in quote currency, as ccxt counts it at this venue."""
        lot = self.listing.instrument.lot
        base = float(int(value / self.price(1) / float(lot)) * lot)
        return float(self.client.amount_to_precision(self.symbol, base / self.contract))

    @property
    def contract(self) -> float:
        """Base units of what ccxt counts."""
        return float(self.client.market(self.symbol)["contractSize"] or 1)

    def lots(self, amount: float) -> int:
        return round(amount * self.contract / float(self.listing.instrument.lot))

    @property
    def buys_by_cost(self) -> bool:
        return not self.is_perpetual and bool(peculiarity(self.sim.venue, "BUYS_BY_COST", False))

    def cost(self, lots: int) -> float:
        """What so many lots cost at market now, rounded up to the tick."""
        instrument, value = self.listing.instrument, 0
        for price, size in self.sim.engine(self.symbol).depth(Side.SELL):
            take = min(size, lots)
            value, lots = value + take * price, lots - take
        return float((int(value * instrument.lot) + 1) * instrument.tick)

    @property
    def slack(self) -> int:
        """Lots by which a market buy may get more than it was meant to."""
        instrument = self.listing.instrument
        return 1 + int(instrument.tick / instrument.lot) // int(self.price(1)) if self.buys_by_cost else 0

    def base(self, lots: int) -> float:
        """Lots as ccxt counts them."""
        return float(lots * self.listing.instrument.lot) / self.contract

    def inside(self) -> float:
        """Make room at the touch and give the best price for a buy that is alone there."""
        engine, now = self.sim.engine(self.symbol), self.sim.timeline.elapsed_ns
        best = engine.best_ask
        assert best is not None
        for order in engine.queue_at(Side.SELL, best):
            engine.cancel(order.order_id, now=now)
        for order in engine.queue_at(Side.BUY, engine.best_bid or 0):
            engine.cancel(order.order_id, now=now)
        return float((engine.best_bid or 0) * self.listing.instrument.tick + self.listing.instrument.tick)

    def crowd_sells(self, lots: int, price: float) -> None:
        ticks = round(price / float(self.listing.instrument.tick))
        now = self.sim.timeline.elapsed_ns
        self.sim.engine(self.symbol).submit(Side.SELL, lots, ticks, now=now, tif=TimeInForce.IOC)

    def free(self) -> float:
        instrument = self.listing.instrument
        if self.is_perpetual:
            return float(max(ZERO, self.accounts.positions.margin(1, instrument.settle).available))
        return float(self.accounts.holding(1, instrument.quote).free)

    async def hear(self, watching: "asyncio.Future[Any]") -> Any:
        """Let the market run until something was heard."""
        while not watching.done():
            await self.sim.step(0.02)
            await asyncio.sleep(0.005)
        return await watching


@asynccontextmanager
async def trading(venue: str, kind: MarketKind, role: KeyRole = KeyRole.TRADER) -> AsyncIterator[Trader]:
    symbol = symbols_of(venue, kind)[0]
    sim = SimExchange(
        front_of(venue).DEFAULT_SYMBOLS, venue=venue, seed=17, manual=True, rate=1.0, volatility=0.2,
        start_ns=time.time_ns(), limits=relaxed(front_of(venue)), accounts=2,
    )  # fmt: skip
    async with sim, asyncio.timeout(TIMEOUT_S):
        await sim.step(1)
        client = client_of(venue, sim, sim.accounts.keys.of(1, role), kind)
        try:
            trader = Trader(sim, client, symbol)
            await trader.call("load_markets")
            yield trader
        finally:
            await client.close()


def client_of(venue: str, sim: SimExchange, key: ApiKey, kind: MarketKind) -> Any:
    module = import_module(f"tests.ccxt_private.{venue}")
    return module.client_of(sim, key, kind) if hasattr(module, "client_of") else module.client(sim, key)


def lacks(venue: str, what: str, kind: MarketKind) -> bool:
    """Whether a part of a scenario does not apply at the venue."""
    return f"{what}:{kind.value}" in import_module(f"tests.ccxt_private.{venue}").WITHOUT


def peculiarity(venue: str, name: str, otherwise: Any) -> Any:
    """What the venue's module says under ``name``."""
    return getattr(import_module(f"tests.ccxt_private.{venue}"), name, otherwise)


def skip_without(venue: str, scenario: str, kind: MarketKind) -> None:
    reasons: dict[str, str] = import_module(f"tests.ccxt_private.{venue}").WITHOUT
    if reason := reasons.get(f"{scenario}:{kind.value}", ""):
        pytest.skip(reason)


async def refused(call: Awaitable[Any], *kinds: type[Exception]) -> None:
    with pytest.raises(kinds or (ccxt.ExchangeError,)):
        await call


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_balances_are_the_ledgers(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as trader:
        await trader.buy(trader.amount(3000), trader.price(0.97))
        balance = await trader.call("fetch_balance", trader.balance_type)
        instrument = trader.listing.instrument
        currency = instrument.settle if trader.is_perpetual else instrument.quote
        assert balance[currency]["free"] == pytest.approx(trader.free())
        assert balance[currency]["total"] == pytest.approx(100_000)
        assert lacks(venue, "used", kind) or balance[currency]["used"] > 0


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_limit_order_rests_is_found_and_canceled(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as trader:
        amount, price = trader.amount(3000), trader.price(0.97)
        before = trader.free()
        made = await trader.buy(amount, price)
        (order,) = trader.orders
        assert (order.quantity, order.status) == (trader.lots(amount), OrderStatus.NEW)
        assert order.price * float(trader.listing.instrument.tick) == pytest.approx(price)
        assert trader.free() < before
        (shown,) = await trader.call("fetch_open_orders", trader.symbol)
        assert (shown["id"], shown["status"], shown["amount"]) == (made["id"], "open", pytest.approx(amount))
        told_price = None if lacks(venue, "price", kind) else pytest.approx(price)
        told_type = None if lacks(venue, "type", kind) else "limit"
        assert (shown["price"], shown["side"], shown["type"]) == (told_price, "buy", told_type)
        await trader.call("cancel_order", made["id"], trader.symbol)
        assert order.status is OrderStatus.CANCELED
        assert trader.free() == pytest.approx(before)
        assert await trader.call("fetch_open_orders", trader.symbol) == []
        await refused(trader.call("cancel_order", made["id"], trader.symbol))


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_an_order_is_found_by_its_id(venue: str, kind: MarketKind) -> None:
    skip_without(venue, "order", kind)
    async with trading(venue, kind) as trader:
        made = await trader.buy(trader.amount(3000), trader.price(0.97))
        found = await trader.call("fetch_order", made["id"], trader.symbol)
        assert (found["id"], found["status"], found["filled"]) == (made["id"], "open", 0)
        await refused(trader.call("fetch_order", "999999999", trader.symbol))


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_market_order_fills_and_is_in_the_history(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as trader:
        amount = trader.amount(5000)
        await trader.buy(amount)
        (order,) = trader.orders
        assert order.status is OrderStatus.FILLED
        assert abs(order.filled - trader.lots(amount)) <= trader.slack
        trades = await trader.call("fetch_my_trades", trader.symbol)
        fills = trader.accounts.orders.fills(1, trader.key)
        assert [trader.lots(trade["amount"]) for trade in trades] == [fill.quantity for fill in fills]
        assert [trade["price"] for trade in trades] == [
            pytest.approx(fill.price * float(trader.listing.instrument.tick)) for fill in fills
        ]
        assert {(trade["side"], trade["takerOrMaker"]) for trade in trades} == {("buy", "taker")}
        fees = peculiarity(venue, "FEE_SIGN", 1) * sum(trade["fee"]["cost"] for trade in trades)
        assert fees == pytest.approx(float(sum(fill.fee for fill in fills)))
        if lacks(venue, "closed_orders", kind):
            return
        (closed,) = await trader.call("fetch_closed_orders", trader.symbol)
        assert (closed["status"], closed["filled"]) == ("closed", pytest.approx(trader.base(order.filled)))


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_partial_fill_is_told_and_the_rest_canceled(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as trader:
        amount, price = trader.amount(4000), trader.inside()
        made = await trader.buy(amount, price)
        part = trader.lots(amount) // 4
        trader.crowd_sells(part, price)
        (shown,) = await trader.call("fetch_open_orders", trader.symbol)
        assert trader.lots(shown["filled"]) == part
        assert trader.lots(shown["remaining"]) == trader.lots(amount) - part
        (trade,) = await trader.call("fetch_my_trades", trader.symbol)
        assert (trade["takerOrMaker"], trade["order"], trade["price"]) == ("maker", made["id"], pytest.approx(price))
        await trader.call("cancel_order", made["id"], trader.symbol)
        (order,) = trader.orders
        assert (order.status, order.filled) == (OrderStatus.CANCELED, part)


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_cancel_all_leaves_nothing_open(venue: str, kind: MarketKind) -> None:
    skip_without(venue, "cancel_all", kind)
    async with trading(venue, kind) as trader:
        for factor in (0.95, 0.96, 0.97):
            await trader.buy(trader.amount(2000), trader.price(factor))
        assert len(await trader.call("fetch_open_orders", trader.symbol)) == 3
        await trader.call("cancel_all_orders", trader.symbol)
        assert {order.status for order in trader.orders} == {OrderStatus.CANCELED}
        assert await trader.call("fetch_open_orders", trader.symbol) == []


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_an_order_is_amended(venue: str, kind: MarketKind) -> None:
    skip_without(venue, "amend", kind)
    async with trading(venue, kind) as trader:
        made = await trader.buy(trader.amount(3000), trader.price(0.97))
        amount, price = trader.amount(4000), trader.price(0.96)
        await trader.call("edit_order", made["id"], trader.symbol, "limit", "buy", amount, price)
        (open_order,) = trader.accounts.orders.open_orders(1, trader.key)
        assert open_order.quantity == trader.lots(amount)
        assert open_order.price * float(trader.listing.instrument.tick) == pytest.approx(price)
        (shown,) = await trader.call("fetch_open_orders", trader.symbol)
        told_price = None if lacks(venue, "price", kind) else pytest.approx(price)
        assert (shown["amount"], shown["price"]) == (pytest.approx(amount), told_price)


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_client_id_is_kept_and_not_taken_twice(venue: str, kind: MarketKind) -> None:
    skip_without(venue, "client_id", kind)
    async with trading(venue, kind) as trader:
        amount, price = trader.amount(2000), trader.price(0.97)
        client_id = peculiarity(venue, "CLIENT_ID", "judge00001")
        named = {peculiarity(venue, "CLIENT_ID_FIELD", "clientOrderId"): client_id}
        made = await trader.buy(amount, price, **named)
        assert made["clientOrderId"] == (None if lacks(venue, "answered_client_id", kind) else client_id)
        assert trader.orders[0].client_id == client_id
        if trader.accounts.terms.unique_ids is UniqueIds.NONE:
            again = await trader.buy(amount, price, **named)
            assert again["id"] != made["id"]
            return
        await refused(trader.buy(amount, price, **named))
        assert len(trader.orders) == 1


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_times_in_force_and_post_only(venue: str, kind: MarketKind) -> None:
    skip_without(venue, "times_in_force", kind)
    async with trading(venue, kind) as trader:
        miss = trader.buy(trader.amount(2000), trader.price(0.99), timeInForce="IOC")
        await (refused(miss) if peculiarity(venue, "REFUSES_MISSES", False) else miss)
        assert not trader.orders[-1].is_open
        assert trader.orders[-1].filled == 0
        await trader.buy(trader.amount(2000), trader.price(1.001), timeInForce="IOC")
        assert trader.orders[-1].status is OrderStatus.FILLED
        if f"fok:{kind.value}" not in peculiarity(venue, "WITHOUT", {}):
            miss = trader.buy(trader.amount(2000), trader.price(0.99), timeInForce="FOK")
            await (refused(miss) if trader.accounts.terms.refuses_fok else miss)
        missed = [order for order in trader.orders if order.tif is TimeInForce.FOK]
        assert not any(order.is_open or order.filled for order in missed)
        await trader.buy(trader.amount(2000), trader.price(0.99), postOnly=True)
        resting = trader.orders[-1]
        assert (resting.post_only, resting.is_open) == (True, True)
        before = len([order for order in trader.orders if order.is_open or order.filled])
        if trader.accounts.terms.refuses_post_only:
            await refused(trader.buy(trader.amount(2000), trader.price(1.001), postOnly=True))
        else:
            await trader.buy(trader.amount(2000), trader.price(1.001), postOnly=True)
        assert len([order for order in trader.orders if order.is_open or order.filled]) == before


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_what_rules_and_money_forbid_is_refused(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as trader:
        await refused(trader.buy(trader.amount(90_000_000 if trader.is_perpetual else 300_000), trader.price(0.99)))
        instrument = trader.listing.instrument
        floor = instrument.band is not None and instrument.band.buy_down
        if instrument.min_notional or floor or instrument.min_qty > instrument.lot:
            await refused(trader.buy(float(instrument.lot) / trader.contract, trader.price(0.05)))
        assert trader.orders == []


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_key_that_may_only_read_cannot_trade(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind, KeyRole.READER) as trader:
        await trader.call("fetch_balance", trader.balance_type)
        await refused(trader.buy(trader.amount(2000), trader.price(0.97)), ccxt.BaseError)
        assert trader.orders == []


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_a_wrong_secret_is_refused(venue: str, kind: MarketKind) -> None:
    skip_without(venue, "wrong_secret", kind)
    async with trading(venue, kind) as trader:
        trader.client.secret = trader.sim.accounts.keys.of(2).secret
        await refused(trader.call("fetch_balance", trader.balance_type), ccxt.BaseError)
        await refused(trader.buy(trader.amount(2000), trader.price(0.97)), ccxt.BaseError)
        assert trader.orders == []


@pytest.mark.parametrize(("venue", "kind"), PERPETUALS)
async def test_leverage_margin_mode_and_position(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as trader:
        if not lacks(venue, "leverage", kind):
            await trader.call("set_leverage", 10, trader.symbol, peculiarity(venue, "LEVERAGE_PARAMS", {}))
            assert trader.accounts.positions.setting(1, trader.key).leverage == 10
        if "margin_mode:linear" not in import_module(f"tests.ccxt_private.{venue}").WITHOUT:
            await trader.call("set_margin_mode", "isolated", trader.symbol)
            assert trader.accounts.positions.setting(1, trader.key).isolated
        amount = trader.amount(5000)
        await trader.sell(amount)
        (position,) = await trader.call("fetch_positions", [trader.symbol])
        view = trader.accounts.positions.view(1, trader.key)
        assert (position["side"], trader.lots(position["contracts"])) == ("short", -view.lots)
        if not lacks(venue, "entry", kind):
            assert position["entryPrice"] == pytest.approx(float(view.entry))
        reducing: dict[str, Any] = peculiarity(venue, "REDUCE_ONLY", {"reduceOnly": True})
        await trader.buy(2 * amount, **reducing)
        assert trader.accounts.positions.view(1, trader.key).lots == 0
        shown = await trader.call("fetch_positions", [trader.symbol])
        assert [row for row in shown if row["contracts"]] == []
        await refused(trader.buy(amount, **reducing))


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_private_streams_tell_orders_trades_and_balances(venue: str, kind: MarketKind) -> None:
    skip_without(venue, "streams", kind)
    async with trading(venue, kind) as trader:
        client, symbol = trader.client, trader.symbol

        def watch(name: str, *arguments: Any) -> "asyncio.Future[Any]":
            trader.sync()
            future: asyncio.Future[Any] = asyncio.ensure_future(getattr(client, name)(*arguments))
            return future

        watching = {
            "orders": watch("watch_orders", symbol),
            "trades": watch("watch_my_trades", symbol),
            "balance": watch("watch_balance", trader.balance_type),
        }
        if trader.is_perpetual and not lacks(venue, "positions", kind):
            watching["positions"] = asyncio.ensure_future(_hear_of_a_position(client, symbol))
        await until(trader, lambda: _is_streaming(trader))
        amount = trader.amount(5000)
        made = await trader.buy(amount)
        heard = {name: await trader.hear(future) for name, future in watching.items()}
        assert {order["id"] for order in heard["orders"]} == {made["id"]}
        await until(trader, lambda: client.orders[-1]["status"] == "closed")
        assert client.orders[-1]["filled"] == pytest.approx(trader.base(trader.orders[-1].filled))
        fills = trader.accounts.orders.fills(1, trader.key)
        own_trades: Callable[[Any, str], list[Any]] = peculiarity(venue, "own_trades", lambda it, _: it.myTrades or [])
        await until(trader, lambda: len(own_trades(client, symbol)) == len(fills))
        amounts = [trader.lots(trade["amount"]) for trade in own_trades(client, symbol)]
        assert amounts == [fill.quantity for fill in fills]
        instrument = trader.listing.instrument
        currency, field = (instrument.settle, "total") if trader.is_perpetual else (instrument.base, "free")

        def truth() -> float:
            if trader.is_perpetual:
                return float(trader.accounts.positions.wallet(1, currency).total)
            return float(trader.accounts.holding(1, currency).free)

        told, name = heard["balance"], peculiarity(venue, "STREAM_CURRENCIES", {}).get(currency, currency)
        while told[name][field] != pytest.approx(truth(), rel=peculiarity(venue, "BALANCE_WITHIN", 1e-6)):
            told = await trader.hear(watch("watch_balance", trader.balance_type))  # this one was from before the buy
        if "positions" in watching:
            (position,) = _positions(client)
            assert (position["side"], trader.lots(position["contracts"])) == ("long", trader.lots(amount))
        resting = await trader.buy(amount, trader.price(0.97))
        await until(trader, lambda: client.orders[-1]["id"] == resting["id"])
        assert (client.orders[-1]["status"], client.orders[-1]["amount"]) == ("open", pytest.approx(amount))
        await trader.call("cancel_order", resting["id"], symbol)
        await until(trader, lambda: client.orders[-1]["status"] == "canceled")


async def until(trader: Trader, condition: Callable[[], bool]) -> None:
    while not condition():
        await trader.sim.step(0.02)
        await asyncio.sleep(0.005)


async def _hear_of_a_position(client: Any, symbol: str) -> None:
    """Some venues are asked by REST first, and only the next call listens."""
    while not _positions(client):
        await client.watch_positions([symbol])


def _positions(client: Any) -> list[Any]:
    """Open positions in ccxt's cache, which some venues keep by kind of market."""
    caches = client.positions.values() if isinstance(client.positions, dict) else [client.positions or []]
    return [position for cache in caches for position in cache if position["contracts"]]


def _is_streaming(trader: Trader) -> bool:
    """Whether the client's private streams are open and known to the front; ``STREAMS`` is how many orders take."""
    open_streams = trader.sim.front.listeners(1, trader.listing.instrument.kind)
    return open_streams >= int(peculiarity(trader.sim.venue, "STREAMS", 1))


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_another_accounts_orders_are_not_told(venue: str, kind: MarketKind) -> None:
    async with trading(venue, kind) as trader:
        spec = OrderSpec(
            key=trader.key, side=Side.BUY, quantity=trader.listing.instrument.lot * trader.lots(trader.amount(2000))
        )
        trader.accounts.submit(2, spec)
        assert await trader.call("fetch_my_trades", trader.symbol) == []
        assert await trader.call("fetch_open_orders", trader.symbol) == []
        balance = await trader.call("fetch_balance", trader.balance_type)
        instrument = trader.listing.instrument
        assert balance[instrument.settle]["total"] == pytest.approx(100_000)

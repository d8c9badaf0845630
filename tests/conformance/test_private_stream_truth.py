"""What Binance's private streams tell, put together again, is what the back office knows, after random trading."""

import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.sim.binance.order_texts import status_of
from tests.unit.test_sim_binance_private import LINEAR, SPOT, SYMBOL, Client, Ears, linear_stream, spot_stream, trading

ACTIONS = 60


class Rebuilt:
    """State made of event frames alone."""

    def __init__(self) -> None:
        self.orders: dict[int, tuple[str, str, str, str]] = {}  # status, price, quantity, filled
        self.fills: dict[int, list[tuple[int, str, str]]] = defaultdict(list)  # trade id, price, quantity
        self.holdings: dict[str, tuple[Decimal, Decimal]] = {}
        self.wallet = self.position = Decimal(0)

    def hear(self, frame: Any) -> None:
        event = frame.get("event", frame)
        match event.get("e"):
            case "executionReport":
                self.order(event, event["X"])
            case "ORDER_TRADE_UPDATE":
                self.order(event["o"], event["o"]["X"])
            case "outboundAccountPosition":
                for row in event["B"]:
                    self.holdings[row["a"]] = Decimal(row["f"]), Decimal(row["l"])
            case "ACCOUNT_UPDATE":
                self.wallet = Decimal(event["a"]["B"][0]["wb"])
                for row in event["a"]["P"]:
                    self.position = Decimal(row["pa"])

    def order(self, row: Any, status: str) -> None:
        self.orders[row["i"]] = status, row["p"], row["q"], row["z"]
        if row["x"] == "TRADE":
            self.fills[row["i"]].append((row["t"], row["L"], row["l"]))


async def heard(ears: Ears) -> list[Any]:
    """All frames until the line has been silent for a moment."""
    frames, ears.heard = ears.heard, []
    while True:
        try:
            frames.append(await ears.connection.receive_json(timeout=0.2))
        except TimeoutError:
            return frames


async def act(client: Client, rng: random.Random, path: str, open_ids: list[int]) -> None:
    """One request of a careless client; refusals are part of it."""
    symbol = SPOT if "api/v3" in path else LINEAR
    engine, tick = client.sim.engine(symbol), client.sim.listing(symbol).instrument.tick
    draw = rng.random()
    if draw < 0.2 and open_ids:
        await client.ask("DELETE", path, **SYMBOL, orderId=rng.choice(open_ids))
        return
    side = rng.choice(("BUY", "SELL"))
    best = engine.best_bid if side == "BUY" else engine.best_ask
    price = ((best or 0) + rng.randint(-20, 20)) * tick
    fields: dict[str, Any] = {**SYMBOL, "side": side, "quantity": f"{rng.randint(1, 400) / 1000:.3f}"}
    if draw < 0.3:
        await client.ask("POST", path, **fields, type="MARKET")
    elif draw < 0.4 and open_ids and symbol == LINEAR:
        await client.ask("PUT", path, **fields, price=price, orderId=rng.choice(open_ids))
    else:
        tif = rng.choice(("GTC", "GTC", "GTC", "IOC", "FOK"))
        await client.ask("POST", path, **fields, type="LIMIT", timeInForce=tif, price=price)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("kind", "path"), [(MarketKind.SPOT, "/api/v3/order"), (MarketKind.LINEAR, "/fapi/v1/order")])
async def test_streams_put_together_are_the_truth(kind: MarketKind, path: str, seed: int) -> None:
    rng = random.Random(seed)
    async with trading() as client:
        sim = client.sim
        ears = await (spot_stream(client) if kind is MarketKind.SPOT else linear_stream(client))
        listing = sim.listing(SPOT if kind is MarketKind.SPOT else LINEAR)
        market, store = sim.market(listing.instrument.symbol), sim.accounts.orders
        for _ in range(ACTIONS):
            await act(client, rng, path, [order.order_id for order in store.open_orders(1, listing.key)])
            await sim.step(0.2)
        rebuilt = Rebuilt()
        for frame in await heard(ears):
            rebuilt.hear(frame)
        orders = store.orders(1, listing.key)
        text = market.text
        assert rebuilt.orders == {
            order.order_id: (
                status_of(order), text.price(order.price), text.quantity(order.quantity), text.quantity(order.filled)
            )
            for order in orders
        }  # fmt: skip
        assert len(orders) > ACTIONS // 3
        assert sum(map(len, rebuilt.fills.values())) == len(store.fills(1)) > 10
        for order in orders:
            assert rebuilt.fills[order.order_id] == [
                (fill.trade_id, text.price(fill.price), text.quantity(fill.quantity))
                for fill in store.fills(1, listing.key, order.order_id)
            ]
        if kind is MarketKind.SPOT:
            for currency in ("BTC", "USDT"):
                held = sim.accounts.holding(1, currency)
                assert rebuilt.holdings[currency] == (held.free.quantize(Decimal("1e-8")), held.locked)
            return
        assert rebuilt.wallet == sim.accounts.positions.wallet(1, "USDT").total.quantize(Decimal("1e-8"))
        assert rebuilt.position == sim.accounts.positions.view(1, listing.key).quantity
        assert {order.side for order in orders} == set(Side)

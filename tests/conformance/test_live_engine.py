"""A whole engine on a real account's line, the account being one of the embedded exchange: restart, kill, secrets."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.desk.desk import Desk
from jackbot_tui.desk.views import Context, Role
from jackbot_tui.engine.options import EngineOptions, LiveOptions
from jackbot_tui.engine.reconcile import DifferenceKind
from jackbot_tui.engine.runtime import EngineRuntime
from jackbot_tui.execution.live.keys import KeyStore
from jackbot_tui.model.enums import Mode, OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.errors import ConfigError
from jackbot_tui.model.orders import OrderRequest
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.requests import OrderSpec

S = OrderStatus
LINEAR = "BTC/USDT:USDT"
KEY = f"binance:{LINEAR}"


class Trading:
    """An engine process's inside: runtime, journal on disk, live line, until ``close`` or ``crash``."""

    def __init__(self, exchange: SimExchange, place: Path) -> None:
        self.exchange = exchange
        self.lines: list[str] = []
        key = exchange.accounts.keys.of(1)
        KeyStore(place).add("binance", {"apiKey": key.key, "secret": key.secret})
        self.runtime = EngineRuntime(
            EngineOptions(
                mode=Mode.LIVE,
                venue="binance",
                symbols=[LINEAR],
                endpoints=exchange.endpoints,
                journal_path=place / "live.sqlite3",
                live=LiveOptions(account="binance", keys=place, addresses=exchange.ccxt_urls, poll_s=0.5),
                log=lambda level, event, fields: self.lines.append(f"{level} {event} {fields}"),
            )
        )

    async def open(self) -> None:
        await self.runtime.open()
        self.engine = self.runtime.engine
        self.task = asyncio.create_task(self.runtime.run())

    async def until(self, condition: Callable[[], bool], within_s: float = 25.0) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    assert not self.task.done(), self.task.exception()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            said = [notice.text for notice in self.engine.board.after(0)][-12:]
            raise AssertionError(f"{self.engine.executor.trouble} {said}") from None

    async def ready(self) -> None:
        await self.until(lambda: not self.engine.executor.trouble)
        await self.until(lambda: KEY in self.engine.data.markets and self.engine.data.markets[KEY].live)

    def submit(self, quantity: str, *, ticks_away: int | None) -> str:
        market = self.engine.data.markets[KEY]
        best = market.book.best_bid()
        assert best is not None
        away = None if ticks_away is None else ticks_away * market.instrument.tick
        price = None if away is None else Decimal(str(best[0])).quantize(market.instrument.tick) - away
        done = self.engine.submit(
            OrderRequest(
                key=KEY,
                side=Side.BUY,
                quantity=Decimal(quantity),
                price=price,
                type=OrderType.MARKET if price is None else OrderType.LIMIT,
                tif=TimeInForce.IOC if price is None else TimeInForce.GTC,
            )
        )
        assert done.order is not None, done.refusal
        return done.order.client_id

    def status(self, client_id: str) -> OrderStatus:
        return self.engine.oms.orders[client_id].status

    async def close(self) -> None:
        self.runtime.stop("test is over")
        await self.task
        await self.runtime.close()


def contents(place: Path) -> dict[str, bytes]:
    """Every file below ``place`` but the one that keeps the keys."""
    files = [path for path in place.rglob("*") if path.is_file() and path.name != "keys.json"]
    return {path.name: path.read_bytes() for path in files}


async def test_orders_survive_a_restart_and_the_restart_asks_and_does_nothing(tmp_path: Path) -> None:
    async with SimExchange([LINEAR], accounts=1) as exchange:
        first = Trading(exchange, tmp_path)
        await first.open()
        early = first.engine.submit(OrderRequest(key=KEY, side=Side.BUY, quantity=Decimal("0.01"), price=Decimal(1)))
        assert early.refusal is not None and "no new orders" in early.refusal.message
        await first.ready()
        locked = first.engine.submit(OrderRequest(key=KEY, side=Side.BUY, quantity=Decimal("0.01"), price=Decimal(1)))
        assert locked.refusal is not None and "type 'live'" in locked.refusal.message
        assert not exchange.accounts.orders.orders(1)
        first.engine.go_live("test")
        kept, gone, filled = (first.submit("0.01", ticks_away=away) for away in (900, 800, 700))
        await first.until(lambda: all(first.status(each) is S.NEW for each in (kept, gone, filled)))
        bought = first.submit("0.02", ticks_away=None)
        await first.until(lambda: first.status(bought) is S.FILLED)
        await first.close()

        truth = {order.client_id: order for order in exchange.accounts.orders.open_orders(1)}
        assert set(truth) == {kept, gone, filled}
        exchange.accounts.cancel(truth[gone])
        exchange.accounts.amend(truth[filled], Decimal(truth[filled].price + 20_000) * Decimal("0.1"), None)
        assert filled not in {order.client_id for order in exchange.accounts.orders.open_orders(1)}

        again = Trading(exchange, tmp_path)
        await again.open()
        await again.ready()
        await again.until(lambda: (again.status(gone), again.status(filled)) == (S.CANCELED, S.FILLED))
        assert again.status(kept) is S.NEW
        assert {order.client_id for order in exchange.accounts.orders.open_orders(1)} == {kept}
        assert len(exchange.accounts.orders.orders(1)) == 4
        position = exchange.accounts.positions.view(1, KEY)
        assert again.engine.portfolio.position(KEY).quantity == position.quantity == Decimal("0.03")

        line = again.runtime.live
        assert line is not None and line.reconciliation is not None
        assert line.reconciliation.looked_ns
        assert line.reconciliation.current == []
        exchange.accounts.submit(
            1, OrderSpec(key=KEY, side=Side.BUY, quantity=Decimal("0.05"), price=Decimal(20_000), client_id="web-1")
        )
        reconciliation = line.reconciliation
        await again.until(
            lambda: [each.kind for each in reconciliation.current] == [DifferenceKind.FOREIGN_ORDER], within_s=60
        )
        assert again.engine.executor.differences()[0][0] == "foreign order"
        desk = Desk(again.engine, None)
        shown = await desk.execute(desk.attach(Role.CTL, "test"), "reconcile", Context(), confirmed=True)
        assert shown.ok and "foreign order" in "".join(shown.lines)
        screen = desk.attach(Role.CTL, "test")
        report = again.engine.kill("test", flatten=True)
        assert [order.client_id for order in report.cancels] == [kept]
        sent = await desk.execute(screen, "killed", Context(), confirmed=True)
        assert sent.data is not None and sent.data["proven"] is False, "asked for is not done"
        assert any(line.startswith("NOT proven: #") for line in sent.lines)
        await again.until(
            lambda: again.status(kept) is S.CANCELED and not again.engine.portfolio.position(KEY).quantity
        )
        done = await desk.execute(screen, "killed", Context(), confirmed=True)
        assert done.data is not None and (done.data["proven"], done.data["held"]) == (True, {})
        assert done.lines[-1] == "nothing is open and nothing is held"
        assert [order.client_id for order in exchange.accounts.orders.open_orders(1)] == ["web-1"]
        said = [notice.text for notice in again.engine.board.after(0)]
        await again.close()

        secrets = {exchange.accounts.keys.of(1).key, exchange.accounts.keys.of(1).secret}
        texts = [*said, *again.lines, *first.lines, repr(again.runtime.options)]
        written = contents(tmp_path)
        assert written
        for secret in secrets:
            assert not [text for text in texts if secret in text]
            assert not [name for name, content in written.items() if secret.encode() in content]


async def test_without_a_key_the_engine_says_what_to_do_and_starts_nothing(tmp_path: Path) -> None:
    async with SimExchange([LINEAR], accounts=1) as exchange:
        trading = Trading(exchange, tmp_path)
        KeyStore(tmp_path).remove("binance")
        with pytest.raises(ConfigError, match="jackbot keys add binance"):
            await trading.runtime.open()

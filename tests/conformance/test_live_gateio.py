"""What ccxt gets wrong at Gate, and that our dialect mends it: each test shows the shortfall of plain ccxt first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt
import pytest

from jackbot_tui.execution.live.dialect import KeyRights
from jackbot_tui.execution.live.dialects import load_dialect
from jackbot_tui.model.enums import MarketKind, OrderStatus
from jackbot_tui.sim.gateio.order_texts import user_id
from jackbot_tui.sim.keys import KeyRole
from jackbot_tui.venues.errors import ErrorKind, classify
from tests.conformance.test_private_ccxt import Trader, refused, trading, until

DIALECT = load_dialect("gateio")
BOTH = pytest.mark.parametrize("kind", [MarketKind.SPOT, MarketKind.LINEAR])
TEXT = "t-jmlive00000001"


def mend(client: Any) -> None:
    """From here on ``client`` is what the live executor uses."""
    assert DIALECT.override is not None
    client.__class__ = DIALECT.override(type(client))
    client.options["unifiedAccount"] = False


@asynccontextmanager
async def mended(kind: MarketKind, role: KeyRole = KeyRole.TRADER) -> AsyncIterator[Trader]:
    async with trading("gateio", kind, role) as trader:
        mend(trader.client)
        yield trader


@BOTH
async def test_an_order_that_filled_at_once_is_found_by_our_id(kind: MarketKind) -> None:
    async with trading("gateio", kind) as trader:
        await trader.buy(trader.amount(2000), trader.price(1.001), clientOrderId=TEXT)
        trader.sim.timeline.slip(61_000_000_000)
        ours = {"clientOrderId": TEXT}
        trader.client.options["timeDifference"] = -61_000
        with pytest.raises(ccxt.OrderNotFound):
            await trader.client.fetch_order(None, trader.symbol, ours)
        mend(trader.client)
        found = await trader.client.fetch_order(None, trader.symbol, ours)
        assert (found["clientOrderId"], found["status"]) == (TEXT, "closed")
        with pytest.raises(ccxt.OrderNotFound):
            await trader.client.fetch_order(None, trader.symbol, {"clientOrderId": "t-jmlive99999999"})


@BOTH
async def test_own_trades_tell_our_id_and_every_page_is_read(kind: MarketKind) -> None:
    async with trading("gateio", kind) as trader:
        price = trader.inside()
        amount = trader.amount(40_000)
        await trader.buy(amount, price, clientOrderId=TEXT)
        for _ in range(130):
            trader.crowd_sells(trader.lots(amount) // 200, price)
        plain = await trader.call("fetch_my_trades", trader.symbol)
        assert (len(plain), {trade.get("clientOrderId") for trade in plain}) == (100, {None})
        mend(trader.client)
        trades = await trader.call("fetch_my_trades", trader.symbol)
        assert (len(trades), {trade["clientOrderId"] for trade in trades}) == (130, {TEXT})
        assert [trade["id"] for trade in trades] == sorted((trade["id"] for trade in trades), key=int)


@BOTH
async def test_a_cancel_by_our_id_reaches_the_order(kind: MarketKind) -> None:
    async with trading("gateio", kind) as trader:
        await trader.buy(trader.amount(2000), trader.price(0.97), clientOrderId=TEXT)
        await refused(trader.call("cancel_order", None, trader.symbol, {"clientOrderId": TEXT}), ccxt.BaseError)
        mend(trader.client)
        await trader.call("cancel_order", None, trader.symbol, {"clientOrderId": TEXT})
        assert trader.orders[0].status is OrderStatus.CANCELED


async def test_every_word_for_the_end_of_an_order_is_understood() -> None:
    async with trading("gateio", MarketKind.LINEAR) as trader:
        words = ("_update", "fok", "stp", "reduce_only", "liquidated")
        row = {"contract": "BTC_USDT", "size": "10", "left": "5", "price": "60000", "status": "finished"}
        assert [trader.client.parse_order({**row, "finish_as": word})["status"] for word in words] == [
            "_update", "fok", "stp", "reduce_only", "closed",
        ]  # fmt: skip
        mend(trader.client)
        assert [trader.client.parse_order({**row, "finish_as": word})["status"] for word in words] == [
            "open", "canceled", "canceled", "canceled", "canceled",
        ]  # fmt: skip


async def test_leverage_leaves_the_margin_mode_alone() -> None:
    async with trading("gateio", MarketKind.LINEAR) as trader:
        setting = trader.accounts.positions.setting(1, trader.key)
        await trader.call("set_leverage", 7, trader.symbol)
        assert setting.isolated, "plain ccxt makes a cross position isolated"
        mend(trader.client)
        await trader.call("set_margin_mode", "cross", trader.symbol)
        await trader.call("set_leverage", 9, trader.symbol)
        assert (setting.isolated, int(setting.leverage)) == (False, 9)
        await trader.call("set_margin_mode", "isolated", trader.symbol)
        assert (setting.isolated, int(setting.leverage)) == (True, 9)


async def test_an_order_that_comes_too_late_is_dropped_by_the_venue() -> None:
    async with mended(MarketKind.SPOT) as trader:
        trader.sync()
        order = (trader.symbol, "limit", "buy", trader.amount(2000), trader.price(0.97))
        trader.sim.timeline.slip(6_000_000_000)
        with pytest.raises(ccxt.BaseError, match="exptime"):
            await trader.client.create_order(*order)
        assert trader.orders == []
        await trader.call("create_order", *order)
        assert len(trader.orders) == 1


async def test_the_uid_is_asked_for_and_a_unified_account_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with mended(MarketKind.LINEAR) as trader:
        trader.client.uid = None
        trader.sync()
        hearing = trader.client.spawn(trader.client.watch_orders, trader.symbol)
        await until(trader, lambda: trader.client.uid == str(user_id(1)))
        await trader.buy(trader.amount(2000), trader.price(0.97))
        (order,) = await trader.hear(hearing)
        assert order["status"] == "open"

        async def unified() -> dict[str, Any]:
            return {"user_id": 7, "key": {"mode": 2}}

        trader.client.uid = None
        monkeypatch.setattr(trader.client, "privateAccountGetDetail", unified)
        with pytest.raises(ccxt.AccountNotEnabled) as caught:
            await trader.client.watch_my_trades(trader.symbol)
        names = [each.__name__ for each in type(caught.value).__mro__]
        assert "classic" in classify(DIALECT.errors, names, str(caught.value)).words


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        (KeyRole.TRADER, KeyRights(True, False)),
        (KeyRole.READER, KeyRights(False, False)),
        (KeyRole.OWNER, KeyRights(True, True)),
    ],
)
@BOTH
async def test_what_a_key_may_do_is_told(kind: MarketKind, role: KeyRole, rights: KeyRights) -> None:
    async with mended(kind, role) as trader:
        assert DIALECT.rights is not None
        said = await trader.call(DIALECT.rights.call)
        assert DIALECT.rights.read(said, kind) == rights


@BOTH
async def test_the_dead_mans_switch_counts_in_whole_seconds(kind: MarketKind) -> None:
    async with mended(kind) as trader:
        await trader.buy(trader.amount(2000), trader.price(0.97))
        rule = DIALECT.dead_man[kind]
        request = rule.request(trader.client.market(trader.symbol)["id"], 5_500)
        assert request["timeout"] == 6
        await trader.call(rule.call, request)
        await trader.sim.step(5.9)
        assert trader.orders[0].is_open
        await trader.sim.step(0.3)
        assert trader.orders[0].status is OrderStatus.CANCELED


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("ORDER_POC_IMMEDIATE", ErrorKind.REJECTED),
        ("ORDER_NOT_FOUND", ErrorKind.RESYNC),
        ("TOO_MANY_REQUESTS", ErrorKind.RETRYABLE),
        ("INTERNAL", ErrorKind.UNKNOWN),
        ("REQUEST_EXPIRED", ErrorKind.CLOCK),
        ("NO_CHANGE", ErrorKind.SETTLED),
        ("INVALID_SIGNATURE", ErrorKind.AUTH),
    ],
)
def test_a_label_means_the_same_on_pages_and_in_channels(label: str, kind: ErrorKind) -> None:
    page = f'gate {{"label":"{label}","message":"words"}}'
    channel = f'{{"error": {{"code": 4, "message": "{{\\"label\\":\\"{label}\\",\\"message\\":\\"words\\"}}"}}}}'
    assert [classify(DIALECT.errors, ["ExchangeError"], text).kind for text in (page, channel)] == [kind, kind]

"""Orders, fills, balances and positions of accounts as MEXC writes them: rows of pages, frames of streams. Pure.

Shapes: ../shared/exchanges/mexc.md §3c, §7 and §8. Spot's order ids have a prefix and its frames are protobuf;
contracts are JSON with numbers, sizes in contracts, and ``side`` 1 to 4: open long, close short, open short, close
long.
"""

from decimal import Decimal
from typing import Any

import msgspec

from jackbot_tui.model.enums import OrderStatus, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.margin import Margin
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.mexc.protobuf import integer, string
from jackbot_tui.sim.requests import AccountOrder, Fill, Holding, PositionView, TriggerPrice

SPOT_PREFIX = "C02__"
PRIVATE_ORDERS, PRIVATE_DEALS, PRIVATE_ACCOUNT = 304, 306, 307
"""Numbers of the wrapper's fields."""

SPOT_STATES = {"NEW": 1, "FILLED": 2, "PARTIALLY_FILLED": 3, "CANCELED": 4, "PARTIALLY_CANCELED": 5}
SPOT_KINDS = {"LIMIT": 1, "LIMIT_MAKER": 2, "IMMEDIATE_OR_CANCEL": 3, "FILL_OR_KILL": 4, "MARKET": 5}
TAKING = {TimeInForce.IOC: "IMMEDIATE_OR_CANCEL", TimeInForce.FOK: "FILL_OR_KILL"}


def own_id(order_client_id: str) -> str:
    """Ids that the back office made up are shown to nobody."""
    return "" if order_client_id.startswith("auto") else order_client_id


# --- spot ----------------------------------------------------------------------------------------------------------


def spot_id(wire_id: int) -> str:
    return f"{SPOT_PREFIX}{wire_id}"


def spot_type(order: AccountOrder) -> str:
    if order.is_market:
        return "MARKET"
    return "LIMIT_MAKER" if order.post_only else TAKING.get(order.tif, "LIMIT")


def spot_status(order: AccountOrder) -> str:
    if order.status is OrderStatus.FILLED:
        return "FILLED"
    if order.is_open:
        return "PARTIALLY_FILLED" if order.filled else "NEW"
    return "PARTIALLY_CANCELED" if order.filled else "CANCELED"


def spot_answer(market: SimMarket, order: AccountOrder, wire_id: int) -> dict[str, Any]:
    """What placing and canceling tell of an order: neither its status nor its client id."""
    return {
        "symbol": market.native,
        "orderId": spot_id(wire_id),
        "orderListId": -1,
        "price": market.text.price(order.price),
        "origQty": market.text.quantity(order.quantity),
        "type": spot_type(order),
        "side": order.side.value.upper(),
        "stpMode": "",
        "transactTime": order.created_ms,
    }


def spot_row(market: SimMarket, order: AccountOrder, wire_id: int) -> dict[str, Any]:
    text = market.text
    return spot_answer(market, order, wire_id) | {
        "clientOrderId": own_id(order.client_id) or None,
        "executedQty": text.quantity(order.filled),
        "cummulativeQuoteQty": text.value(order.value),
        "status": spot_status(order),
        "timeInForce": None,
        "stopPrice": None,
        "icebergQty": None,
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": True,
        "origQuoteOrderQty": text_of(order.cost if order.cost is not None else ZERO),
    }


def spot_trade_id(wire_id: int, fill: Fill) -> str:
    return f"{fill.trade_id}X{wire_id}"


def spot_trade_row(market: SimMarket, fill: Fill, wire_id: int) -> dict[str, Any]:
    return {
        "symbol": market.native,
        "id": spot_trade_id(wire_id, fill),
        "orderId": spot_id(wire_id),
        "orderListId": -1,
        "price": market.text.price(fill.price),
        "qty": market.text.quantity(fill.quantity),
        "quoteQty": market.text.value(fill.price * fill.quantity),
        "commission": text_of(fill.fee),
        "commissionAsset": fill.fee_currency,
        "time": fill.ms,
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
        "isSelfTrade": False,
        "clientOrderId": own_id(fill.client_id) or None,
    }


def spot_order_frame(market: SimMarket, order: AccountOrder, wire_id: int, fill: Fill | None) -> bytes:
    """PrivateOrdersV3Api. ``amount``: what the order is worth at its price; ``remain``: what of it is left."""
    text = market.text
    average = text.average(order.value, order.filled) if order.filled else "0"
    left = order.remaining if order.status is not OrderStatus.FILLED else 0
    texts = (
        (1, spot_id(wire_id)), (2, own_id(order.client_id)), (3, text.price(order.price)),
        (4, text.quantity(order.quantity)), (5, text.value(order.price * order.quantity)), (6, average),
    )  # fmt: skip
    sums = (
        (10, text.value(order.price * left)), (11, text.quantity(left)),
        (12, text.quantity(fill.quantity) if fill is not None else ""), (13, text.quantity(order.filled)),
        (14, text.value(order.value)),
    )  # fmt: skip
    body = b"".join(string(number, value) for number, value in texts)
    body += integer(7, SPOT_KINDS[spot_type(order)]) + integer(8, 1 if order.side is Side.BUY else 2)
    body += integer(9, 1 if fill is not None and fill.is_maker else 0)
    body += b"".join(string(number, value) for number, value in sums)
    return body + integer(15, SPOT_STATES[spot_status(order)]) + integer(16, order.created_ms)


def spot_deal_frame(market: SimMarket, fill: Fill, wire_id: int) -> bytes:
    """PrivateDealsV3Api."""
    text = market.text
    body = string(1, text.price(fill.price)) + string(2, text.quantity(fill.quantity))
    body += string(3, text.value(fill.price * fill.quantity)) + integer(4, 1 if fill.side is Side.BUY else 2)
    body += integer(5, 1 if fill.is_maker else 0) + string(7, spot_trade_id(wire_id, fill))
    body += string(8, own_id(fill.client_id)) + string(9, spot_id(wire_id))
    return body + string(10, text_of(fill.fee)) + string(11, fill.fee_currency) + integer(12, fill.ms)


def spot_account_frame(holding: Holding, before: Holding, kind: str, ms: int) -> bytes:
    """PrivateAccountV3Api: the free part, the held part, and what changed of each."""
    figures = (
        (1, holding.currency), (2, f"coin-{holding.currency.lower()}"), (3, text_of(holding.free)),
        (4, text_of(holding.free - before.free)), (5, text_of(holding.locked)),
        (6, text_of(holding.locked - before.locked)), (7, kind),
    )  # fmt: skip
    return b"".join(string(number, value) for number, value in figures) + integer(8, ms)


# --- contracts -----------------------------------------------------------------------------------------------------


def number(value: Decimal | str) -> msgspec.Raw:
    """A JSON number with all its digits."""
    return msgspec.Raw((value if isinstance(value, str) else text_of(value)).encode())


def contracts(market: SimMarket, lots: int) -> msgspec.Raw:
    return number(market.text.quantity(lots))


def contract_side(side: Side, *, closes: bool) -> int:
    if side is Side.BUY:
        return 2 if closes else 1
    return 4 if closes else 3


def contract_type(order: AccountOrder) -> int:
    if order.is_market:
        return 5
    return 2 if order.post_only else {TimeInForce.IOC: 3, TimeInForce.FOK: 4}.get(order.tif, 1)


def contract_state(order: AccountOrder) -> int:
    """2 open, 3 completed, 4 canceled."""
    if order.is_open:
        return 2
    return 3 if order.status is OrderStatus.FILLED else 4


def contract_row(
    market: SimMarket, order: AccountOrder, wire_id: int, fills: list[Fill], *, isolated: bool, leverage: Decimal
) -> dict[str, Any]:
    """An order of pages and of ``push.personal.order``."""
    text = market.text
    average = text.average(order.value, order.filled) if order.filled else "0"
    paid = {maker: sum((fill.fee for fill in fills if fill.is_maker is maker), ZERO) for maker in (True, False)}
    return {
        "orderId": str(wire_id),
        "symbol": market.native,
        "positionId": wire_id % 1000,
        "price": number(text.price(order.price)),
        "vol": contracts(market, order.quantity),
        "leverage": number(leverage),
        "side": contract_side(order.side, closes=order.reduce_only),
        "category": 2 if order.is_liquidation else 1,
        "orderType": contract_type(order),
        "dealAvgPrice": number(text_of(Decimal(average))),
        "dealVol": contracts(market, order.filled),
        "remainVol": contracts(market, order.remaining),
        "orderMargin": 0,
        "usedMargin": 0,
        "takerFee": number(paid[False]),
        "makerFee": number(paid[True]),
        "profit": number(sum((fill.profit for fill in fills), ZERO)),
        "feeCurrency": market.listing.instrument.settle,
        "openType": 1 if isolated else 2,
        "state": contract_state(order),
        "externalOid": own_id(order.client_id) or f"_m_{wire_id}",
        "errorCode": 0,
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "positionMode": 2,
        "version": 1 + order.filled + order.amendments + (0 if order.is_open else 1),
    }


def contract_deal_row(market: SimMarket, fill: Fill, wire_id: int, *, closes: bool) -> dict[str, Any]:
    return {
        "id": str(fill.trade_id),
        "symbol": market.native,
        "side": contract_side(fill.side, closes=closes),
        "vol": contracts(market, fill.quantity),
        "price": number(market.text.price(fill.price)),
        "fee": number(fill.fee),
        "feeCurrency": fill.fee_currency,
        "profit": number(fill.profit),
        "category": 1,
        "orderId": str(wire_id),
        "timestamp": fill.ms,
        "positionMode": 2,
        "isTaker": not fill.is_maker,
    }


def plan_row(
    market: SimMarket, order: AccountOrder, wire_id: int, fired: int, *, isolated: bool, leverage: Decimal
) -> dict[str, Any]:
    """A trigger order. States: 1 waiting, 2 canceled, 3 executed, 4 failed."""
    trigger = order.trigger
    assert trigger is not None
    waiting = order.is_open and order.waiting
    state = 1 if waiting else 3 if order.child_id else 2 if order.status is OrderStatus.CANCELED else 4
    row: dict[str, Any] = {
        "id": str(wire_id),
        "symbol": market.native,
        "leverage": number(leverage),
        "side": contract_side(order.side, closes=order.reduce_only),
        "triggerPrice": number(market.text.price(trigger.price)),
        "vol": contracts(market, order.quantity),
        "openType": 1 if isolated else 2,
        "triggerType": 1 if trigger.rises else 2,
        "state": state,
        "executeCycle": 1,
        "trend": 2 if trigger.by is TriggerPrice.MARK else 1,
        "orderType": contract_type(order),
        "errorCode": 0,
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
    }
    if not order.is_market:
        row["price"] = number(market.text.price(order.price))
    return row | ({"orderId": str(fired)} if fired else {})


def asset_row(currency: str, margin: Margin) -> dict[str, Any]:
    """A wallet. What is available, frozen by orders and bound by positions adds up to the equity."""
    equity = margin.wallet + margin.unrealized
    available = max(ZERO, margin.available)
    figures = {
        "positionMargin": equity - available - margin.order_initial,
        "frozenBalance": margin.order_initial,
        "availableBalance": available,
        "cashBalance": margin.cross_wallet,
        "equity": equity,
        "unrealized": margin.unrealized,
        "bonus": ZERO,
    }
    return {"currency": currency, **{name: number(eight(value)) for name, value in figures.items()}}


def asset_event(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("equity", "unrealized")}


def position_row(market: SimMarket, view: PositionView, number_of: int) -> dict[str, Any]:
    """States: 1 holding, 3 closed."""
    figures = {
        "holdVol": abs(view.quantity) / market.listing.instrument.contract_size,
        "holdAvgPrice": view.entry,
        "openAvgPrice": view.entry,
        "liquidatePrice": view.liquidation or ZERO,
        "oim": view.initial_margin,
        "im": view.isolated_margin if view.is_isolated else view.initial_margin,
        "realised": view.realized,
        "unRealizedPnl": view.unrealized,
    }
    return {
        "positionId": number_of,
        "symbol": market.native,
        "positionType": 2 if view.lots < 0 else 1,
        "openType": 1 if view.is_isolated else 2,
        "state": 1 if view.lots else 3,
        **{name: number(eight(value)) for name, value in figures.items()},
        "frozenVol": 0,
        "closeVol": 0,
        "closeAvgPrice": 0,
        "holdFee": 0,
        "leverage": number(view.leverage),
        "autoAddIm": False,
        "createTime": view.updated_ms,
        "updateTime": view.updated_ms,
    }


def eight(value: Decimal) -> Decimal:
    return Decimal(f"{value:.8f}")

"""Orders and fills of Kraken spot as the venue writes them: rows of REST pages and of the ``executions`` channel.

Pure: values of ``sim.requests`` in, dictionaries out. REST writes decimals as text, the channel as numbers. Shapes:
../shared/exchanges/kraken.md §7.1 and §8.1; fee_usd_equiv is told in quote currency, which is USD at all our pairs.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Raw

from jackbot_tui.model.enums import OrderStatus, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.kraken.pages import altname
from jackbot_tui.sim.kraken.private_ids import Names
from jackbot_tui.sim.kraken.spot import pair_id
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import Reason
from jackbot_tui.sim.requests import AccountOrder, Fill, OrderChange, OrderEvent
from jackbot_tui.sim.text import instant

STATUSES = {
    OrderStatus.NEW: "open",
    OrderStatus.PARTIALLY_FILLED: "open",
    OrderStatus.FILLED: "closed",
    OrderStatus.CANCELED: "canceled",
    OrderStatus.EXPIRED: "canceled",
}
STREAM_STATUSES = {
    OrderStatus.NEW: "new",
    OrderStatus.PARTIALLY_FILLED: "partially_filled",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELED: "canceled",
    OrderStatus.EXPIRED: "canceled",
}
REASONS = {
    Reason.POST_ONLY: "Post only order",
    Reason.FOK: "Fill or kill order could not be filled",
    Reason.IOC: "Immediate or cancel order could not be filled",
    Reason.NO_LIQUIDITY: "Insufficient liquidity",
    Reason.SELF_TRADE: "Self trade prevention",
    Reason.AMENDED_AWAY: "Order amended below filled quantity",
    Reason.UNAFFORDABLE: "Insufficient funds",
    Reason.COUNTDOWN: "Cancel all orders after",
}
"""Texts of ours except the first: the venue's are not published."""

USER_REQUESTED = "User requested"
TIMES = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}


def number(text: str) -> Raw:
    """Decimal text as a JSON number."""
    return Raw(text.encode())


def own_client_id(order: AccountOrder) -> str:
    """The client id that the client gave; none where the exchange made one up."""
    return "" if order.client_id == f"auto{order.order_id}" else order.client_id


def order_type(order: AccountOrder) -> str:
    if order.trigger is None:
        return "market" if order.is_market else "limit"
    name = "take-profit" if order.trigger.takes_profit else "stop-loss"
    return name if order.is_market else f"{name}-limit"


def flags(order: AccountOrder) -> str:
    shown = ["fciq"]
    if order.post_only:
        shown.append("post")
    if order.cost is not None:
        shown.append("viqc")
    return ",".join(shown)


def volume(market: SimMarket, order: AccountOrder) -> str:
    """In base units, or in quote units where the order was asked for so."""
    return market.text.quantity(order.quantity) if order.cost is None else text_of(order.cost)


def sentence(market: SimMarket, order: AccountOrder) -> str:
    """``buy 0.01000000 XBTUSD @ limit 61000.0``"""
    text, opening = market.text, f"{order.side.value} {volume(market, order)} {altname(market)} @ "
    limit = f"limit {text.price(order.price)}"
    if order.trigger is None:
        return opening + ("market" if order.is_market else limit)
    name = "take profit" if order.trigger.takes_profit else "stop loss"
    waits = f"{name} {text.price(order.trigger.price)}"
    return opening + (waits if order.is_market else f"{waits} -> {limit}")


def average(market: SimMarket, order: AccountOrder) -> str:
    return market.text.average(order.value, order.filled) if order.filled else market.text.price(0)


def order_row(
    market: SimMarket, order: AccountOrder, fills: Sequence[Fill], names: Names, userref: int | None, *, trades: bool
) -> dict[str, Any]:
    """An order as OpenOrders, ClosedOrders and QueryOrders list it."""
    text = market.text
    limit = text.price(order.price)
    prices = (limit, "0") if order.trigger is None else (text.price(order.trigger.price), limit)
    if order.is_market:
        prices = ("0", "0") if order.trigger is None else (prices[0], "0")
    row: dict[str, Any] = {
        "refid": None,
        "userref": userref,
        "cl_ord_id": own_client_id(order) or None,
        "status": STATUSES[order.status],
        "opentm": order.created_ms / 1000,
        "starttm": 0,
        "expiretm": 0,
        "descr": {
            "pair": altname(market),
            "aclass": "forex",
            "type": order.side.value,
            "ordertype": order_type(order),
            "price": prices[0],
            "price2": prices[1],
            "leverage": "none",
            "order": sentence(market, order),
            "close": "",
        },
        "vol": volume(market, order),
        "vol_exec": text.quantity(order.filled),
        "cost": text.value(order.value),
        "fee": text_of(sum((fill.fee for fill in fills), ZERO)),
        "price": average(market, order),
        "stopprice": prices[0] if order.trigger is not None and not order.waiting else text.price(0),
        "limitprice": text.price(0),
        "misc": "",
        "oflags": flags(order),
        "time_in_force": TIMES[order.tif],
    }
    if not order.is_open:
        row |= {"closetm": order.updated_ms / 1000, "reason": reason_of(order) or None}
    if trades:
        row["trades"] = [names.fill(fill.key, fill.trade_id) for fill in fills]
    return row


def reason_of(order: AccountOrder) -> str:
    if order.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED):
        return REASONS.get(order.reason, USER_REQUESTED)
    return ""


def trade_row(market: SimMarket, fill: Fill, names: Names, kind: str) -> dict[str, Any]:
    """A fill as TradesHistory and QueryTrades list it; ``kind`` is its order's type."""
    return {
        "ordertxid": names.order(fill.key, fill.order_id),
        "postxid": names.fill(fill.key, fill.trade_id).replace("T", "P", 1),
        "pair": pair_id(market),
        "aclass": "forex",
        "time": fill.ms / 1000,
        "type": fill.side.value,
        "ordertype": kind,
        "price": market.text.price(fill.price),
        "cost": market.text.value(fill.price * fill.quantity),
        "fee": text_of(fill.fee),
        "vol": market.text.quantity(fill.quantity),
        "margin": "0.00000",
        "leverage": "0",
        "misc": "",
        "trade_id": fill.trade_id,
        "maker": fill.is_maker,
    }


# --- the executions channel --------------------------------------------------------------------------------------


def whole_row(market: SimMarket, order: AccountOrder, names: Names, userref: int | None, status: str) -> dict[str, Any]:
    """An order with everything that is known of it, as its first row and snapshots have it."""
    text = market.text
    row: dict[str, Any] = {
        "order_id": names.order(order.key, order.order_id),
        "symbol": market.native,
        "side": order.side.value,
        "order_type": order_type(order),
        "order_qty": number(text.quantity(order.quantity)),
        "time_in_force": TIMES[order.tif],
        "exec_type": status,
        "order_status": status,
        "order_userref": userref or 0,
        "cum_qty": number(text.quantity(order.filled)),
        "cum_cost": number(text.value(order.value)),
        "avg_price": number(average(market, order)),
        "fee_usd_equiv": 0.0,
        "fee_ccy_pref": "fciq",
        "timestamp": _instant(order.updated_ms),
    }
    if order.cost is not None:
        row["cash_order_qty"] = number(text_of(order.cost))
    if not order.is_market:
        row |= {"limit_price_type": "static", "limit_price": number(text.price(order.price))}
    if order.post_only:
        row["post_only"] = True
    if order.trigger is not None:
        row["triggers"] = {
            "reference": "last",
            "price": number(text.price(order.trigger.price)),
            "price_type": "static",
            "status": "untriggered" if order.waiting else "triggered",
        }
    return row | _named(order)


def changed_rows(
    market: SimMarket, event: OrderEvent, fee: Decimal, names: Names, userref: int | None
) -> list[dict[str, Any]]:
    """What ``event`` adds to what a client knows: its order's ids and the fields that changed. One row, one frame."""
    order, ms = event.order, event.ms
    ids = {"order_id": names.order(order.key, order.order_id), "order_userref": userref or 0} | _named(order)
    if event.change is OrderChange.NEW:
        first = whole_row(market, order, names, userref, "pending_new")
        return [first, {**ids, "exec_type": "new", "order_status": "new", "timestamp": _instant(ms)}]
    if event.fill is not None:
        rows = [{**ids, **_trade(market, order, event.fill, names)}]
        if order.status is OrderStatus.FILLED:
            rows.append({**ids, **_ending(market, order, fee, "filled", ms)})
        return rows
    if event.change is OrderChange.AMENDED:
        return [
            {
                **ids,
                "exec_type": "amended",
                "order_status": STREAM_STATUSES[order.status],
                "order_qty": number(market.text.quantity(order.quantity)),
                "limit_price": number(market.text.price(order.price)),
                "cum_qty": number(market.text.quantity(order.filled)),
                "amended": True,
                "timestamp": _instant(ms),
            }
        ]
    if event.change is OrderChange.TRIGGERED:
        shown = whole_row(market, order, names, userref, "new")["triggers"]
        return [
            {**ids, "exec_type": "status", "order_status": "triggered", "triggers": shown, "timestamp": _instant(ms)}
        ]
    reason = reason_of(order)
    ending = _ending(market, order, fee, STREAM_STATUSES[order.status], ms)
    return [{**ids, **ending, "cancel_reason": reason, "reason": reason}]


def trade_snapshot_row(market: SimMarket, order: AccountOrder, fill: Fill, names: Names) -> dict[str, Any]:
    """A fill of before the subscription."""
    ids = {"order_id": names.order(order.key, order.order_id), "order_userref": 0} | _named(order)
    return {**ids, **_trade(market, order, fill, names)}


def _trade(market: SimMarket, order: AccountOrder, fill: Fill, names: Names) -> dict[str, Any]:
    text = market.text
    return {
        "exec_id": names.fill(fill.key, fill.trade_id),
        "exec_type": "trade",
        "trade_id": fill.trade_id,
        "symbol": market.native,
        "side": fill.side.value,
        "order_type": order_type(order),
        "order_status": STREAM_STATUSES[order.status],
        "last_qty": number(text.quantity(fill.quantity)),
        "last_price": number(text.price(fill.price)),
        "liquidity_ind": "m" if fill.is_maker else "t",
        "cost": number(text.value(fill.price * fill.quantity)),
        "fees": [{"asset": fill.fee_currency, "qty": number(text_of(fill.fee))}],
        "fee_usd_equiv": number(text_of(fill.fee)),
        "cum_qty": number(text.quantity(order.filled)),
        "cum_cost": number(text.value(order.value)),
        "avg_price": number(average(market, order)),
        "timestamp": _instant(fill.ms),
    }


def _ending(market: SimMarket, order: AccountOrder, fee: Decimal, status: str, ms: int) -> dict[str, Any]:
    return {
        "exec_type": status,
        "order_status": status,
        "cum_qty": number(market.text.quantity(order.filled)),
        "cum_cost": number(market.text.value(order.value)),
        "avg_price": number(average(market, order)),
        "fee_usd_equiv": number(text_of(fee)),
        "timestamp": _instant(ms),
    }


def _named(order: AccountOrder) -> dict[str, str]:
    client_id = own_client_id(order)
    return {"cl_ord_id": client_id} if client_id else {}


def _instant(ms: int) -> str:
    return instant(ms * 1_000_000)

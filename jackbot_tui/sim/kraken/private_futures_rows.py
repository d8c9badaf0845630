"""Orders, fills and margin of Kraken's derivatives as the venue writes them: rows of REST pages and of private feeds.

Pure: values of ``sim.requests`` in, dictionaries out. Shapes: ../shared/exchanges/kraken.md §7.2 and §8.2.
"""

from typing import Any

from msgspec import Raw

from jackbot_tui.model.enums import OrderStatus, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.kraken.futures import number
from jackbot_tui.sim.kraken.private_ids import Names
from jackbot_tui.sim.kraken.private_spot_rows import own_client_id
from jackbot_tui.sim.margin import Margin
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import Reason
from jackbot_tui.sim.requests import AccountOrder, Fill, PositionView, TriggerPrice
from jackbot_tui.sim.text import instant

LIFECYCLES = {
    OrderStatus.NEW: "ENTERED_BOOK",
    OrderStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FULLY_EXECUTED",
    OrderStatus.CANCELED: "CANCELLED",
    OrderStatus.EXPIRED: "CANCELLED",
}
SIGNALS = {TriggerPrice.LAST: "last_price", TriggerPrice.MARK: "mark_price"}
REMOVALS = {
    Reason.CANCELED: "cancelled_by_user",
    Reason.AMENDED_AWAY: "cancelled_by_user",
    Reason.COUNTDOWN: "dead_man_switch",
    Reason.LIQUIDATION: "liquidation",
    Reason.UNAFFORDABLE: "not_enough_margin",
    Reason.REDUCE_ONLY: "would_not_reduce_position",
    Reason.SELF_TRADE: "would_execute_self",
    Reason.POST_ONLY: "post_order_failed_because_it_would_filled",
    Reason.IOC: "ioc_order_failed_because_it_would_not_be_executed",
    Reason.NO_LIQUIDITY: "ioc_order_failed_because_it_would_not_be_executed",
    Reason.FOK: "ioc_order_failed_because_it_would_not_be_executed",
}


def raw(text: str) -> Raw:
    """Decimal text as the venue writes numbers."""
    return Raw(number(text).encode())


def moment(ms: int) -> str:
    return instant(ms * 1_000_000, 3)


def rests(order: AccountOrder) -> bool:
    """Whether it is one of those that open orders tell of: what takes or goes at once never is."""
    return order.waiting or (not order.is_market and order.tif is TimeInForce.GTC)


def order_type(order: AccountOrder) -> str:
    if order.waiting and order.trigger is not None:
        return "take_profit" if order.trigger.takes_profit else "stop"
    if order.tif is not TimeInForce.GTC:
        return "fok" if order.tif is TimeInForce.FOK else "ioc"
    return "ioc" if order.is_market else "post" if order.post_only else "lmt"


def event_order(market: SimMarket, order: AccountOrder, names: Names, filled: int | None = None) -> dict[str, Any]:
    """An order inside of ``orderEvents``; ``filled`` as it was at the event, in lots."""
    text = market.text
    row: dict[str, Any] = {
        "type": order_type(order),
        "orderId": names.uuid(order.key, order.order_id),
        "cliOrdId": own_client_id(order) or None,
        "symbol": market.native,
        "side": order.side.value,
        "quantity": raw(text.quantity(order.quantity)),
        "filled": raw(text.quantity(order.filled if filled is None else filled)),
        "limitPrice": raw(text.price(order.price)) if order.price else None,
        "reduceOnly": order.reduce_only,
        "timestamp": moment(order.created_ms),
        "lastUpdateTimestamp": moment(order.updated_ms),
    }
    return row


def trigger_order(market: SimMarket, order: AccountOrder, names: Names) -> dict[str, Any]:
    """A waiting order inside of ``orderEvents``."""
    trigger = order.trigger
    assert trigger is not None
    text = market.text
    return {
        "uid": names.uuid(order.key, order.order_id),
        "clientId": own_client_id(order) or None,
        "type": "ioc" if order.is_market else "lmt",
        "symbol": market.native,
        "side": order.side.value,
        "quantity": raw(text.quantity(order.quantity)),
        "limitPrice": raw(text.price(order.price)) if order.price else None,
        "triggerPrice": raw(text.price(trigger.price)),
        "triggerSide": "trigger_above" if trigger.rises else "trigger_below",
        "triggerSignal": SIGNALS[trigger.by],
        "reduceOnly": order.reduce_only,
        "timestamp": moment(order.created_ms),
        "lastUpdateTimestamp": moment(order.updated_ms),
    }


def execution(market: SimMarket, order: AccountOrder, fill: Fill, before: int, names: Names) -> dict[str, Any]:
    """One fill inside of ``orderEvents``; ``before``: lots filled before it."""
    return {
        "type": "EXECUTION",
        "executionId": names.fill_uuid(fill.key, fill.trade_id),
        "price": raw(market.text.price(fill.price)),
        "amount": raw(market.text.quantity(fill.quantity)),
        "orderPriorEdit": None,
        "orderPriorExecution": event_order(market, order, names, before),
        "takerReducedQuantity": None,
    }


def open_row(market: SimMarket, order: AccountOrder, names: Names) -> dict[str, Any]:
    """An order as ``openorders`` lists it. That it is post-only is not told."""
    text = market.text
    row: dict[str, Any] = {
        "order_id": names.uuid(order.key, order.order_id),
        "symbol": market.native,
        "side": order.side.value,
        "orderType": order_type(order) if order.waiting else "lmt",
        "limitPrice": raw(text.price(order.price)),
        "unfilledSize": raw(text.quantity(order.remaining)),
        "receivedTime": moment(order.created_ms),
        "status": "partiallyFilled" if order.filled else "untouched",
        "filledSize": raw(text.quantity(order.filled)),
        "reduceOnly": order.reduce_only,
        "lastUpdateTime": moment(order.updated_ms),
    }
    if own_client_id(order):
        row["cliOrdId"] = order.client_id
    if order.waiting and order.trigger is not None:
        row |= {"stopPrice": raw(text.price(order.trigger.price)), "triggerSignal": order.trigger.by.value}
    return row


def status_row(market: SimMarket, order: AccountOrder, names: Names) -> dict[str, Any]:
    """An order as ``orders/status`` tells it."""
    inner = event_order(market, order, names) | {"type": "TRIGGER_ORDER" if order.waiting else "ORDER"}
    status = "TRIGGER_PLACED" if order.waiting else LIFECYCLES[order.status]
    if order.trigger is not None:
        inner["priceTriggerOptions"] = {
            "triggerPrice": raw(market.text.price(order.trigger.price)),
            "triggerSide": "TRIGGER_ABOVE" if order.trigger.rises else "TRIGGER_BELOW",
            "triggerSignal": SIGNALS[order.trigger.by].upper(),
        }
    return {"order": inner, "status": status, "updateReason": None, "error": None}


def fill_row(market: SimMarket, fill: Fill, names: Names, client_id: str, *, liquidation: bool) -> dict[str, Any]:
    """A fill as ``fills`` lists it: without its fee."""
    row: dict[str, Any] = {
        "fill_id": names.fill_uuid(fill.key, fill.trade_id),
        "symbol": market.native,
        "side": fill.side.value,
        "order_id": names.uuid(fill.key, fill.order_id),
        "size": raw(market.text.quantity(fill.quantity)),
        "price": raw(market.text.price(fill.price)),
        "fillTime": moment(fill.ms),
        "fillType": _fill_type(fill, liquidation=liquidation),
    }
    return row | ({"cliOrdId": client_id} if client_id else {})


def feed_fill(market: SimMarket, fill: Fill, names: Names, order: AccountOrder, seq: int) -> dict[str, Any]:
    """A fill as the ``fills`` feed tells it."""
    row: dict[str, Any] = {
        "instrument": market.native,
        "time": fill.ms,
        "price": raw(market.text.price(fill.price)),
        "seq": seq,
        "buy": fill.side.sign > 0,
        "qty": raw(market.text.quantity(fill.quantity)),
        "remaining_order_qty": raw(market.text.quantity(order.remaining)),
        "order_id": names.uuid(fill.key, fill.order_id),
        "fill_id": names.fill_uuid(fill.key, fill.trade_id),
        "fill_type": _fill_type(fill, liquidation=order.is_liquidation),
        "fee_paid": Raw(text_of(fill.fee).encode()),
        "fee_currency": fill.fee_currency,
        "taker_order_type": "lmt" if fill.is_maker else order_type(order),
        "order_type": order_type(order),
    }
    return row | ({"cli_ord_id": order.client_id} if own_client_id(order) else {})


def feed_order(market: SimMarket, order: AccountOrder, names: Names) -> dict[str, Any]:
    """An order as the open order feeds tell it; ``qty`` is what remains of it."""
    text, trigger = market.text, order.trigger
    kind = "limit" if not order.waiting or trigger is None else "take_profit" if trigger.takes_profit else "stop"
    row: dict[str, Any] = {
        "instrument": market.native,
        "time": order.created_ms,
        "last_update_time": order.updated_ms,
        "qty": raw(text.quantity(order.remaining)),
        "filled": raw(text.quantity(order.filled)),
        "limit_price": raw(text.price(order.price)),
        "stop_price": raw(text.price(trigger.price if order.waiting and trigger is not None else 0)),
        "type": kind,
        "order_id": names.uuid(order.key, order.order_id),
        "direction": 0 if order.side.sign > 0 else 1,
        "reduce_only": order.reduce_only,
    }
    if order.waiting and trigger is not None:
        row["triggerSignal"] = trigger.by.value
    return row | ({"cli_ord_id": order.client_id} if own_client_id(order) else {})


def feed_position(market: SimMarket, view: PositionView, index: float) -> dict[str, Any]:
    threshold = view.liquidation or ZERO
    row: dict[str, Any] = {
        "instrument": market.native,
        "balance": Raw(text_of(view.quantity).encode()),
        "pnl": float(view.unrealized),
        "entry_price": float(view.entry),
        "mark_price": float(view.mark),
        "index_price": index,
        "liquidation_threshold": float(threshold),
        "effective_leverage": float(view.leverage),
        "return_on_equity": float(view.unrealized / view.initial_margin * 100) if view.initial_margin else 0.0,
        "unrealized_funding": 0.0,
        "initial_margin": float(view.initial_margin),
        "initial_margin_with_orders": float(view.initial_margin + view.order_margin),
        "maintenance_margin": float(view.maintenance),
        "pnl_currency": market.listing.instrument.settle,
    }
    return row | ({"max_fixed_leverage": float(view.leverage)} if view.is_isolated else {})


def open_position(market: SimMarket, view: PositionView) -> dict[str, Any]:
    """A position as ``openpositions`` lists it: a fixed leverage says that its margin is isolated."""
    row: dict[str, Any] = {
        "side": "long" if view.lots > 0 else "short",
        "symbol": market.native,
        "price": float(view.entry),
        "fillTime": moment(view.updated_ms),
        "size": Raw(text_of(abs(view.quantity)).encode()),
        "unrealizedFunding": 0.0,
        "pnlCurrency": market.listing.instrument.settle,
        "unrealizedPnl": float(view.unrealized),
    }
    return row | ({"maxFixedLeverage": float(view.leverage)} if view.is_isolated else {})


def flex_account(currency: str, margin: Margin) -> dict[str, Any]:
    """The multi-collateral wallet as ``accounts`` tells it."""
    available = max(ZERO, margin.available)
    held = {
        "quantity": Raw(text_of(margin.wallet).encode()),
        "value": Raw(text_of(margin.wallet).encode()),
        "collateral": Raw(text_of(margin.wallet).encode()),
        "available": Raw(text_of(available).encode()),
    }
    return {
        "currencies": {currency: held},
        "initialMargin": float(margin.position_initial),
        "initialMarginWithOrders": float(margin.position_initial + margin.order_initial),
        "maintenanceMargin": float(margin.maintenance),
        "balanceValue": float(margin.wallet),
        "portfolioValue": float(margin.wallet + margin.unrealized),
        "collateralValue": float(margin.wallet),
        "pnl": float(margin.unrealized),
        "unrealizedFunding": 0.0,
        "totalUnrealized": float(margin.unrealized),
        "totalUnrealizedAsMargin": float(margin.unrealized),
        "availableMargin": float(available),
        "marginEquity": float(margin.wallet + margin.unrealized),
        "type": "multiCollateralMarginAccount",
    }


def feed_flex(currency: str, margin: Margin) -> dict[str, Any]:
    """The same as the ``balances`` feed tells it."""
    available = max(ZERO, margin.available)
    held = {
        "quantity": Raw(text_of(margin.wallet).encode()),
        "value": Raw(text_of(margin.wallet).encode()),
        "collateral_value": Raw(text_of(margin.wallet).encode()),
        "available": Raw(text_of(available).encode()),
        "haircut": 0.0,
        "conversion_spread": 0.0,
    }
    return {
        "currencies": {currency: held},
        "balance_value": float(margin.wallet),
        "portfolio_value": float(margin.wallet + margin.unrealized),
        "collateral_value": float(margin.wallet),
        "initial_margin": float(margin.position_initial),
        "initial_margin_with_orders": float(margin.position_initial + margin.order_initial),
        "maintenance_margin": float(margin.maintenance),
        "pnl": float(margin.unrealized),
        "unrealized_funding": 0.0,
        "total_unrealized": float(margin.unrealized),
        "total_unrealized_as_margin": float(margin.unrealized),
        "margin_equity": float(margin.wallet + margin.unrealized),
        "available_margin": float(available),
        "isolated": {},
        "cross": {},
    }


def _fill_type(fill: Fill, *, liquidation: bool) -> str:
    return "liquidation" if liquidation else "maker" if fill.is_maker else "taker"

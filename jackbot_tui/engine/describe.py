"""Words for order events: what a notice says to a trader, in one line with the figures that matter."""

from jackbot_tui.execution.paper.liquidation import TAG as LIQUIDATION
from jackbot_tui.model.enums import Liquidity, OrderStatus
from jackbot_tui.model.numbers import text_of
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderAmended,
    OrderAmendRejected,
    OrderAmendRequested,
    OrderCanceled,
    OrderCancelRejected,
    OrderCancelRequested,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
    OrderUnknown,
)


def describe(order: Order, event: OrderEvent) -> tuple[str, str, str]:
    """``(kind, level, text)`` of the notice for an order event; kind "" for events that only we asked for."""
    what = f"#{order.number} {order.side.value.upper()} {text_of(order.quantity)}"
    at = "market" if order.price is None else f"@ {text_of(order.price)}"
    if order.trigger_price is not None:
        at = f"{order.trigger_text}, {at}"
    match event:
        case OrderAccepted():
            return "accepted", "info", f"{what} {at} accepted in {(event.ts - order.created_ns) / 1e6:.0f} ms"
        case OrderTriggered():
            seen = f" by {text_of(event.price)}" if event.price else ""
            return "triggered", "warn", f"{what} {order.trigger_text} TRIGGERED{seen}"
        case OrderFilled():
            whole = "complete" if order.status is OrderStatus.FILLED else f"{text_of(order.remaining)} left"
            maker = "maker" if event.liquidity is Liquidity.MAKER else "taker"
            text = (
                f"FILL #{order.number} {order.side.value.upper()} {text_of(event.quantity)} @ {text_of(event.price)}"
                f" {maker}, fee {text_of(event.fee)} {event.fee_currency}, {whole}"
            )
            return ("filled", "bad", f"LIQUIDATED {text}") if order.tag == LIQUIDATION else ("filled", "good", text)
        case OrderCanceled():
            return "canceled", "info", f"{what} {at} canceled" + (f": {event.reason}" if event.reason else "")
        case OrderRejected():
            return "rejected", "bad", f"{what} {at} rejected: {event.reason} [{event.code}]"
        case OrderExpired():
            return "expired", "warn", f"{what} {at} expired" + (f": {event.reason}" if event.reason else "")
        case OrderAmended():
            return "amended", "info", f"#{order.number} is now {text_of(event.quantity)} @ {text_of(event.price)}"
        case OrderAmendRejected():
            return "amended", "bad", f"#{order.number} not moved: {event.reason}"
        case OrderCancelRejected():
            return "canceled", "bad", f"#{order.number} not canceled: {event.reason}"
        case OrderUnknown():
            return "unknown", "bad", f"{what} {at} fate UNKNOWN: {event.reason}"
        case OrderCancelRequested() | OrderAmendRequested():
            return "", "", ""

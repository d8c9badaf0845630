"""What the embedded Coinbase says of orders, fills and balances, and why it refuses. Pure; used by the private parts.

Shapes: ../shared/exchanges/coinbase.md §7, §8.1, §11. Orders have UUIDs, made here from product and number so that they
can be read back. Fees are quote currency. A USDC product is an alias: orders bear the name of the product they trade.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from jackbot_tui.model.enums import OrderStatus, TimeInForce
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, Fill, Holding, Refusal
from jackbot_tui.sim.text import instant

NUMBER_BITS = 48
_VERSION = 0x4000 << 64 | 0x8000 << 48
_SPACE = UUID("9a5a5b2e-0000-4000-8000-6a61636b626f")

UNKNOWN_ORDER = "order with this orderID was not found"
NO_REASON = "UNKNOWN_CANCEL_FAILURE_REASON"

REFUSALS: Mapping[Refusal, tuple[str, str]] = {
    Refusal.UNKNOWN_ORDER: ("UNKNOWN_CANCEL_ORDER", ""),
    Refusal.DUPLICATE_CLIENT_ID: ("UNKNOWN_FAILURE_REASON", "PREVIEW_UNKNOWN_FAILURE_REASON"),
    Refusal.BAD_TICK: ("INVALID_PRICE_PRECISION", "PREVIEW_INVALID_PRICE_PRECISION"),
    Refusal.PRICE_TOO_LOW: ("UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_LIMIT_PRICE"),
    Refusal.PRICE_TOO_HIGH: ("UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_PRICE_TOO_LARGE"),
    Refusal.BAD_LOT: ("INVALID_SIZE_PRECISION", "PREVIEW_INVALID_SIZE_PRECISION"),
    Refusal.QUANTITY_TOO_SMALL: ("UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
    Refusal.QUANTITY_TOO_LARGE: ("UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE"),
    Refusal.MARKET_QUANTITY_TOO_LARGE: ("UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE"),
    Refusal.NOTIONAL_TOO_SMALL: ("UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"),
    Refusal.NOTIONAL_TOO_LARGE: ("UNKNOWN_FAILURE_REASON", "PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE"),
    Refusal.BAND_TOO_HIGH: ("UNKNOWN_FAILURE_REASON", "PREVIEW_BREACHED_PRICE_LIMIT"),
    Refusal.BAND_TOO_LOW: ("UNKNOWN_FAILURE_REASON", "PREVIEW_BREACHED_PRICE_LIMIT"),
    Refusal.TOO_MANY_ORDERS: ("UNKNOWN_FAILURE_REASON", "PREVIEW_UNKNOWN_FAILURE_REASON"),
    Refusal.INSUFFICIENT_FUNDS: ("INSUFFICIENT_FUND", "PREVIEW_INSUFFICIENT_FUND"),
    Refusal.POST_ONLY: ("INVALID_LIMIT_PRICE_POST_ONLY", "PREVIEW_INVALID_LIMIT_PRICE_POSTONLY"),
    Refusal.WOULD_TRIGGER: ("INVALID_STOP_PRICE", "PREVIEW_INVALID_STOP_PRICE"),
    Refusal.AMEND_NOT_ALLOWED: ("ONLY_LIMIT_ORDER_EDITS_SUPPORTED", ""),
    Refusal.NOTHING_CHANGED: ("INVALID_EDITED_SIZE", ""),
}
"""``(failure of the order, failure of its preview)``; an order is answered with both."""

STATUSES: Mapping[OrderStatus, str] = {
    OrderStatus.NEW: "OPEN",
    OrderStatus.PARTIALLY_FILLED: "OPEN",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELED: "CANCELLED",
    OrderStatus.EXPIRED: "CANCELLED",
    OrderStatus.REJECTED: "FAILED",
}
TIMES_IN_FORCE: Mapping[TimeInForce, str] = {
    TimeInForce.GTC: "GOOD_UNTIL_CANCELLED",
    TimeInForce.IOC: "IMMEDIATE_OR_CANCEL",
    TimeInForce.FOK: "FILL_OR_KILL",
}


def order_uuid(market_number: int, order_id: int) -> str:
    return str(UUID(int=market_number << 96 | _VERSION | order_id))


def parted(text: str) -> tuple[int, int] | None:
    """Number of the market and of the order; None for what is no id of ours."""
    try:
        number = UUID(text).int
    except ValueError:
        return None
    return number >> 96, number & ((1 << NUMBER_BITS) - 1)


def configuration(market: SimMarket, order: AccountOrder) -> dict[str, Any]:
    """The order as it was asked for, with the size and price that it has now."""
    text = market.text
    size, price = text.quantity(order.quantity), text.price(order.price)
    if order.trigger is not None:
        return {
            "stop_limit_stop_limit_gtc": {
                "base_size": size,
                "limit_price": price,
                "stop_price": text.price(order.trigger.price),
                "stop_direction": f"STOP_DIRECTION_STOP_{'UP' if order.trigger.rises else 'DOWN'}",
            }
        }
    if order.is_market:
        return {"market_market_ioc": {"base_size": size} if order.cost is None else {"quote_size": f"{order.cost:f}"}}
    limits = {"base_size": size, "limit_price": price}
    match order.tif:
        case TimeInForce.IOC:
            return {"sor_limit_ioc": limits}
        case TimeInForce.FOK:
            return {"limit_limit_fok": limits}
    return {"limit_limit_gtc": {**limits, "post_only": order.post_only}}


def order_type(order: AccountOrder) -> str:
    if order.trigger is not None:
        return "STOP_LIMIT"
    return "MARKET" if order.is_market else "LIMIT"


def order_row(market: SimMarket, order: AccountOrder, order_id: str, fees: Decimal, fills: int) -> dict[str, Any]:
    """A row of the history, open orders included."""
    text = market.text
    done = Decimal(order.filled) / order.quantity * 100 if order.quantity else ZERO
    value = Decimal(text.value(order.value))
    after = value + fees if order.side.sign > 0 else value - fees
    return {
        "order_id": order_id,
        "product_id": market.native,
        "order_configuration": configuration(market, order),
        "side": order.side.value.upper(),
        "client_order_id": order.client_id,
        "status": STATUSES[order.status],
        "time_in_force": TIMES_IN_FORCE[order.tif],
        "created_time": instant(order.created_ms * 1_000_000),
        "completion_percentage": f"{done:.2f}",
        "filled_size": text.quantity(order.filled),
        "average_filled_price": average(market, order),
        "number_of_fills": str(fills),
        "filled_value": text.value(order.value),
        "pending_cancel": False,
        "size_in_quote": order.cost is not None,
        "total_fees": f"{fees:f}",
        "size_inclusive_of_fees": False,
        "total_value_after_fees": f"{after:f}",
        "trigger_status": _trigger_status(order),
        "order_type": order_type(order),
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": order.status is OrderStatus.FILLED,
        "product_type": "SPOT",
        "reject_message": "",
        "cancel_message": order.reason.value if not order.is_open else "",
        "outstanding_hold_amount": f"{order.reserved:f}",
        "last_fill_time": instant(order.updated_ms * 1_000_000) if order.filled else None,
        "last_update_time": instant(order.updated_ms * 1_000_000),
    }


def _trigger_status(order: AccountOrder) -> str:
    if order.trigger is None:
        return "INVALID_ORDER_TYPE"
    return "STOP_PENDING" if order.waiting else "STOP_TRIGGERED"


def average(market: SimMarket, order: AccountOrder) -> str:
    return market.text.average(order.value, order.filled) if order.filled else "0"


def stream_row(market: SimMarket, order: AccountOrder, order_id: str, fees: Decimal, fills: int) -> dict[str, Any]:
    """A row of the ``user`` channel: the order's state so far, and no fills."""
    text, row = market.text, order_row(market, order, order_id, fees, fills)
    stop = order.trigger
    return {
        "avg_price": average(market, order),
        "cancel_reason": row["cancel_message"],
        "client_order_id": order.client_id,
        "completion_percentage": row["completion_percentage"],
        "contract_expiry_type": "UNKNOWN_CONTRACT_EXPIRY_TYPE",
        "cumulative_quantity": text.quantity(order.filled),
        "filled_value": row["filled_value"],
        "leaves_quantity": text.quantity(order.remaining) if order.is_open else "0",
        "limit_price": text.price(order.price) if order.price else "0",
        "number_of_fills": str(fills),
        "order_id": order_id,
        "order_side": row["side"],
        "order_type": {"LIMIT": "Limit", "MARKET": "Market", "STOP_LIMIT": "Stop Limit"}[row["order_type"]],
        "outstanding_hold_amount": row["outstanding_hold_amount"],
        "post_only": str(order.post_only).lower(),
        "product_id": market.native,
        "product_type": "SPOT",
        "reject_reason": "",
        "status": row["status"],
        "stop_price": "" if stop is None else text.price(stop.price),
        "time_in_force": row["time_in_force"],
        "total_fees": row["total_fees"],
        "total_value_after_fees": row["total_value_after_fees"],
        "trigger_status": row["trigger_status"],
        "creation_time": row["created_time"],
    }


def fill_row(market: SimMarket, fill: Fill, order_id: str) -> dict[str, Any]:
    return {
        "entry_id": uuid5(_SPACE, f"{order_id} {fill.trade_id}").hex,
        "trade_id": str(fill.trade_id),
        "order_id": order_id,
        "trade_time": instant(fill.ms * 1_000_000),
        "trade_type": "FILL",
        "price": market.text.price(fill.price),
        "size": market.text.quantity(fill.quantity),
        "commission": f"{fill.fee:f}",
        "product_id": market.native,
        "sequence_timestamp": instant(fill.ms * 1_000_000),
        "liquidity_indicator": "MAKER" if fill.is_maker else "TAKER",
        "size_in_quote": False,
        "side": fill.side.value.upper(),
    }


def account_rows(account: int, holdings: Iterable[Holding]) -> list[dict[str, Any]]:
    rows = []
    for held in holdings:
        kind = "ACCOUNT_TYPE_FIAT" if held.currency == "USD" else "ACCOUNT_TYPE_CRYPTO"
        rows.append(
            {
                "uuid": str(uuid5(_SPACE, f"{account} {held.currency}")),
                "name": f"{held.currency} Wallet",
                "currency": held.currency,
                "available_balance": {"value": f"{held.free:f}", "currency": held.currency},
                "default": True,
                "active": True,
                "type": kind,
                "ready": True,
                "hold": {"value": f"{held.locked:f}", "currency": held.currency},
            }
        )
    return rows

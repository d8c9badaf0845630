"""Parameters of orders as Binance names them, read into the exchange's own values. Used by the private pages.

Raises PageError with Binance's code for what cannot be read. Facts: ../shared/exchanges/binance.md §8 and §11.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from jackbot_tui.model.enums import Side, TimeInForce
from jackbot_tui.sim.binance.private_rest import Signed
from jackbot_tui.sim.binance.rest import END_OF_TIME, PageError
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import SelfTrade
from jackbot_tui.sim.requests import AccountOrder, OrderSpec, TriggerPrice

CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
TIMES = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK, "GTX": TimeInForce.GTC}
NO_SUCH_ORDER = PageError(-2013, "Order does not exist.")
_Row = TypeVar("_Row")


def market_of(markets: Mapping[str, SimMarket], signed: Signed) -> SimMarket:
    market = markets.get(signed.required("symbol"))
    if market is None:
        raise PageError(-1121, "Invalid symbol.")
    return market


def side_of(signed: Signed) -> Side:
    match signed.required("side"):
        case "BUY":
            return Side.BUY
        case "SELL":
            return Side.SELL
    raise PageError(-1117, "Invalid side.")


def tif_of(signed: Signed) -> TimeInForce:
    text = signed.fields.get("timeInForce") or "GTC"
    if text not in TIMES:
        raise PageError(-1115, "Invalid timeInForce.")
    return TIMES[text]


def client_id_of(signed: Signed, name: str) -> str:
    text = signed.fields.get(name, "")
    if text and CLIENT_ID.fullmatch(text) is None:
        raise PageError(
            -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{{1,36}}$'."
        )
    return text


def self_trade_of(signed: Signed) -> SelfTrade | None:
    text = signed.fields.get("selfTradePreventionMode")
    if not text:
        return None
    try:
        return SelfTrade(text)
    except ValueError:
        raise PageError(-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.") from None


def order_spec(signed: Signed, market: SimMarket, kind: str, *, id_field: str, stop_field: str) -> OrderSpec:
    """An order of Binance's type ``kind``: what a type needs must be there, what it cannot have must not."""
    is_limit = kind in ("LIMIT", "LIMIT_MAKER", "STOP", "TAKE_PROFIT_LIMIT", "STOP_LOSS_LIMIT") or (
        kind == "TAKE_PROFIT" and stop_field == "triggerPrice"
    )
    waits = kind.startswith(("STOP", "TAKE_PROFIT"))
    closes = waits and signed.flag("closePosition")
    cost = signed.number("quoteOrderQty") if kind == "MARKET" else None
    if is_limit:
        signed.required("price")
    elif signed.fields.get("price"):
        raise PageError(-1106, "Parameter 'price' sent when not required.")
    if kind == "LIMIT" or kind.endswith("_LIMIT"):
        signed.required("timeInForce")
    if cost is None and not closes:
        signed.required("quantity")
    if waits:
        signed.required(stop_field)
    post_only = kind == "LIMIT_MAKER" or signed.fields.get("timeInForce") == "GTX"
    return OrderSpec(
        key=market.listing.key,
        side=side_of(signed),
        price=signed.number("price") if is_limit else None,
        client_id=client_id_of(signed, id_field),
        tif=tif_of(signed) if is_limit else TimeInForce.GTC,
        post_only=post_only and is_limit,
        reduce_only=signed.flag("reduceOnly"),
        self_trade=self_trade_of(signed),
        cost=cost,
        trigger_price=signed.number(stop_field) if waits else None,
        trigger_by=TriggerPrice.MARK if signed.fields.get("workingType") == "MARK_PRICE" else TriggerPrice.LAST,
        takes_profit=kind.startswith("TAKE_PROFIT"),
        close_position=closes,
        **_quantity(signed),
    )


def _quantity(signed: Signed) -> dict[str, Any]:
    quantity = signed.number("quantity")
    return {} if quantity is None else {"quantity": quantity}


def shown(rows: Sequence[_Row], signed: Signed, *, id_of: Any, ms_of: Any, from_name: str) -> list[_Row]:
    """What ``startTime``, ``endTime``, ``limit`` and a first id ask for: the newest rows, or the oldest from there."""
    start, end = signed.whole("startTime") or 0, signed.whole("endTime") or END_OF_TIME
    from_id, limit = signed.whole(from_name), min(signed.whole("limit") or 500, 1000)
    chosen = [row for row in rows if start <= ms_of(row) <= end and (from_id is None or id_of(row) >= from_id)]
    return chosen[:limit] if from_id is not None or start else chosen[-limit:]


def asked_order(orders: Any, signed: Signed, key: str, *, by_id: str, by_client: str) -> AccountOrder | None:
    """The order that a request names by id or client id."""
    order_id, client_id = signed.whole(by_id), signed.fields.get(by_client, "")
    if order_id is None and not client_id:
        raise PageError(-1102, f"Param '{by_client}' or '{by_id}' must be sent, but both were empty/null!")
    if order_id is not None:
        found: AccountOrder | None = orders.order(signed.account, key, order_id)
        return found
    by_name: AccountOrder | None = orders.by_client_id(signed.account, key, client_id)
    return by_name

"""Fields of Kraken's private requests, read into the exchange's own values; and what it says to refusals.

Used by the private parts of spot and of derivatives. Raises KrakenRefusal for what cannot be read.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from jackbot_tui.model.enums import Side, TimeInForce
from jackbot_tui.sim.kraken.private_auth import KrakenRefusal
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import OrderSpec, Refusal

LARGEST_EXPONENT = 20
LONGEST_CLIENT_ID = 18
FREE_ID = re.compile(r"[!-~]{1,18}")
UUID_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
FUTURES_ID_LENGTH = 100
LARGEST_USERREF = 1 << 31
SPOT_TYPES = ("market", "limit", "stop-loss", "take-profit", "stop-loss-limit", "take-profit-limit")

SPOT_REFUSALS: Mapping[Refusal, str] = {
    Refusal.UNKNOWN_ORDER: "EOrder:Unknown order",
    Refusal.DUPLICATE_CLIENT_ID: "EOrder:Duplicate order",  # the text is not published
    Refusal.BAD_TICK: "EOrder:Tick size check failed",
    Refusal.PRICE_TOO_LOW: "EOrder:Invalid price",
    Refusal.PRICE_TOO_HIGH: "EOrder:Invalid price",
    Refusal.BAD_LOT: "EGeneral:Invalid arguments:volume",
    Refusal.QUANTITY_TOO_SMALL: "EOrder:Order minimum not met",
    Refusal.QUANTITY_TOO_LARGE: "EGeneral:Invalid arguments:volume",
    Refusal.MARKET_QUANTITY_TOO_LARGE: "EGeneral:Invalid arguments:volume",
    Refusal.NOTIONAL_TOO_SMALL: "EOrder:Cost minimum not met",
    Refusal.NOTIONAL_TOO_LARGE: "EGeneral:Invalid arguments:volume",
    Refusal.TOO_MANY_ORDERS: "EOrder:Orders limit exceeded",
    Refusal.INSUFFICIENT_FUNDS: "EOrder:Insufficient funds",
    Refusal.POST_ONLY: "EOrder:Post only order",
    Refusal.WOULD_TRIGGER: "EOrder:Invalid price",
    Refusal.AMEND_NOT_ALLOWED: "EOrder:Invalid order",
}
FUTURES_REFUSALS: Mapping[Refusal, str] = {
    Refusal.UNKNOWN_ORDER: "notFound",
    Refusal.DUPLICATE_CLIENT_ID: "clientOrderIdAlreadyExist",
    Refusal.BAD_TICK: "invalidPrice",
    Refusal.PRICE_TOO_LOW: "invalidPrice",
    Refusal.PRICE_TOO_HIGH: "invalidPrice",
    Refusal.BAND_TOO_HIGH: "outsidePriceCollar",
    Refusal.BAND_TOO_LOW: "outsidePriceCollar",
    Refusal.BAD_LOT: "invalidSize",
    Refusal.QUANTITY_TOO_SMALL: "invalidSize",
    Refusal.QUANTITY_TOO_LARGE: "invalidSize",
    Refusal.MARKET_QUANTITY_TOO_LARGE: "invalidSize",
    Refusal.NOTIONAL_TOO_SMALL: "invalidSize",
    Refusal.NOTIONAL_TOO_LARGE: "invalidSize",
    Refusal.TOO_MANY_ORDERS: "tooManyOrders",
    Refusal.INSUFFICIENT_MARGIN: "insufficientAvailableFunds",
    Refusal.POSITION_LIMIT: "maxPositionViolation",
    Refusal.POST_ONLY: "postWouldExecute",
    Refusal.REDUCE_ONLY: "wouldNotReducePosition",
    Refusal.WOULD_TRIGGER: "invalidPrice",
    Refusal.AMEND_NOT_ALLOWED: "invalidOrderType",
}
"""Statuses inside of answers that call themselves a success."""


def text_of_field(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None or isinstance(value, dict | list) else str(value)


def required(fields: Mapping[str, Any], name: str) -> str:
    text = text_of_field(fields, name)
    if not text:
        raise KrakenRefusal(f"EGeneral:Invalid arguments:{name}")
    return text


def decimal_of(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) <= LARGEST_EXPONENT else None


def number_of(fields: Mapping[str, Any], name: str) -> Decimal:
    value = decimal_of(required(fields, name))
    if value is None:
        raise KrakenRefusal(f"EGeneral:Invalid arguments:{name}")
    return value


def side_of(text: str) -> Side:
    if text not in ("buy", "sell"):
        raise KrakenRefusal("EGeneral:Invalid arguments:type")
    return Side(text)


def client_id_of(fields: Mapping[str, Any]) -> str:
    text = text_of_field(fields, "cl_ord_id")
    if text and not (FREE_ID.fullmatch(text) or UUID_ID.fullmatch(text)):
        raise KrakenRefusal("EGeneral:Invalid arguments:cl_ord_id")
    return text


def userref_of(fields: Mapping[str, Any]) -> int | None:
    text = text_of_field(fields, "userref")
    if not text:
        return None
    if not text.removeprefix("-").isdigit() or abs(int(text)) >= LARGEST_USERREF:
        raise KrakenRefusal("EGeneral:Invalid arguments:userref")
    return int(text)


def spot_spec(fields: Mapping[str, Any], market: SimMarket) -> OrderSpec:
    """An order of AddOrder's fields: what its type needs must be there."""
    kind = required(fields, "ordertype")
    if kind not in SPOT_TYPES:
        raise KrakenRefusal("EGeneral:Invalid arguments:ordertype")
    if text_of_field(fields, "leverage") not in ("", "none"):
        raise KrakenRefusal("EOrder:Cannot open position")
    if text_of_field(fields, "reduce_only") == "true":
        raise KrakenRefusal("EOrder:Reduce only:No position exists")
    client_id = client_id_of(fields)
    if client_id and userref_of(fields) is not None:
        raise KrakenRefusal("EGeneral:Invalid arguments")
    flags = frozenset(filter(None, text_of_field(fields, "oflags").split(",")))
    waits, limited = kind.startswith(("stop", "take")), kind.endswith("limit")
    by_cost = "viqc" in flags
    if by_cost and kind != "market":
        raise KrakenRefusal("EGeneral:Invalid arguments:viqc")
    tif = text_of_field(fields, "timeinforce").upper() or "GTC"
    if tif not in TimeInForce.__members__ or (tif == "FOK" and kind != "limit"):
        raise KrakenRefusal("EGeneral:Invalid arguments:timeinforce")
    if "post" in flags and (kind != "limit" or tif != "GTC"):
        raise KrakenRefusal("EGeneral:Invalid arguments:oflags")
    amount = number_of(fields, "volume")
    return OrderSpec(
        key=market.listing.key,
        side=side_of(required(fields, "type")),
        quantity=Decimal(0) if by_cost else amount,
        cost=amount if by_cost else None,
        price=number_of(fields, "price2" if waits else "price") if limited else None,
        client_id=client_id,
        tif=TimeInForce[tif] if limited else TimeInForce.GTC,
        post_only="post" in flags,
        trigger_price=number_of(fields, "price") if waits else None,
        takes_profit=kind.startswith("take"),
    )

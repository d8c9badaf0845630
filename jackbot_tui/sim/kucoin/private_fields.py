"""Fields of KuCoin's private requests, and what it says to refusals of the back office. Pure.

Codes: ../shared/exchanges/kucoin.md §11; where a code has several meanings its words tell which.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from jackbot_tui.sim.kucoin.private_auth import BAD_PARAMETER, KucoinRefusal, Signed
from jackbot_tui.sim.requests import Refusal, Refused

CLIENT_ID = re.compile(r"[0-9A-Za-z_-]{1,40}")
LARGEST_EXPONENT = 20
Codes = Mapping[Refusal, tuple[str, str]]

SPOT_REFUSALS: Codes = {
    Refusal.UNKNOWN_ORDER: (BAD_PARAMETER, "order_not_exist_or_not_allow_to_cancel"),
    Refusal.DUPLICATE_CLIENT_ID: (BAD_PARAMETER, "validation.createOrder.clientOidDuplicated"),
    Refusal.BAD_TICK: (BAD_PARAMETER, "Price increment invalid."),
    Refusal.PRICE_TOO_LOW: (BAD_PARAMETER, "Price increment invalid."),
    Refusal.PRICE_TOO_HIGH: ("400370", "Max. price: {amount}"),
    Refusal.BAD_LOT: ("600100", "Order size increment invalid."),
    Refusal.QUANTITY_TOO_SMALL: ("600101", "Order size below the minimum requirement."),
    Refusal.QUANTITY_TOO_LARGE: ("600100", "Order size above the maximum."),
    Refusal.MARKET_QUANTITY_TOO_LARGE: ("600100", "Order size above the maximum."),
    Refusal.NOTIONAL_TOO_SMALL: ("600100", "Order funds should more then {amount}"),
    Refusal.NOTIONAL_TOO_LARGE: ("600100", "Order funds above the maximum."),
    Refusal.BAND_TOO_HIGH: ("400370", "Max. price: {amount}"),
    Refusal.BAND_TOO_LOW: ("400760", "order price should be more than {amount}"),
    Refusal.TOO_MANY_ORDERS: ("200001", "Order number exceeds the limit."),
    Refusal.INSUFFICIENT_FUNDS: ("200004", "Balance insufficient!"),
    Refusal.WOULD_TRIGGER: (BAD_PARAMETER, "The stop price would trigger at once."),
    Refusal.AMEND_NOT_ALLOWED: (BAD_PARAMETER, "order_not_exist_or_not_allow_to_cancel"),
}
FUTURES_REFUSALS: Codes = {
    Refusal.UNKNOWN_ORDER: ("100004", "Order is in not cancelable state"),
    Refusal.DUPLICATE_CLIENT_ID: ("300000", "clientOid duplicated"),
    Refusal.BAD_TICK: ("300012", "Price is not a multiple of the tick size."),
    Refusal.PRICE_TOO_LOW: ("300011", "Price is below the lowest allowed."),
    Refusal.PRICE_TOO_HIGH: ("300011", "Price is above the highest allowed."),
    Refusal.BAD_LOT: ("300012", "Quantity is not a multiple of the lot size."),
    Refusal.QUANTITY_TOO_SMALL: ("300012", "Quantity is below the lot size."),
    Refusal.QUANTITY_TOO_LARGE: ("300012", "Quantity is above the maximum."),
    Refusal.MARKET_QUANTITY_TOO_LARGE: ("300012", "Quantity is above the maximum of market orders."),
    Refusal.NOTIONAL_TOO_SMALL: ("300012", "Value is below the minimum."),
    Refusal.NOTIONAL_TOO_LARGE: ("300012", "Value is above the maximum."),
    Refusal.BAND_TOO_HIGH: ("300011", "Price is above the limit of {amount}."),
    Refusal.BAND_TOO_LOW: ("300011", "Price is below the limit of {amount}."),
    Refusal.TOO_MANY_ORDERS: ("300001", "Active order quantity limit exceeded."),
    Refusal.INSUFFICIENT_MARGIN: ("300003", "The available balance is insufficient."),
    Refusal.POSITION_LIMIT: ("330008", "Your current margin and leverage have reached the maximum open limit."),
    Refusal.REDUCE_ONLY: ("300009", "No open positions to close."),
    Refusal.WOULD_TRIGGER: ("300012", "The stop price would trigger at once."),
    Refusal.AMEND_NOT_ALLOWED: ("100004", "Order is in not cancelable state"),
    Refusal.BAD_LEVERAGE: ("300012", "Leverage parameter invalid."),
    Refusal.ISOLATED_LEVERAGE: ("300012", "Leverage parameter invalid."),
    Refusal.MODE_WITH_ORDERS: ("330002", "The margin mode cannot be changed with open orders or positions."),
    Refusal.MODE_WITH_POSITION: ("330002", "The margin mode cannot be changed with open orders or positions."),
}


def refusal(codes: Codes, refused: Refused) -> KucoinRefusal:
    code, words = codes[refused.refusal]
    return KucoinRefusal(code, words.replace("{amount}", format(refused.amount or Decimal(0), "f")))


def client_id_of(signed: Signed) -> str:
    text = signed.text("clientOid")
    if text and CLIENT_ID.fullmatch(text) is None:
        raise KucoinRefusal(BAD_PARAMETER, "clientOid is not valid")
    return text


def number_or_none(signed: Signed, name: str) -> Decimal | None:
    text = signed.text(name)
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise KucoinRefusal(BAD_PARAMETER, f"{name} is not valid") from None
    if not value.is_finite() or abs(value.adjusted()) > LARGEST_EXPONENT:
        raise KucoinRefusal(BAD_PARAMETER, f"{name} is not valid")
    return value


def number_of(signed: Signed, name: str) -> Decimal:
    value = number_or_none(signed, name)
    if value is None:
        raise KucoinRefusal(BAD_PARAMETER, f"{name} is required")
    return value

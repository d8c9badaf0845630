"""Signed requests as Bybit takes them: keys, time windows, signatures, fields, limits per account. No page of its own.

``private`` turns an HTTP call, or a message of the order-entry socket, into a ``Signed`` request or refuses it as the
venue does: HTTP 200 and a ``retCode``. Facts: ../shared/exchanges/bybit.md §8 to §11.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.model.numbers import text_of
from jackbot_tui.sim.budgets import Budget, Budgets
from jackbot_tui.sim.front import Call
from jackbot_tui.sim.keys import ApiKey, KeyRing, Permission, same_text, signature_hex
from jackbot_tui.sim.requests import Refusal, Refused
from jackbot_tui.sim.timeline import Timeline

DEFAULT_WINDOW_MS = 5_000
AHEAD_MS = 1_000
LARGEST_EXPONENT = 20
"""Figures beyond 1e20 or below 1e-20 are no figures of orders."""

LONGEST_NUMBER = 18
"""Digits."""

SECOND_MS = 1_000
PARAMETER_ERROR = 10001
_TOO_LARGE = "The number of contracts exceeds maximum limit allowed: too large"
_UNCHANGED = "The order remains unchanged as the parameters entered match the existing ones."

SPOT_REFUSALS: Mapping[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_ORDER: (170213, "Order does not exist."),
    Refusal.DUPLICATE_CLIENT_ID: (170141, "Duplicate clientOrderId"),
    Refusal.BAD_TICK: (170134, "Order price has too many decimals."),
    Refusal.PRICE_TOO_LOW: (170133, "Order price lower than the minimum."),
    Refusal.PRICE_TOO_HIGH: (170132, "Order price too high."),
    Refusal.BAD_LOT: (170137, "Order volume decimal too long."),
    Refusal.QUANTITY_TOO_SMALL: (170136, "Order quantity lower than the minimum."),
    Refusal.QUANTITY_TOO_LARGE: (170135, "Order quantity exceeded limit."),
    Refusal.MARKET_QUANTITY_TOO_LARGE: (170135, "Order quantity exceeded limit."),
    Refusal.NOTIONAL_TOO_SMALL: (170140, "Order value exceeded lower limit."),
    Refusal.NOTIONAL_TOO_LARGE: (170124, "Order amount too large."),
    Refusal.BAND_TOO_HIGH: (170193, "Buy order price cannot be higher than {amount}."),
    Refusal.BAND_TOO_LOW: (170194, "Sell order price cannot be lower than {amount}."),
    Refusal.TOO_MANY_ORDERS: (170810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders."),
    Refusal.INSUFFICIENT_FUNDS: (170131, "Insufficient balance."),
    Refusal.POST_ONLY: (170218, "The LIMIT-MAKER order is rejected due to invalid price."),
    Refusal.NOTHING_CHANGED: (PARAMETER_ERROR, _UNCHANGED),
}
LINEAR_REFUSALS: Mapping[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_ORDER: (110001, "order not exists or too late to cancel"),
    Refusal.DUPLICATE_CLIENT_ID: (110072, "OrderLinkedID is duplicate"),
    Refusal.BAD_TICK: (PARAMETER_ERROR, "params error: price invalid"),
    Refusal.PRICE_TOO_LOW: (110003, "Order price exceeds the allowable range."),
    Refusal.PRICE_TOO_HIGH: (110003, "Order price exceeds the allowable range."),
    Refusal.BAD_LOT: (PARAMETER_ERROR, "Qty invalid"),
    Refusal.QUANTITY_TOO_SMALL: (PARAMETER_ERROR, "The number of contracts exceeds minimum limit allowed"),
    Refusal.QUANTITY_TOO_LARGE: (PARAMETER_ERROR, _TOO_LARGE),
    Refusal.MARKET_QUANTITY_TOO_LARGE: (PARAMETER_ERROR, _TOO_LARGE),
    Refusal.NOTIONAL_TOO_SMALL: (110094, "Order does not meet minimum order value {amount}USDT"),
    Refusal.NOTIONAL_TOO_LARGE: (PARAMETER_ERROR, _TOO_LARGE),
    Refusal.BAND_TOO_HIGH: (110121, "Order price exceeds the upper limit {amount}."),
    Refusal.BAND_TOO_LOW: (110120, "Order price is below the lower limit {amount}."),
    Refusal.TOO_MANY_ORDERS: (110020, "You can't have more than 500 active orders."),
    Refusal.INSUFFICIENT_MARGIN: (110007, "ab not enough for new order"),
    Refusal.POSITION_LIMIT: (110016, "The quantity of contracts requested exceeds the risk limit."),
    Refusal.REDUCE_ONLY: (110017, "current position is zero, cannot fix reduce-only order qty"),
    Refusal.NOTHING_CHANGED: (PARAMETER_ERROR, _UNCHANGED),
    Refusal.BAD_LEVERAGE: (PARAMETER_ERROR, "buy leverage invalid"),
    Refusal.ISOLATED_LEVERAGE: (110011, "Position liquidation will be triggered immediately by this adjustment."),
    Refusal.MODE_WITH_ORDERS: (110073, "Set margin mode failed: open orders exist"),
    Refusal.MODE_WITH_POSITION: (110073, "Set margin mode failed: a position is open"),
}


class VenueError(JackbotError):
    """A request that Bybit answers with a ``retCode``."""

    def __init__(self, code: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.headers = headers or {}


def venue_error(kind: MarketKind, refused: Refused) -> VenueError:
    """What Bybit says to a refusal of the back office."""
    table = SPOT_REFUSALS if kind is MarketKind.SPOT else LINEAR_REFUSALS
    code, message = table.get(refused.refusal, (PARAMETER_ERROR, f"params error: {refused.refusal.value}"))
    return VenueError(code, message.replace("{amount}", text_of(refused.amount or Decimal(0))))


class Signed(Struct, frozen=True):
    """A request whose sender is known. ``fields`` as JSON or the query gave them."""

    key: ApiKey
    fields: Mapping[str, Any]

    @property
    def account(self) -> int:
        return self.key.account

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if value is None:
            return ""
        return ("true" if value else "false") if isinstance(value, bool) else str(value)

    def required(self, name: str) -> str:
        text = self.text(name)
        if not text:
            raise VenueError(PARAMETER_ERROR, f"params error: {name} is required")
        return text

    def number(self, name: str) -> Decimal | None:
        text = self.text(name)
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise VenueError(PARAMETER_ERROR, f"params error: {name} invalid") from None
        if not value.is_finite() or abs(value.adjusted()) > LARGEST_EXPONENT:
            raise VenueError(PARAMETER_ERROR, f"params error: {name} invalid")
        return value

    def whole(self, name: str, otherwise: int) -> int:
        text = self.text(name)
        if not text:
            return otherwise
        if not _is_number(text):
            raise VenueError(PARAMETER_ERROR, f"params error: {name} invalid")
        return int(text)

    def flag(self, name: str) -> bool:
        return self.text(name).lower() == "true"


class PrivatePage(Struct, frozen=True):
    """One signed path. ``budget`` names the limit it counts against, ``cost`` how much; ``trades``: it changes orders;
    ``permission`` is what its key must be allowed.
    """

    method: str
    path: str
    answer: Callable[[Signed], dict[str, Any]]
    budget: str
    permission: Permission | None = None
    trades: bool = False
    cost: Callable[[Signed], int] = lambda signed: 1


BUDGETS: Mapping[str, Mapping[str, int]] = {
    "create": {"linear": 10, "spot": 20},
    "amend": {"linear": 10, "spot": 10},
    "cancel": {"linear": 10, "spot": 20},
    "cancel-all": {"linear": 10, "spot": 20},
    "create-batch": {"linear": 10, "spot": 20},
    "amend-batch": {"linear": 10, "spot": 10},
    "cancel-batch": {"linear": 10, "spot": 20},
    "query": {"": 50},
    "setting": {"": 10},
}
"""Requests of an account in a rolling second, by kind of market where it matters; batches count their orders."""


class AccountLimits:
    """Counts what each account asks for, and writes the headers that tell what is left."""

    def __init__(self, timeline: Timeline, scale: int) -> None:
        self.budgets = Budgets(scale)
        self._timeline = timeline

    def count(self, account: int, name: str, category: str, requests: int) -> dict[str, str]:
        """VenueError 10006, with nothing counted, when the limit does not suffice."""
        limits = BUDGETS[name]
        kind = category if category in limits else next(iter(limits))
        now_ms = self._timeline.now_ms()
        budget = Budget(limits[kind], SECOND_MS)
        admitted = self.budgets.admit((account, name, kind), budget, now_ms, requests)
        headers = {
            "X-Bapi-Limit": str(budget.limit),
            "X-Bapi-Limit-Status": str(budget.limit - 1 if admitted else 0),
            "X-Bapi-Limit-Reset-Timestamp": str(now_ms + SECOND_MS),
        }
        if not admitted:
            raise VenueError(10006, "Too many visits. Exceeded the API Rate Limit.", headers)
        return headers


class Authority:
    """Who sent a request, by key, time and signature."""

    def __init__(self, keys: KeyRing, timeline: Timeline) -> None:
        self._keys = keys
        self._timeline = timeline

    def read(self, call: Call, permission: Permission | None) -> Signed:
        """VenueError where Bybit would not take the request. ccxt signs the query before it is escaped, others after:
        both are right.
        """
        headers = call.headers
        stamp, window = headers.get("X-BAPI-TIMESTAMP", ""), headers.get("X-BAPI-RECV-WINDOW", str(DEFAULT_WINDOW_MS))
        key = self.key(headers.get("X-BAPI-API-KEY", ""))
        self.check_time(stamp, window)
        begin = stamp + key.key + window
        body = call.body.decode("utf-8", "replace")
        payloads = [body] if call.method == "POST" else [call.raw_query, unquote(call.raw_query)]
        given = headers.get("X-BAPI-SIGN", "")
        if not any(same_text(signature_hex(key.secret, begin + payload), given) for payload in payloads):
            raise VenueError(10004, "error sign! origin_string[" + begin + "]")
        self.check_permission(key, permission)
        return Signed(key, self._fields(call, body))

    @staticmethod
    def _fields(call: Call, body: str) -> dict[str, Any]:
        if call.method != "POST":
            return dict(parse_qsl(call.raw_query, keep_blank_values=True))
        try:
            return msgspec.json.decode(body or "{}", type=dict[str, Any])
        except msgspec.MsgspecError:
            raise VenueError(PARAMETER_ERROR, "params error: the body is not a JSON object") from None

    def key(self, text: str) -> ApiKey:
        if not text:
            raise VenueError(PARAMETER_ERROR, "empty value: apiTimestamp[] apiKey[] apiSignature[]")
        key = self._keys.find(text)
        if key is None:
            raise VenueError(10003, "API key is invalid.")
        return key

    def check_time(self, stamp: str, window: str) -> None:
        """The request is no older than its window and no more than a second early."""
        now_ms = self._timeline.now_ms()
        if not (_is_number(stamp) and _is_number(window)):
            raise VenueError(PARAMETER_ERROR, "params error: timestamp or recv_window invalid")
        if not now_ms - int(window) <= int(stamp) < now_ms + AHEAD_MS:
            raise VenueError(
                10002,
                "invalid request, please check your server timestamp or recv_window param. "
                f"req_timestamp[{stamp}],server_timestamp[{now_ms}],recv_window[{window}]",
            )

    def login(self, arguments: list[Any]) -> ApiKey:
        """The key of an ``auth`` message: key, expiry, signature. VenueError where it opens nothing."""
        if len(arguments) != 3:
            raise VenueError(PARAMETER_ERROR, "Params Error")
        name, expires, given = (str(argument) for argument in arguments)
        key = self.key(name)
        if not _is_number(expires) or int(expires) <= self._timeline.now_ms():
            raise VenueError(10002, "Your request has expired.")
        if not same_text(signature_hex(key.secret, f"GET/realtime{expires}"), given):
            raise VenueError(10004, "Bad signature.")
        return key

    @staticmethod
    def check_permission(key: ApiKey, permission: Permission | None) -> None:
        if permission is not None and not key.may(permission):
            raise VenueError(10005, "Permission denied, please check your API key permissions.")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER

"""Signed requests as Gate takes them: keys, times, signatures, fields, limits, and its labels for every refusal.

The private pages of spot and perpetuals are methods that take a ``Signed`` request; ``Authority`` turns an HTTP call
into one or refuses it as Gate does. No page of its own. Facts: ../shared/exchanges/gateio.md §7 to §9 and §11, and the
list of labels in the venue's REST documents.
"""

import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.front import Call, Reply, json_reply
from jackbot_tui.sim.keys import ApiKey, KeyRing, Permission, same_text, signature_hex
from jackbot_tui.sim.limits import Verdict, WeightLimiter
from jackbot_tui.sim.requests import Refusal, Refused
from jackbot_tui.sim.timeline import Timeline

LARGEST_SKEW_S = 60
"""A request's time may be so far from the venue's."""

LARGEST_EXPONENT = 20
SECOND_MS = 1000

_SPOT_BAD = "INVALID_PARAM_VALUE"
SPOT_REFUSALS: Mapping[Refusal, tuple[str, str]] = {
    Refusal.UNKNOWN_ORDER: ("ORDER_NOT_FOUND", "Order not found"),
    Refusal.BAD_TICK: ("INVALID_PRECISION", "Price must be a multiple of {amount}"),
    Refusal.PRICE_TOO_LOW: (_SPOT_BAD, "Invalid price"),
    Refusal.PRICE_TOO_HIGH: (_SPOT_BAD, "Invalid price"),
    Refusal.BAD_LOT: ("INVALID_PRECISION", "Amount must be a multiple of {amount}"),
    Refusal.QUANTITY_TOO_SMALL: ("AMOUNT_TOO_LITTLE", "Your order size is too small. The minimum is {amount}"),
    Refusal.QUANTITY_TOO_LARGE: ("AMOUNT_TOO_MUCH", "Your order size is too large. The maximum is {amount}"),
    Refusal.MARKET_QUANTITY_TOO_LARGE: ("AMOUNT_TOO_MUCH", "Your order size is too large. The maximum is {amount}"),
    Refusal.NOTIONAL_TOO_SMALL: (_SPOT_BAD, "Your order size is too small. The minimum is {amount} USDT"),
    Refusal.NOTIONAL_TOO_LARGE: ("AMOUNT_TOO_MUCH", "Your order size is too large. The maximum is {amount} USDT"),
    Refusal.BAND_TOO_HIGH: ("PRICE_THRESHOLD_EXCEEDED", ": {amount}"),
    Refusal.BAND_TOO_LOW: ("PRICE_THRESHOLD_EXCEEDED", ": {amount}"),
    Refusal.TOO_MANY_ORDERS: ("TOO_MANY_ORDERS", "Too many open orders, at most {amount}"),
    Refusal.INSUFFICIENT_FUNDS: ("BALANCE_NOT_ENOUGH", "Not enough balance"),
    Refusal.POST_ONLY: ("POC_FILL_IMMEDIATELY", "Order would match and take immediately so its cancelled"),
    Refusal.FILL_OR_KILL: ("FOK_NOT_FILL", "FOK order cannot be filled completely"),
    Refusal.AMEND_NOT_ALLOWED: (_SPOT_BAD, "This order cannot be amended"),
    Refusal.NOTHING_CHANGED: ("NO_CHANGE", "No change is made"),
}
LINEAR_REFUSALS: Mapping[Refusal, tuple[str, str]] = {
    Refusal.UNKNOWN_ORDER: ("ORDER_NOT_FOUND", "order not found"),
    Refusal.BAD_TICK: (_SPOT_BAD, "invalid argument: price must be a multiple of {amount}"),
    Refusal.PRICE_TOO_LOW: (_SPOT_BAD, "invalid argument: price"),
    Refusal.PRICE_TOO_HIGH: (_SPOT_BAD, "invalid argument: price"),
    Refusal.BAD_LOT: (_SPOT_BAD, "invalid argument: size"),
    Refusal.QUANTITY_TOO_SMALL: ("SIZE_TOO_SMALL", "order size does not reach minimum"),
    Refusal.QUANTITY_TOO_LARGE: ("SIZE_TOO_LARGE", "order size exceeds maximum"),
    Refusal.MARKET_QUANTITY_TOO_LARGE: ("SIZE_TOO_LARGE", "order size exceeds maximum"),
    Refusal.NOTIONAL_TOO_SMALL: ("SIZE_TOO_SMALL", "order size does not reach minimum"),
    Refusal.NOTIONAL_TOO_LARGE: ("SIZE_TOO_LARGE", "order size exceeds maximum"),
    Refusal.BAND_TOO_HIGH: ("PRICE_TOO_DEVIATED", "order price deviates too much from mark price, limit {amount}"),
    Refusal.BAND_TOO_LOW: ("PRICE_TOO_DEVIATED", "order price deviates too much from mark price, limit {amount}"),
    Refusal.TOO_MANY_ORDERS: ("TOO_MANY_ORDERS", "too many open orders, at most {amount}"),
    Refusal.INSUFFICIENT_MARGIN: ("INSUFFICIENT_AVAILABLE", "margin is not enough, available {amount}"),
    Refusal.POSITION_LIMIT: ("RISK_LIMIT_EXCEEDED", "risk limit {amount}"),
    Refusal.POST_ONLY: ("ORDER_POC_IMMEDIATE", "order would be finished immediately"),
    Refusal.FILL_OR_KILL: ("ORDER_FOK", "killed for FOK"),
    Refusal.REDUCE_ONLY: ("INCREASE_POSITION", "reduce-only order would increase position"),
    Refusal.AMEND_NOT_ALLOWED: ("AMEND_WITH_STOP", "amend forbidden with stop order"),
    Refusal.NOTHING_CHANGED: ("NO_CHANGE", "no change is made"),
    Refusal.BAD_LEVERAGE: ("LEVERAGE_TOO_HIGH", "leverage limit {amount}"),
    Refusal.MODE_WITH_ORDERS: ("ORDER_PENDING", "operation forbidden with pending orders"),
    Refusal.MODE_WITH_POSITION: ("POSITION_HOLDING", "operation forbidden with holding position"),
    Refusal.ISOLATED_LEVERAGE: ("LIQUIDATE_IMMEDIATELY", "operation may cause liquidation"),
}


class LabelError(JackbotError):
    """A refusal as Gate tells it: a label, words, and an HTTP status."""

    def __init__(self, label: str, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.label = label
        self.words = words
        self.status = status

    def reply(self) -> Reply:
        return json_reply({"label": self.label, "message": self.words}, self.status)


def label_error(kind: MarketKind, refused: Refused) -> LabelError:
    """What Gate says to a refusal of the back office."""
    label, words = (SPOT_REFUSALS if kind is MarketKind.SPOT else LINEAR_REFUSALS)[refused.refusal]
    return LabelError(label, words.replace("{amount}", text_of(refused.amount or ZERO)))


def bad_value(name: str) -> LabelError:
    return LabelError("INVALID_PARAM_VALUE", f"Invalid request parameter `{name}` value")


class Signed(Struct, frozen=True):
    """A request whose sender is known. ``fields``: path, query and body, the body's winning; ``items``: a body that is
    a list.
    """

    key: ApiKey
    call: Call
    fields: Mapping[str, Any]
    items: tuple[Any, ...] = ()

    @property
    def account(self) -> int:
        return self.key.account

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        text = self.text(name)
        if not text:
            raise LabelError("MISSING_REQUIRED_PARAM", f"Missing required parameter: {name}")
        return text

    def number(self, name: str) -> Decimal | None:
        value = self.fields.get(name)
        if value is None or value == "":
            return None
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            raise bad_value(name) from None
        if isinstance(value, bool) or not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT:
            raise bad_value(name)
        return number

    def whole(self, name: str) -> int | None:
        number = self.number(name)
        if number is None:
            return None
        if number != number.to_integral_value():
            raise bad_value(name)
        return int(number)

    def flag(self, name: str) -> bool:
        return self.text(name).lower() == "true"

    def part(self, name: str) -> "Signed":
        """A nested object of the body, asked like the request itself."""
        value = self.fields.get(name)
        if not isinstance(value, dict):
            raise LabelError("MISSING_REQUIRED_PARAM", f"Missing required parameter: {name}")
        return Signed(self.key, self.call, value)


class PrivatePage(Struct, frozen=True):
    """One signed path. ``permission`` is what its key must be allowed. ``orders``: it places or amends orders, which
    count against limits of their own.
    """

    method: str
    path: str
    answer: Callable[[Signed], Any]
    permission: Permission | None = None
    orders: bool = False
    status: int = 200


class Authority:
    """Who sent a request, by key, time and signature."""

    def __init__(self, keys: KeyRing, timeline: Timeline) -> None:
        self._keys = keys
        self._timeline = timeline

    def read(self, call: Call, permission: Permission | None) -> Signed:
        """LabelError where Gate would not take the request."""
        headers = call.headers
        stamp, given = headers.get("Timestamp", ""), headers.get("SIGN", "")
        if not headers.get("KEY") or not stamp or not given:
            raise LabelError("MISSING_REQUIRED_HEADER", "Missing required header: KEY, Timestamp or SIGN", 400)
        key = self.key(headers["KEY"])
        self.check_time(stamp)
        hashed = hashlib.sha512(call.body).hexdigest()
        payload = "\n".join((call.method, call.path, unquote(call.raw_query), hashed, stamp))
        self.check_signature(key, payload, given)
        if permission is not None and not key.may(permission):
            raise LabelError("READ_ONLY", "API key is read-only", 403)
        self._check_expiry(headers.get("x-gate-exptime", ""))
        body = _body(call.body)
        fields = {**dict(parse_qsl(call.raw_query, keep_blank_values=True)), **call.match}
        if isinstance(body, list):
            return Signed(key, call, fields, tuple(body))
        return Signed(key, call, {**fields, **body})

    def key(self, text: str) -> ApiKey:
        key = self._keys.find(text)
        if key is None:
            raise LabelError("INVALID_KEY", "Invalid key provided", 401)
        return key

    def check_time(self, stamp: str) -> None:
        """``stamp`` in seconds."""
        if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
            raise LabelError("INVALID_PARAM_VALUE", "Invalid Timestamp", 400)
        now_ms = self._timeline.now_ms()
        if abs(now_ms - int(stamp) * SECOND_MS) > (LARGEST_SKEW_S + 1) * SECOND_MS:
            words = f"gap between request Timestamp and server time exceeds {LARGEST_SKEW_S}"
            raise LabelError("REQUEST_EXPIRED", words, 403)

    @staticmethod
    def check_signature(key: ApiKey, payload: str, given: str) -> None:
        if not same_text(signature_hex(key.secret, payload, "sha512"), given.lower()):
            raise LabelError("INVALID_SIGNATURE", "Signature mismatch", 401)

    def _check_expiry(self, text: str) -> None:
        """The client's own time, in milliseconds, after which the request is not to be taken any more."""
        if not text:
            return
        if not text.isascii() or not text.isdigit() or len(text) > 15:
            raise LabelError("INVALID_PARAM_VALUE", "Invalid x-gate-exptime")
        if self._timeline.now_ms() > int(text):
            raise LabelError("REQUEST_EXPIRED", "request arrived after x-gate-exptime", 403)


def _body(raw: bytes) -> Any:
    if not raw:
        return {}
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        raise LabelError("INVALID_REQUEST_BODY", "Invalid request body") from None
    if not isinstance(body, dict | list):
        raise LabelError("INVALID_REQUEST_BODY", "Invalid request body")
    return body


class UserLimits:
    """Requests of each account: 200 in 10 s per endpoint, and orders placed or amended in one second: 10 per market on
    spot, 100 on perpetuals.
    """

    ORDERS: Mapping[MarketKind, int] = {MarketKind.SPOT: 10, MarketKind.LINEAR: 100}

    def __init__(self, per_endpoint: int, window_ms: int, refusals_before_ban: int) -> None:
        self._per_endpoint = per_endpoint
        self._window_ms = window_ms
        self._refusals = refusals_before_ban
        self._limiters: dict[tuple[int, str], WeightLimiter] = {}

    def count(self, account: int, endpoint: str, now_ms: int) -> dict[str, str]:
        """One request; the headers that tell what is left. LabelError above the limit."""
        return self._count(account, endpoint, self._per_endpoint, self._window_ms, now_ms)

    def count_order(self, account: int, kind: MarketKind, native: str, now_ms: int) -> None:
        place = f"orders {kind.value} {native if kind is MarketKind.SPOT else ''}"
        self._count(account, place, min(self.ORDERS[kind], self._per_endpoint), SECOND_MS, now_ms)

    def _count(self, account: int, place: str, limit: int, window_ms: int, now_ms: int) -> dict[str, str]:
        limiter = self._limiters.get((account, place))
        if limiter is None:
            limiter = self._limiters[account, place] = WeightLimiter(limit, self._refusals, 0, window_ms)
        if limiter.admit(1, now_ms) is not Verdict.ALLOWED:
            raise LabelError("TOO_MANY_REQUESTS", "Request Rate limit Exceeded", 429)
        return {
            "X-Gate-RateLimit-Limit": str(limiter.limit),
            "X-Gate-RateLimit-Requests-Remain": str(max(0, limiter.limit - limiter.used)),
            "X-Gate-RateLimit-Reset-Timestamp": str((now_ms // window_ms + 1) * window_ms // SECOND_MS),
        }

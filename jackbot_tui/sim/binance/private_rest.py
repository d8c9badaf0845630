"""Signed requests as Binance takes them: keys, timestamps, signatures, parameters, order counts. No page of its own.

The private pages of spot and USD-M are methods that take a ``Signed`` request; ``PrivateDesk`` turns an HTTP call into
one or refuses it as Binance does. Facts: ../shared/exchanges/binance.md §8 (signing), §9 (order counts), §11 (codes).
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.binance.rest import PageError
from jackbot_tui.sim.front import Call
from jackbot_tui.sim.keys import ApiKey, KeyRing, Permission, same_text, signature_hex
from jackbot_tui.sim.requests import Refusal, Refused
from jackbot_tui.sim.timeline import Timeline

DEFAULT_WINDOW_MS = 5_000
LARGEST_WINDOW_MS = 60_000
AHEAD_MS = 1_000
LARGEST_EXPONENT = 20
"""Figures beyond 1e20 or below 1e-20 are no figures of orders."""

_BAD_SIGNATURE = "Signature for this request is not valid."
_NOT_ALLOWED = "Invalid API-key, IP, or permissions for action."
SPOT_FUNDS = "Account has insufficient balance for requested action."

SPOT_REFUSALS: Mapping[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Refusal.DUPLICATE_CLIENT_ID: (-2010, "Duplicate order sent."),
    Refusal.BAD_TICK: (-1013, "Filter failure: PRICE_FILTER"),
    Refusal.PRICE_TOO_LOW: (-1013, "Filter failure: PRICE_FILTER"),
    Refusal.PRICE_TOO_HIGH: (-1013, "Filter failure: PRICE_FILTER"),
    Refusal.BAD_LOT: (-1013, "Filter failure: LOT_SIZE"),
    Refusal.QUANTITY_TOO_SMALL: (-1013, "Filter failure: LOT_SIZE"),
    Refusal.QUANTITY_TOO_LARGE: (-1013, "Filter failure: LOT_SIZE"),
    Refusal.MARKET_QUANTITY_TOO_LARGE: (-1013, "Filter failure: MARKET_LOT_SIZE"),
    Refusal.NOTIONAL_TOO_SMALL: (-1013, "Filter failure: NOTIONAL"),
    Refusal.NOTIONAL_TOO_LARGE: (-1013, "Filter failure: NOTIONAL"),
    Refusal.BAND_TOO_HIGH: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Refusal.BAND_TOO_LOW: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Refusal.TOO_MANY_ORDERS: (-1013, "Filter failure: MAX_NUM_ORDERS"),
    Refusal.INSUFFICIENT_FUNDS: (-2010, SPOT_FUNDS),
    Refusal.POST_ONLY: (-2010, "Order would immediately match and take."),
    Refusal.WOULD_TRIGGER: (-2010, "Stop price would trigger immediately."),
    Refusal.AMEND_NOT_ALLOWED: (-2038, "Order amend is not supported for this order."),
    Refusal.NOTHING_CHANGED: (-2038, "The requested order amend does not change the order."),
}
LINEAR_REFUSALS: Mapping[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Refusal.DUPLICATE_CLIENT_ID: (-4116, "ClientOrderId is duplicated."),
    Refusal.BAD_TICK: (-4014, "Price not increased by tick size."),
    Refusal.PRICE_TOO_LOW: (-4013, "Price less than min price."),
    Refusal.PRICE_TOO_HIGH: (-4002, "Price greater than max price."),
    Refusal.BAD_LOT: (-4023, "Qty not increased by step size."),
    Refusal.QUANTITY_TOO_SMALL: (-4003, "Quantity less than or equal to zero."),
    Refusal.QUANTITY_TOO_LARGE: (-4005, "Quantity greater than max quantity."),
    Refusal.MARKET_QUANTITY_TOO_LARGE: (-4005, "Quantity greater than max quantity."),
    Refusal.NOTIONAL_TOO_SMALL: (
        -4164,
        "Order's notional must be no smaller than {amount} (unless you choose reduce only).",
    ),
    Refusal.NOTIONAL_TOO_LARGE: (-4005, "Quantity greater than max quantity."),
    Refusal.BAND_TOO_HIGH: (-4016, "Limit price can't be higher than {amount}."),
    Refusal.BAND_TOO_LOW: (-4024, "Limit price can't be lower than {amount}."),
    Refusal.TOO_MANY_ORDERS: (-2025, "Reach max open order limit."),
    Refusal.INSUFFICIENT_MARGIN: (-2019, "Margin is insufficient."),
    Refusal.POSITION_LIMIT: (-2027, "Exceeded the maximum allowable position at current leverage."),
    Refusal.POST_ONLY: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. "
        "The order will not be recorded in the order history",
    ),
    Refusal.REDUCE_ONLY: (-2022, "ReduceOnly Order is rejected."),
    Refusal.WOULD_TRIGGER: (-2021, "Order would immediately trigger."),
    Refusal.AMEND_NOT_ALLOWED: (-5026, "This type of order cannot be modified."),
    Refusal.NOTHING_CHANGED: (-5027, "No need to modify the order."),
    Refusal.BAD_LEVERAGE: (-4028, "Leverage {leverage} is not valid"),
    Refusal.MODE_UNCHANGED: (-4046, "No need to change margin type."),
    Refusal.MODE_WITH_ORDERS: (-4047, "Margin type cannot be changed if there exists open orders."),
    Refusal.MODE_WITH_POSITION: (-4048, "Margin type cannot be changed if there exists position."),
    Refusal.ISOLATED_LEVERAGE: (
        -4161,
        "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
    ),
}


def page_error(kind: MarketKind, refused: Refused) -> PageError:
    """What Binance says to a refusal of the back office."""
    table = SPOT_REFUSALS if kind is MarketKind.SPOT else LINEAR_REFUSALS
    code, message = table[refused.refusal]
    return PageError(code, message.replace("{amount}", format(refused.amount or Decimal(0), "f")))


class Signed(Struct, frozen=True):
    """A request whose sender is known."""

    key: ApiKey
    fields: Mapping[str, str]

    @property
    def account(self) -> int:
        return self.key.account

    def required(self, name: str) -> str:
        text = self.fields.get(name, "")
        if not text:
            raise PageError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        return text

    def number(self, name: str) -> Decimal | None:
        text = self.fields.get(name)
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise _illegal(name) from None
        if not value.is_finite() or abs(value.adjusted()) > LARGEST_EXPONENT:
            raise _illegal(name)
        return value

    def whole(self, name: str) -> int | None:
        text = self.fields.get(name)
        if not text:
            return None
        if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 20:
            raise _illegal(name)
        return int(text)

    def flag(self, name: str) -> bool:
        return self.fields.get(name, "").lower() == "true"


class PrivatePage(Struct, frozen=True):
    """One signed path. ``orders``: how many orders it places, counted against the account's limit; ``permission`` is
    what its key must be allowed; ``signed`` False asks for a key only.
    """

    method: str
    path: str
    weight: Callable[[Mapping[str, str]], int]
    answer: Callable[[Signed], Any]
    permission: Permission | None = None
    orders: Callable[[Mapping[str, str]], int] | None = None
    signed: bool = True


class Window(Struct, frozen=True):
    """An order count: at most ``limit`` in ``ms``; ``name`` is the header's."""

    name: str
    ms: int
    limit: int


ORDER_WINDOWS: Mapping[MarketKind, tuple[Window, ...]] = {
    MarketKind.SPOT: (Window("10S", 10_000, 100), Window("1D", 86_400_000, 200_000)),
    MarketKind.LINEAR: (Window("10S", 10_000, 300), Window("1M", 60_000, 1_200)),
}
"""The figures of our exchangeInfo replies."""


class OrderCounts:
    """Orders placed per account and window."""

    def __init__(self, kind: MarketKind) -> None:
        self._windows = ORDER_WINDOWS[kind]
        self._counts: dict[tuple[int, str], tuple[int, int]] = {}

    def count(self, account: int, orders: int, now_ms: int) -> None:
        """PageError, nothing counted, when the limit is reached."""
        for window in self._windows:
            if self._used(account, window, now_ms) + orders > window.limit:
                text = f"Too many new orders; current limit is {window.limit} orders per {window.ms // 1000} SECOND."
                raise PageError(-1015, text, 429)
        for window in self._windows:
            used = self._used(account, window, now_ms) + orders
            self._counts[account, window.name] = (now_ms // window.ms, used)

    def give_back(self, account: int, now_ms: int) -> None:
        """An order was filled: spot counts unfilled ones only."""
        for window in self._windows:
            used = self._used(account, window, now_ms)
            if used:
                self._counts[account, window.name] = (now_ms // window.ms, used - 1)

    def headers(self, account: int, now_ms: int) -> dict[str, str]:
        return {
            f"X-MBX-ORDER-COUNT-{window.name}": str(self._used(account, window, now_ms)) for window in self._windows
        }

    def _used(self, account: int, window: Window, now_ms: int) -> int:
        number, used = self._counts.get((account, window.name), (-1, 0))
        return used if number == now_ms // window.ms else 0


class Authority:
    """Who sent a request, by key, timestamp and signature."""

    def __init__(self, keys: KeyRing, timeline: Timeline) -> None:
        self._keys = keys
        self._timeline = timeline

    def read(self, call: Call, page: PrivatePage) -> Signed:
        """PageError where Binance would not take the request."""
        body = call.body.decode("utf-8", "replace")
        fields = dict(parse_qsl(body, keep_blank_values=True)) | dict(parse_qsl(call.raw_query, keep_blank_values=True))
        key = self.key(call.headers.get("X-MBX-APIKEY", ""))
        if page.signed:
            self._check_time(fields)
            payload = _unsigned(call.raw_query) + _unsigned(body)
            if not same_text(signature_hex(key.secret, payload), fields.get("signature", "")):
                raise PageError(-1022, _BAD_SIGNATURE)
        self._check_permission(key, page.permission)
        return Signed(key, fields)

    def read_message(self, params: Mapping[str, Any], permission: Permission | None) -> Signed:
        """The same for a request over the WebSocket API: all parameters by name, sorted, are signed."""
        fields = {name: _plain(value) for name, value in params.items()}
        key = self.key(fields.get("apiKey", ""))
        self._check_time(fields)
        payload = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "signature")
        if not same_text(signature_hex(key.secret, payload), fields.get("signature", "")):
            raise PageError(-1022, _BAD_SIGNATURE)
        self._check_permission(key, permission)
        return Signed(key, fields)

    def key(self, text: str) -> ApiKey:
        if not text.isascii() or not text.isalnum():
            raise PageError(-2014, "API-key format invalid.", 401)
        key = self._keys.find(text)
        if key is None:
            raise PageError(-2015, _NOT_ALLOWED, 401)
        return key

    def _check_time(self, fields: Mapping[str, str]) -> None:
        stamp = fields.get("timestamp", "")
        if not stamp.isascii() or not stamp.isdigit():
            raise PageError(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
        window = fields.get("recvWindow") or str(DEFAULT_WINDOW_MS)
        if not window.isascii() or not window.isdigit() or int(window) > LARGEST_WINDOW_MS:
            raise PageError(-1131, f"recvWindow must be less than {LARGEST_WINDOW_MS}")
        now_ms, sent_ms = self._timeline.now_ms(), int(stamp)
        if sent_ms >= now_ms + AHEAD_MS:
            raise PageError(-1021, f"Timestamp for this request was {AHEAD_MS}ms ahead of the server's time.")
        if now_ms - sent_ms > int(window):
            raise PageError(-1021, "Timestamp for this request is outside of the recvWindow.")

    @staticmethod
    def _check_permission(key: ApiKey, permission: Permission | None) -> None:
        if permission is not None and not key.may(permission):
            raise PageError(-2015, _NOT_ALLOWED, 401)


def _unsigned(text: str) -> str:
    """Query or body as it was signed: without its signature, which may stand in either."""
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))


def _illegal(name: str) -> PageError:
    return PageError(-1100, f"Illegal characters found in parameter '{name}'.")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

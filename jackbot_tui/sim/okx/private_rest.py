"""Signed requests as OKX takes them: keys, passphrases, timestamps, signatures, fields, refusals. No page of its own.

Pages are methods that take a ``Signed`` request and answer with rows; ``private`` mounts them. Facts:
../shared/exchanges/okx.md §7 (login), §8 (signing), §11 (codes) and OKX's own error tables of June 2026.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import Side
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.sim.budgets import Budget
from jackbot_tui.sim.front import Call, Reply, json_reply
from jackbot_tui.sim.keys import ApiKey, KeyRing, Permission, same_text, signature_base64
from jackbot_tui.sim.requests import Refusal, Refused
from jackbot_tui.sim.timeline import Timeline

WINDOW_MS = 30_000
"""How far a request's timestamp may be from the exchange's time."""

LARGEST_EXPONENT = 20
"""Figures beyond 1e20 or below 1e-20 are no figures of orders."""


class OkxError(JackbotError):
    """What OKX answers instead of doing something; ``code`` is its own."""

    def __init__(self, code: str, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    def reply(self) -> Reply:
        return json_reply({"code": self.code, "msg": str(self), "data": []}, self.status)


def bad_parameter(name: str) -> OkxError:
    return OkxError("51000", f"Parameter {name} error", 400)


NOT_EXISTING = OkxError("51603", "Order does not exist.")
NO_INSTRUMENT = OkxError("51001", "Instrument ID, Instrument ID code or Spread ID doesn't exist.")
TOO_FAST = OkxError("50011", "Too Many Requests", 429)
NOT_PERMITTED = OkxError("50120", "This API key doesn't have permission to use this function")

_REFUSALS: Mapping[Refusal, tuple[str, str]] = {
    Refusal.UNKNOWN_ORDER: (
        "51400", "Order cancellation failed as the order has been filled, canceled or does not exist."
    ),
    Refusal.DUPLICATE_CLIENT_ID: ("51016", "Client order ID already exists."),
    Refusal.BAD_TICK: ("51000", "Parameter px error"),
    Refusal.PRICE_TOO_LOW: ("51122", "Order price should higher than the min price {amount}"),
    Refusal.PRICE_TOO_HIGH: ("51006", "Order price is not within the price limit (max buy price: {amount} )"),
    Refusal.BAD_LOT: ("51121", "Order quantity must be a multiple of the lot size."),
    Refusal.QUANTITY_TOO_SMALL: ("51020", "Your order should meet or exceed the minimum order amount."),
    Refusal.QUANTITY_TOO_LARGE: ("51203", "Order amount exceeds the limit {amount}."),
    Refusal.MARKET_QUANTITY_TOO_LARGE: ("51202", "Market order amount exceeds the maximum amount."),
    Refusal.NOTIONAL_TOO_SMALL: ("51020", "Your order should meet or exceed the minimum order amount."),
    Refusal.NOTIONAL_TOO_LARGE: ("51185", "The maximum value allowed per order is {amount} USD"),
    Refusal.BAND_TOO_HIGH: ("51006", "Order price is not within the price limit (max buy price: {amount} )"),
    Refusal.BAND_TOO_LOW: ("51006", "Order price is not within the price limit (min sell price: {amount} )"),
    Refusal.TOO_MANY_ORDERS: ("51102", "Order failed, the number of pending orders for this instId can't be more than "
                                       "{amount} (orders)"),
    Refusal.INSUFFICIENT_FUNDS: ("51008", "Order failed. Insufficient {currency} balance in account"),
    Refusal.INSUFFICIENT_MARGIN: ("51008", "Order failed. Insufficient {currency} margin in account"),
    Refusal.POSITION_LIMIT: ("51004", "Order failed. Position and pending orders can't be more than {amount} under "
                                      "current leverage. Please lower the leverage."),
    Refusal.POST_ONLY: ("51511", "Modification failed as the order price did not meet the requirement for Post Only."),
    Refusal.AMEND_NOT_ALLOWED: ("51506", "Order modification unavailable for the order type."),
    Refusal.BAD_LEVERAGE: ("59102", "Leverage exceeds the maximum leverage. Please lower the leverage."),
    Refusal.ISOLATED_LEVERAGE: ("59103", "Leverage is too low and there isn't sufficient margin in your account."),
}  # fmt: skip
NO_POSITION = (
    "Order failed because you don't have any positions in this direction for this contract to reduce or close."
)


def error_of(refused: Refused, currency: str = "") -> OkxError:
    """What OKX says to a refusal of the back office; ``currency`` is what was lacking."""
    amount = refused.amount or Decimal(0)
    if refused.refusal is Refusal.REDUCE_ONLY:
        return OkxError("51169", NO_POSITION)
    if refused.refusal in (Refusal.MODE_WITH_ORDERS, Refusal.MODE_WITH_POSITION):
        return OkxError("59000", "Your settings failed as you have positions, bot or open orders.")
    code, message = _REFUSALS[refused.refusal]
    return OkxError(code, message.replace("{amount}", format(amount, "f")).replace("{currency}", currency))


class Fields(Struct, frozen=True):
    """What a request, or one order of a batch, says. ``sender`` is the key that signed it."""

    sender: ApiKey
    values: Mapping[str, Any]

    @property
    def account(self) -> int:
        return self.sender.account

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            return ""
        return ("true" if value else "false") if isinstance(value, bool) else str(value)

    def required(self, name: str) -> str:
        text = self.text(name)
        if not text:
            raise OkxError("50014", f"Parameter {name} can not be empty.", 400)
        return text

    def number(self, name: str) -> Decimal | None:
        text = self.text(name)
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise bad_parameter(name) from None
        if not value.is_finite() or abs(value.adjusted()) > LARGEST_EXPONENT:
            raise bad_parameter(name)
        return value

    def whole(self, name: str) -> int | None:
        text = self.text(name)
        if not text:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 20:
            raise bad_parameter(name)
        return int(text)

    def flag(self, name: str) -> bool:
        return self.text(name).lower() == "true"

    def side(self) -> Side:
        match self.required("side"):
            case "buy":
                return Side.BUY
            case "sell":
                return Side.SELL
        raise bad_parameter("side")


class Signed(Struct, frozen=True):
    """A request whose sender is known: ``items`` has one entry, or those of a batch."""

    sender: ApiKey
    items: Sequence[Fields]

    @property
    def fields(self) -> Fields:
        return self.items[0]

    @property
    def account(self) -> int:
        return self.sender.account


Rows = list[dict[str, Any]]


class PrivatePage(Struct, frozen=True):
    """One signed path. ``per_instrument``: its budget is one for each instrument; ``batch``: its body may be a list,
    and each entry counts; ``permission`` is what the key must be allowed. ``answer`` gives rows, or a code and rows.
    """

    method: str
    path: str
    budget: Budget
    answer: Callable[[Signed], Rows | tuple[str, Rows]]
    permission: Permission | None = None
    per_instrument: bool = False
    batch: bool = False


class Authority:
    """Who sent a request, by key, passphrase, timestamp and signature."""

    def __init__(self, keys: KeyRing, timeline: Timeline) -> None:
        self._keys = keys
        self._timeline = timeline

    def read(self, call: Call, page: PrivatePage) -> Signed:
        """OkxError where OKX would not take the request."""
        headers = {
            name: call.headers.get(f"OK-ACCESS-{name}", "") for name in ("KEY", "PASSPHRASE", "SIGN", "TIMESTAMP")
        }
        for code, name in (("50103", "KEY"), ("50104", "PASSPHRASE"), ("50106", "SIGN"), ("50107", "TIMESTAMP")):
            if not headers[name]:
                raise OkxError(code, f'Request header "OK-ACCESS-{name}" cannot be empty.', 401)
        key = self._keys.find(headers["KEY"])
        if key is None:
            raise OkxError("50111", "Invalid OK-ACCESS-KEY.", 401)
        self._check_time(headers["TIMESTAMP"])
        if not same_text(key.passphrase, headers["PASSPHRASE"]):
            raise OkxError("50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.', 401)
        query = f"?{call.raw_query}" if call.raw_query else ""
        payload = f"{headers['TIMESTAMP']}{call.method}{call.path}{query}".encode() + call.body
        if not same_text(signature_base64(key.secret, payload), headers["SIGN"]):
            raise OkxError("50113", "Invalid signature.", 401)
        if page.permission is not None and not key.may(page.permission):
            raise NOT_PERMITTED
        return Signed(key, [Fields(key, values) for values in _values(call, page)])

    def login(self, said: Mapping[str, Any]) -> ApiKey:
        """The key of a socket's login; OkxError with the WebSocket's own codes."""
        stamp, key = str(said.get("timestamp", "")), self._keys.find(str(said.get("apiKey", "")))
        if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
            raise OkxError("60004", "Invalid timestamp")
        if key is None:
            raise OkxError("60032", "API key doesn't exist.")
        if abs(self._timeline.now_ms() - int(stamp) * 1_000) > WINDOW_MS:
            raise OkxError("60006", "Timestamp request expired")
        if not same_text(key.passphrase, str(said.get("passphrase", ""))):
            raise OkxError("60024", "Wrong passphrase")
        if not same_text(signature_base64(key.secret, f"{stamp}GET/users/self/verify"), str(said.get("sign", ""))):
            raise OkxError("60007", "Invalid sign")
        return key

    def _check_time(self, text: str) -> None:
        try:
            sent_ms = round(datetime.fromisoformat(text).timestamp() * 1_000)
        except ValueError:
            raise OkxError("50112", "Invalid OK-ACCESS-TIMESTAMP.", 401) from None
        if abs(self._timeline.now_ms() - sent_ms) > WINDOW_MS:
            raise OkxError("50102", "Timestamp request expired.", 401)


def _values(call: Call, page: PrivatePage) -> list[Mapping[str, Any]]:
    if page.method == "GET":
        return [call.query]
    if not call.body:
        raise OkxError("50000", "Body for POST request cannot be empty.", 400)
    try:
        content = msgspec.json.decode(call.body)
    except msgspec.DecodeError:
        raise OkxError("50002", "JSON syntax error", 400) from None
    items = content if page.batch and isinstance(content, list) else [content]
    if not items or not all(isinstance(item, dict) for item in items):
        raise OkxError("50002", "JSON syntax error", 400)
    return items

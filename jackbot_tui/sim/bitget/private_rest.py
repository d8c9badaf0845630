"""Signed requests as Bitget takes them: keys, passphrases, times, signatures, fields, limits per account. No page here.

``private`` turns an HTTP call into a ``Signed`` request or refuses it as the venue does, with HTTP 400 and a code.
Facts: ../shared/exchanges/bitget.md §8, §9 and §11.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec import Struct

from jackbot_tui.model.errors import JackbotError
from jackbot_tui.model.numbers import text_of
from jackbot_tui.sim.budgets import Budget, Budgets
from jackbot_tui.sim.front import Call
from jackbot_tui.sim.keys import ApiKey, KeyRing, Permission, same_text, signature_base64
from jackbot_tui.sim.requests import Refusal, Refused
from jackbot_tui.sim.timeline import Timeline

WINDOW_MS = 30_000
"""How far from the exchange's clock a request's or a login's timestamp may be."""

LONGEST_NUMBER = 20
"""Digits."""

SECOND_MS = 1_000
LARGEST_EXPONENT = 20
"""Figures beyond 1e20 or below 1e-20 are no figures of orders."""

SECONDS_BELOW = 100_000_000_000
"""A login's timestamp below this is in seconds: documents say milliseconds, their example and clients send seconds."""

PARAMETER = "400172"
NO_ORDER = "25204"
REFUSALS: Mapping[Refusal, tuple[str, str]] = {
    Refusal.UNKNOWN_ORDER: (NO_ORDER, "Order does not exist"),
    Refusal.DUPLICATE_CLIENT_ID: ("25212", "clientOid duplicate"),
    Refusal.BAD_TICK: ("01002", "The price does not meet the precision of {amount}"),
    Refusal.PRICE_TOO_LOW: ("25206", "The price is below the lowest allowed"),
    Refusal.PRICE_TOO_HIGH: ("25205", "The price is above the highest allowed"),
    Refusal.BAD_LOT: ("25244", "The quantity is not a multiple of {amount}"),
    Refusal.QUANTITY_TOO_SMALL: ("25207", "The quantity is below the minimum {amount}"),
    Refusal.QUANTITY_TOO_LARGE: ("25208", "The quantity is above the maximum {amount}"),
    Refusal.MARKET_QUANTITY_TOO_LARGE: ("25208", "The quantity is above the maximum {amount}"),
    Refusal.NOTIONAL_TOO_SMALL: ("45110", "less than the minimum amount {amount} USDT"),
    Refusal.NOTIONAL_TOO_LARGE: ("25203", "The order is larger than the account may open"),
    Refusal.BAND_TOO_HIGH: ("25205", "The price is above the highest allowed {amount}"),
    Refusal.BAND_TOO_LOW: ("25206", "The price is below the lowest allowed {amount}"),
    Refusal.TOO_MANY_ORDERS: ("40017", "Too many open orders"),
    Refusal.INSUFFICIENT_FUNDS: ("25202", "Insufficient balance"),
    Refusal.INSUFFICIENT_MARGIN: ("25202", "Insufficient margin"),
    Refusal.POSITION_LIMIT: ("25203", "The order is larger than the account may open"),
    Refusal.REDUCE_ONLY: ("25227", "No position to close"),
    Refusal.BAD_LEVERAGE: ("40017", "Parameter verification failed: leverage"),
    Refusal.ISOLATED_LEVERAGE: ("40017", "Leverage cannot be reduced on an isolated position"),
    Refusal.MODE_WITH_ORDERS: ("45117", "Currently holding positions or orders, the margin mode cannot be adjusted"),
    Refusal.MODE_WITH_POSITION: ("45117", "Currently holding positions or orders, the margin mode cannot be adjusted"),
}


class VenueError(JackbotError):
    """A request that Bitget answers with an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class LoginError(JackbotError):
    """A login that a socket answers with an error and a close; ``code`` is the socket's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def wrong(words: str) -> VenueError:
    return VenueError(PARAMETER, f"Parameter verification failed: {words}")


def venue_error(refused: Refused) -> VenueError:
    """What Bitget says to a refusal of the back office."""
    code, message = REFUSALS.get(refused.refusal, (PARAMETER, f"Parameter verification failed: {refused.refusal}"))
    return VenueError(code, message.replace("{amount}", text_of(refused.amount or Decimal(0))))


class Signed(Struct, frozen=True):
    """A request whose sender is known; ``rows`` are the orders of a batch."""

    key: ApiKey
    fields: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...] = ()

    @property
    def account(self) -> int:
        return self.key.account

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        text = self.text(name)
        if not text:
            raise VenueError("40019", f"Parameter {name} cannot be empty")
        return text

    def number(self, name: str) -> Decimal | None:
        text = self.text(name)
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise wrong(name) from None
        if not value.is_finite() or abs(value.adjusted()) > LARGEST_EXPONENT:
            raise wrong(name)
        return value

    def whole(self, name: str, otherwise: int) -> int:
        text = self.text(name)
        if not text:
            return otherwise
        if not _is_number(text):
            raise wrong(name)
        return int(text)

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("yes", "true")


class PrivatePage(Struct, frozen=True):
    """One signed path. ``per_s``: requests of an account in a second; ``trades``: it changes orders; ``permission`` is
    what its key must be allowed.
    """

    method: str
    path: str
    answer: Callable[[Signed], Any]
    per_s: int = 20
    permission: Permission | None = None
    trades: bool = False


class AccountLimits:
    """Counts what each account asks of each page."""

    def __init__(self, timeline: Timeline, scale: int) -> None:
        self.budgets = Budgets(scale)
        self._timeline = timeline

    def count(self, account: int, page: PrivatePage) -> None:
        """VenueError 429 when the page's limit is used up."""
        budget = Budget(page.per_s, SECOND_MS)
        if not self.budgets.admit((account, page.method, page.path), budget, self._timeline.now_ms()):
            raise VenueError("429", "Too Many Requests", 429)


class Authority:
    """Who sent a request, by key, passphrase, time and signature."""

    def __init__(self, keys: KeyRing, timeline: Timeline) -> None:
        self._keys = keys
        self._timeline = timeline

    def read(self, call: Call, permission: Permission | None) -> Signed:
        """VenueError where Bitget would not take the request. The query is signed as it is sent, or before escaping."""
        headers = call.headers
        stamp, given = headers.get("ACCESS-TIMESTAMP", ""), headers.get("ACCESS-SIGN", "")
        for name, code in (("ACCESS-KEY", "40001"), ("ACCESS-SIGN", "40003"), ("ACCESS-PASSPHRASE", "40011")):
            if not headers.get(name):
                raise VenueError(code, f"{name} cannot be empty")
        if not _is_number(stamp):
            raise VenueError("40005", "Invalid ACCESS_TIMESTAMP")
        key = self._keys.find(headers["ACCESS-KEY"])
        if key is None:
            raise VenueError("40037", "Apikey does not exist")
        if not same_text(headers["ACCESS-PASSPHRASE"], key.passphrase):
            raise VenueError("40012", "apikey/password is incorrect")
        if abs(self._timeline.now_ms() - int(stamp)) > WINDOW_MS:
            raise VenueError("40008", "Request timestamp expired")
        body = call.body.decode("utf-8", "replace")
        query = f"?{call.raw_query}" if call.raw_query else ""
        payloads = {f"{stamp}{call.method}{call.path}{asked}{body}" for asked in (query, unquote(query))}
        if not any(same_text(signature_base64(key.secret, payload), given) for payload in payloads):
            raise VenueError("40009", "sign signature error")
        if permission is not None and not key.may(permission):
            raise VenueError("40014", "Incorrect permissions")
        return self._read_fields(key, call, body)

    @staticmethod
    def _read_fields(key: ApiKey, call: Call, body: str) -> Signed:
        if call.method != "POST":
            return Signed(key, dict(parse_qsl(call.raw_query, keep_blank_values=True)))
        try:
            content = msgspec.json.decode(body or "{}", type=dict[str, Any] | list[dict[str, Any]])
        except msgspec.MsgspecError:
            raise VenueError("40017", "Parameter verification failed: JSON expected") from None
        return Signed(key, content) if isinstance(content, dict) else Signed(key, {}, tuple(content))

    def login(self, fields: Mapping[str, Any]) -> ApiKey:
        """The key that a socket's login opens. LoginError where it opens nothing."""
        key = self._keys.find(str(fields.get("apiKey", "")))
        if key is None:
            raise LoginError(30011, "Invalid ACCESS_KEY")
        if not same_text(str(fields.get("passphrase", "")), key.passphrase):
            raise LoginError(30012, "Invalid ACCESS_PASSPHRASE")
        stamp = str(fields.get("timestamp", ""))
        if not _is_number(stamp):
            raise LoginError(30013, "Invalid ACCESS_TIMESTAMP")
        sent_ms = int(stamp) * (1000 if int(stamp) < SECONDS_BELOW else 1)
        if abs(self._timeline.now_ms() - sent_ms) > WINDOW_MS:
            raise LoginError(30014, "Request timestamp expired")
        wanted = signature_base64(key.secret, f"{stamp}GET/user/verify")
        if not same_text(wanted, str(fields.get("sign", ""))):
            raise LoginError(30015, "Invalid sign")
        return key


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER

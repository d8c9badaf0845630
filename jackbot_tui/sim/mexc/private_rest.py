"""Signed requests as MEXC takes them, spot and contracts: keys, times, signatures, fields, limits, codes of refusals.

Spot signs its query, contracts sign key, time and body. No page of its own. Facts: ../shared/exchanges/mexc.md §8, §9
and §11. Not documented, so ours: what is said to a client id that is taken (33333 on spot, 603 on contracts), to a
price above or below all limits, and to a post-only order (it is taken and canceled).
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from jackbot_tui.model.errors import JackbotError
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.front import Call, Reply, json_reply
from jackbot_tui.sim.keys import ApiKey, KeyRing, Permission, same_text, signature_hex
from jackbot_tui.sim.limits import Verdict, WeightLimiter
from jackbot_tui.sim.requests import Refusal, Refused
from jackbot_tui.sim.timeline import Timeline

DEFAULT_WINDOW_MS, LARGEST_WINDOW_MS, AHEAD_MS = 5_000, 60_000, 1_000
CONTRACT_WINDOW_MS = 10_000
LARGEST_EXPONENT = 20

SPOT_REFUSALS: Mapping[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Refusal.DUPLICATE_CLIENT_ID: (33333, "Duplicate client order id"),
    Refusal.BAD_TICK: (30010, "no valid trade price"),
    Refusal.PRICE_TOO_LOW: (30010, "no valid trade price"),
    Refusal.PRICE_TOO_HIGH: (30010, "no valid trade price"),
    Refusal.BAD_LOT: (10096, "amount decimal places is too long"),
    Refusal.QUANTITY_TOO_SMALL: (30002, "The minimum transaction volume cannot be less than:{amount}"),
    Refusal.QUANTITY_TOO_LARGE: (30003, "The maximum transaction volume cannot be greater than:{amount}"),
    Refusal.MARKET_QUANTITY_TOO_LARGE: (30003, "The maximum transaction volume cannot be greater than:{amount}"),
    Refusal.NOTIONAL_TOO_SMALL: (30002, "The minimum transaction volume cannot be less than:{amount}USDT"),
    Refusal.NOTIONAL_TOO_LARGE: (30003, "The maximum transaction volume cannot be greater than:{amount}USDT"),
    Refusal.BAND_TOO_HIGH: (30087, "Order price exceeds allowed range"),
    Refusal.BAND_TOO_LOW: (30087, "Order price exceeds allowed range"),
    Refusal.TOO_MANY_ORDERS: (30029, "Cannot exceed the maximum order limit"),
    Refusal.INSUFFICIENT_FUNDS: (30004, "Insufficient position"),
}
CONTRACT_REFUSALS: Mapping[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_ORDER: (2040, "order not exist"),
    Refusal.DUPLICATE_CLIENT_ID: (603, "Repeated request"),
    Refusal.BAD_TICK: (2015, "The price or quantity accuracy error"),
    Refusal.PRICE_TOO_LOW: (2007, "Order price error"),
    Refusal.PRICE_TOO_HIGH: (2007, "Order price error"),
    Refusal.BAD_LOT: (2015, "The price or quantity accuracy error"),
    Refusal.QUANTITY_TOO_SMALL: (2011, "Order quantity error, please try to modify."),
    Refusal.QUANTITY_TOO_LARGE: (2028, "Order quantity exceeds the maximum {amount}"),
    Refusal.MARKET_QUANTITY_TOO_LARGE: (2028, "Order quantity exceeds the maximum {amount}"),
    Refusal.NOTIONAL_TOO_SMALL: (2011, "Order quantity error, please try to modify."),
    Refusal.NOTIONAL_TOO_LARGE: (2028, "Order quantity exceeds the maximum {amount}"),
    Refusal.BAND_TOO_HIGH: (2003, "Bid price is great than max allow price"),
    Refusal.BAND_TOO_LOW: (2004, "Ask price is less than min allow price"),
    Refusal.TOO_MANY_ORDERS: (2036, "The number of orders has reached the limit {amount}"),
    Refusal.INSUFFICIENT_MARGIN: (2005, "Insufficient balance!"),
    Refusal.POSITION_LIMIT: (2018, "The position exceeds its risk limit {amount}"),
    Refusal.REDUCE_ONLY: (2009, "Position is not exists or closed."),
    Refusal.WOULD_TRIGGER: (5003, "The trigger price would be reached at once"),
    Refusal.BAD_LEVERAGE: (2006, "Leverage error"),
    Refusal.MODE_WITH_ORDERS: (2019, "Open orders exist: the margin mode cannot be changed"),
    Refusal.MODE_WITH_POSITION: (2027, "Cross and isolated positions of one side cannot be mixed"),
    Refusal.ISOLATED_LEVERAGE: (2018, "The leverage of an isolated position cannot be lowered"),
}


class CodeError(JackbotError):
    """A refusal as MEXC tells it. Contracts answer with status 200 and ``success`` false."""

    def __init__(self, code: int, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.status = status

    def reply(self, *, contract: bool) -> Reply:
        if contract:
            return json_reply({"success": False, "code": self.code, "message": self.words}, self.contract_status)
        return json_reply({"code": self.code, "msg": self.words}, self.status)

    @property
    def contract_status(self) -> int:
        return 200 if self.status == 400 else self.status


def code_error(table: Mapping[Refusal, tuple[int, str]], refused: Refused) -> CodeError:
    code, words = table[refused.refusal]
    return CodeError(code, words.replace("{amount}", text_of(refused.amount or ZERO)))


class Signed(Struct, frozen=True):
    """A request whose sender is known. ``items``: a body that is a list."""

    key: ApiKey
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
            raise CodeError(700004, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        return text

    def number(self, name: str) -> Decimal | None:
        value = self.fields.get(name)
        if value is None or value == "":
            return None
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            raise illegal(name) from None
        if isinstance(value, bool) or not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT:
            raise illegal(name)
        return number

    def whole(self, name: str) -> int | None:
        number = self.number(name)
        if number is None:
            return None
        if number != number.to_integral_value():
            raise illegal(name)
        return int(number)


def illegal(name: str) -> CodeError:
    return CodeError(700008, f"Illegal characters found in parameter '{name}'.")


class PrivatePage(Struct, frozen=True):
    """One signed path. ``permission`` is what its key must be allowed."""

    method: str
    path: str
    answer: Callable[[Signed], Any]
    permission: Permission | None = None
    weight: int = 1


class Authority:
    """Who sent a request. CodeError where MEXC would not take it."""

    def __init__(self, keys: KeyRing, timeline: Timeline) -> None:
        self._keys = keys
        self._timeline = timeline

    def spot(self, call: Call, permission: Permission | None) -> Signed:
        body = call.body.decode("utf-8", "replace")
        fields = dict(parse_qsl(body, keep_blank_values=True)) | dict(parse_qsl(call.raw_query, keep_blank_values=True))
        key = self._keys.find(call.headers.get("X-MEXC-APIKEY", ""))
        if key is None:
            raise CodeError(10072, "Api key info invalid")
        self._check_spot_time(fields)
        payload = "&".join(part for part in call.raw_query.split("&") if not part.startswith("signature=")) + body
        if not same_text(signature_hex(key.secret, payload), fields.get("signature", "")):
            raise CodeError(700002, "Signature for this request is not valid.")
        if permission is not None and not key.may(permission):
            raise CodeError(700007, "No permission to access the endpoint.", 403)
        return Signed(key, fields)

    def _check_spot_time(self, fields: Mapping[str, str]) -> None:
        stamp, window = fields.get("timestamp", ""), fields.get("recvWindow") or str(DEFAULT_WINDOW_MS)
        if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 15:
            raise CodeError(700004, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
        if not window.isascii() or not window.isdigit() or int(window) > LARGEST_WINDOW_MS:
            raise CodeError(700005, f"recvWindow must less than {LARGEST_WINDOW_MS}")
        now_ms, sent_ms = self._timeline.now_ms(), int(stamp)
        if sent_ms >= now_ms + AHEAD_MS or now_ms - sent_ms > int(window):
            raise CodeError(700003, "Timestamp for this request is outside of the recvWindow.")

    def contract(self, call: Call, permission: Permission | None) -> Signed:
        headers, body = call.headers, call.body.decode("utf-8", "replace")
        stamp = headers.get("Request-Time", "")
        key = self.contract_key(headers.get("ApiKey", ""))
        self.check_contract_time(stamp)
        payload = body if call.method == "POST" else call.raw_query
        self.check_signature(key, key.key + stamp + payload, headers.get("Signature", ""))
        if permission is not None and not key.may(permission):
            raise CodeError(704, "Please enable API Key trading information write access")
        fields: dict[str, Any] = {**dict(parse_qsl(call.raw_query, keep_blank_values=True)), **call.match}
        try:
            content = msgspec.json.decode(body) if body else {}
        except msgspec.DecodeError:
            raise CodeError(601, "Data parsing error") from None
        if isinstance(content, list):
            return Signed(key, fields, tuple(content))
        if not isinstance(content, dict):
            raise CodeError(600, "Param error!")
        return Signed(key, {**fields, **content})

    def contract_key(self, text: str) -> ApiKey:
        key = self._keys.find(text)
        if key is None:
            raise CodeError(402, "API Key expired, please apply again", 401)
        return key

    def check_contract_time(self, stamp: str) -> None:
        now_ms = self._timeline.now_ms()
        if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 15:
            raise CodeError(600, "Param error!")
        if abs(now_ms - int(stamp)) > CONTRACT_WINDOW_MS:
            raise CodeError(513, "Invalid request, please try again later")

    @staticmethod
    def check_signature(key: ApiKey, payload: str, given: str) -> None:
        if not same_text(signature_hex(key.secret, payload), given.lower()):
            raise CodeError(602, "Signature verification failed", 401)


class UserLimits:
    """Requests of each account, a budget for each page."""

    def __init__(self, limit: int, window_ms: int, refusals_before_ban: int, words: tuple[int, str, int]) -> None:
        self._limit = limit
        self._window_ms = window_ms
        self._refusals = refusals_before_ban
        self._words = words
        self._limiters: dict[tuple[int, str], WeightLimiter] = {}

    def count(self, account: int, page: str, weight: int, now_ms: int) -> None:
        """CodeError above the limit."""
        limiter = self._limiters.get((account, page))
        if limiter is None:
            limiter = self._limiters[account, page] = WeightLimiter(self._limit, self._refusals, 120, self._window_ms)
        if limiter.admit(weight, now_ms) is not Verdict.ALLOWED:
            raise CodeError(*self._words)

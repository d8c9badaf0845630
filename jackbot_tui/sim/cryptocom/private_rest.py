"""Signed requests as Crypto.com takes them: keys, nonces, signatures, parameters, refusals. No method of its own.

Methods take an ``Asked`` request and give a result; ``private`` mounts them on paths and on the user socket. Facts:
../shared/exchanges/cryptocom.md §8 (signing), §9 (limits), §11 (codes), and the venue's table of reason codes.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import Side
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.sim.budgets import Budget
from jackbot_tui.sim.front import Call
from jackbot_tui.sim.keys import ApiKey, KeyRing, Permission, same_text, signature_hex
from jackbot_tui.sim.requests import Refusal, Refused
from jackbot_tui.sim.timeline import Timeline

NONCE_WINDOW_MS = 60_000
DEEPEST = 3
"""Levels of nesting to which parameters are signed by the rule; what lies deeper is signed as one text."""

LARGEST_EXPONENT = 20
"""Figures beyond 1e20 or below 1e-20 are no figures of orders."""


class CryptocomError(JackbotError):
    """What the venue answers instead of doing something: its code, its words and the HTTP status they come with."""

    def __init__(self, code: int, words: str, status: int, result: Mapping[str, Any] | None = None) -> None:
        super().__init__(words)
        self.code = code
        self.status = status
        self.result = result


def bad_argument(name: str) -> CryptocomError:
    return CryptocomError(40004, f"MISSING_OR_INVALID_ARGUMENT: {name}", 400)


UNAUTHORIZED = CryptocomError(40101, "UNAUTHORIZED", 401)
NOT_FOUND = CryptocomError(40401, "NOT_FOUND", 200)
TOO_MANY = CryptocomError(42901, "TOO_MANY_REQUESTS", 429)
NO_METHOD = CryptocomError(40002, "METHOD_NOT_FOUND", 400)
INVALID_INSTRUMENT = CryptocomError(209, "INVALID_INSTRUMENT", 400)

REFUSALS: Mapping[Refusal, tuple[int, str, int]] = {
    Refusal.UNKNOWN_ORDER: (316, "NO_ACTIVE_ORDER", 500),
    Refusal.DUPLICATE_CLIENT_ID: (204, "DUPLICATE_CLORDID", 400),
    Refusal.BAD_TICK: (308, "INVALID_PRICE", 400),
    Refusal.PRICE_TOO_LOW: (308, "INVALID_PRICE", 400),
    Refusal.PRICE_TOO_HIGH: (308, "INVALID_PRICE", 400),
    Refusal.BAD_LOT: (213, "INVALID_ORDERQTY", 400),
    Refusal.QUANTITY_TOO_SMALL: (415, "BELOW_MIN_ORDER_SIZE", 500),
    Refusal.QUANTITY_TOO_LARGE: (314, "EXCEEDS_MAX_ORDER_SIZE", 400),
    Refusal.MARKET_QUANTITY_TOO_LARGE: (314, "EXCEEDS_MAX_ORDER_SIZE", 400),
    Refusal.NOTIONAL_TOO_SMALL: (415, "BELOW_MIN_ORDER_SIZE", 500),
    Refusal.NOTIONAL_TOO_LARGE: (314, "EXCEEDS_MAX_ORDER_SIZE", 400),
    Refusal.BAND_TOO_HIGH: (315, "FAR_AWAY_LIMIT_PRICE", 400),
    Refusal.BAND_TOO_LOW: (315, "FAR_AWAY_LIMIT_PRICE", 400),
    Refusal.TOO_MANY_ORDERS: (318, "EXCEEDS_MAX_ALLOWED_ORDERS", 400),
    Refusal.INSUFFICIENT_FUNDS: (306, "INSUFFICIENT_AVAILABLE_BALANCE", 500),
    Refusal.INSUFFICIENT_MARGIN: (306, "INSUFFICIENT_AVAILABLE_BALANCE", 500),
    Refusal.POSITION_LIMIT: (319, "EXCEEDS_MAX_POSITION_SIZE", 400),
    Refusal.POST_ONLY: (43005, "POST_ONLY_REJ", 500),
    Refusal.REDUCE_ONLY: (1110, "REDUCE_ONLY_REJECTED", 400),
    Refusal.WOULD_TRIGGER: (229, "INVALID_REF_PRICE", 400),
    Refusal.AMEND_NOT_ALLOWED: (307, "INVALID_ORDSTATUS", 500),
    Refusal.BAD_LEVERAGE: (226, "INVALID_LEVERAGE", 400),
    Refusal.ISOLATED_LEVERAGE: (619, "UNSUPPORTED_OPERATION_ON_ISOLATED_POSITION", 500),
}


def error_of(refused: Refused, result: Mapping[str, Any] | None = None) -> CryptocomError:
    """What the venue says to a refusal of the back office."""
    code, words, status = REFUSALS.get(refused.refusal, (120009, "REJECTED", 500))
    return CryptocomError(code, words, status, result)


class Asked(Struct, frozen=True):
    """A request, or one order of a list, whose sender is known. ``nonce`` names orders that their sender did not."""

    sender: ApiKey
    params: Mapping[str, Any]
    nonce: str = ""

    @property
    def account(self) -> int:
        return self.sender.account

    def text(self, name: str) -> str:
        value = self.params.get(name)
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        text = self.text(name)
        if not text:
            raise bad_argument(name)
        return text

    def number(self, name: str) -> Decimal | None:
        text = self.text(name)
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise bad_argument(name) from None
        if not value.is_finite() or abs(value.adjusted()) > LARGEST_EXPONENT:
            raise bad_argument(name)
        return value

    def whole(self, name: str) -> int | None:
        text = self.text(name)
        if not text:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 20:
            raise bad_argument(name)
        return int(text)

    def side(self) -> Side:
        match self.required("side"):
            case "BUY":
                return Side.BUY
            case "SELL":
                return Side.SELL
        raise CryptocomError(220, "INVALID_SIDE", 400)

    def listed(self, name: str) -> Sequence[Any]:
        value = self.params.get(name) or []
        if not isinstance(value, list):
            raise bad_argument(name)
        return value


class Method(Struct, frozen=True):
    """One private method. ``permission`` is what its key must be allowed."""

    name: str
    answer: Callable[[Asked], Any]
    permission: Permission | None = None
    budget: Budget = Budget(3, 100)

    @property
    def path(self) -> str:
        return f"/exchange/v1/{self.name}"


class Authority:
    """Who sent a request, by key, nonce and signature."""

    def __init__(self, keys: KeyRing, timeline: Timeline) -> None:
        self._keys = keys
        self._timeline = timeline

    def read(self, call: Call, method: Method) -> Asked:
        """CryptocomError where the venue would not take the request."""
        try:
            request = msgspec.json.decode(call.body, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise CryptocomError(40001, "BAD_REQUEST", 400) from None
        if request.get("method") != method.name:
            raise CryptocomError(40003, "INVALID_REQUEST", 400)
        return self.asked(self.sender(request), request, method)

    def asked(self, sender: ApiKey, request: Mapping[str, Any], method: Method) -> Asked:
        """``request`` of a known sender, if its key may ask so."""
        params = request.get("params") or {}
        if not isinstance(params, dict):
            raise CryptocomError(40003, "INVALID_REQUEST", 400)
        if method.permission is not None and not sender.may(method.permission):
            raise UNAUTHORIZED
        return Asked(sender, params, str(request.get("nonce", "")))

    def sender(self, request: Mapping[str, Any]) -> ApiKey:
        """Whose signature a request carries."""
        key, nonce = self._keys.find(str(request.get("api_key", ""))), str(request.get("nonce", ""))
        if key is None:
            raise UNAUTHORIZED
        if not nonce.isascii() or not nonce.isdigit() or abs(self._timeline.now_ms() - int(nonce)) > NONCE_WINDOW_MS:
            raise CryptocomError(40102, "INVALID_NONCE", 400)
        sign = str(request.get("sig", ""))
        head, params = f"{request.get('method')}{request.get('id', '')}{key.key}", request.get("params") or {}
        for as_java in (False, True):
            if same_text(signature_hex(key.secret, f"{head}{signed_text(params, as_java=as_java)}{nonce}"), sign):
                return key
        raise UNAUTHORIZED


def signed_text(params: Any, level: int = 0, *, as_java: bool = False) -> str:
    """Parameters as they are signed: names in order, each before its value, lists one element after another.

    ``as_java``: a list at the deepest level as the documented Java sample writes it (``[POST_ONLY]``); which of the two
    the venue computes is not known, so both are accepted.
    """
    if isinstance(params, dict):
        parts = []
        for name in sorted(params):
            value = params[name]
            if as_java and isinstance(value, list) and level + 1 >= DEEPEST - 1:
                parts.append(f"{name}[{', '.join(map(str, value))}]")
            else:
                parts.append(name + signed_text(value, level + 1, as_java=as_java))
        return "".join(parts)
    if isinstance(params, list):
        return "".join(signed_text(each, level, as_java=as_java) for each in params)
    if params is None:
        return "null"
    return ("true" if params else "false") if isinstance(params, bool) else str(params)

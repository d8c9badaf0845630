"""Who sent a request to KuCoin, and its names for orders. No page of its own.

Facts: ../shared/exchanges/kucoin.md §8 and §11.

Raises KucoinRefusal with the venue's code and words. The paths that are signed are those behind the prefix that stands
in place of a host.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from jackbot_tui.model.errors import JackbotError
from jackbot_tui.sim.front import Call
from jackbot_tui.sim.keys import ApiKey, KeyRing, Permission, same_text
from jackbot_tui.sim.timeline import Timeline

WINDOW_MS = 5_000
BAD_PARAMETER = "400100"
_SPOT_BITS = 96
_MIX = 0x9E3779B97F4A7C15F39CC0605
"""Odd: multiplying with it can be undone."""

_UNDO = pow(_MIX, -1, 1 << _SPOT_BITS)
_FUTURES_FIRST = 300_000_000_000_000_000


class KucoinRefusal(JackbotError):
    """``code`` and text are the venue's; business errors come with HTTP 200."""

    def __init__(self, code: str, words: str, status: int = 200) -> None:
        super().__init__(words)
        self.code = code
        self.status = status


class Signed(Struct, frozen=True):
    """A request whose sender is known; ``match`` are the named parts of its path."""

    key: ApiKey
    fields: Mapping[str, Any]
    match: Mapping[str, str] = {}

    @property
    def account(self) -> int:
        return self.key.account

    def text(self, name: str) -> str:
        value = self.match.get(name) or self.fields.get(name)
        if isinstance(value, bool):
            return "true" if value else "false"
        return "" if value is None or isinstance(value, dict | list) else str(value)

    def required(self, name: str) -> str:
        text = self.text(name)
        if not text:
            raise KucoinRefusal(BAD_PARAMETER, f"{name} is required")
        return text


def signature(secret: str, message: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), message.encode(), "sha256").digest()).decode()


class Authority:
    def __init__(self, keys: KeyRing, timeline: Timeline) -> None:
        self._keys = keys
        self._timeline = timeline

    def read(self, call: Call, prefix: str, permission: Permission | None) -> Signed:
        names = ("KC-API-KEY", "KC-API-SIGN", "KC-API-TIMESTAMP", "KC-API-PASSPHRASE")
        given = [call.headers.get(name, "") for name in names]
        if not all(given):
            raise KucoinRefusal("400001", f"Please check the header of your request for {', '.join(names)}", 401)
        text, sign, stamp, passphrase = given
        key = self._keys.find(text)
        if key is None:
            raise KucoinRefusal("400003", "KC-API-KEY not exists", 401)
        if not stamp.isascii() or not stamp.isdigit() or abs(self._timeline.now_ms() - int(stamp)) > WINDOW_MS:
            raise KucoinRefusal("400002", "KC-API-TIMESTAMP Invalid", 401)
        shown = signature(key.secret, key.passphrase) if call.headers.get("KC-API-KEY-VERSION", "1") != "1" else None
        if not same_text(shown or key.passphrase, passphrase):
            raise KucoinRefusal("400004", "KC-API-PASSPHRASE error", 401)
        path = call.path.removeprefix(prefix) + (f"?{call.raw_query}" if call.raw_query else "")
        body = call.body.decode("utf-8", "replace")
        if not same_text(signature(key.secret, stamp + call.method + path + body), sign):
            raise KucoinRefusal("400005", "Invalid KC-API-SIGN", 401)
        if permission is not None and not key.may(permission):
            raise KucoinRefusal("400007", "Access denied, require more permission", 403)
        return Signed(key, _fields(call, body), call.match)


def _fields(call: Call, body: str) -> Mapping[str, Any]:
    if not body:
        return dict(parse_qsl(call.raw_query, keep_blank_values=True))
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise KucoinRefusal(BAD_PARAMETER, "request body is not a JSON object") from None


class Names:
    """Order ids from the exchange's own numbers, and back. ``keys`` are all instruments, always in the same order."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        self._places = {key: place for place, key in enumerate(self._keys)}

    def spot(self, key: str, order_id: int) -> str:
        """24 hexadecimal digits."""
        return f"{self._number(key, order_id) * _MIX % (1 << _SPOT_BITS):024x}"

    def futures(self, key: str, order_id: int) -> str:
        """18 digits."""
        return str(_FUTURES_FIRST + self._number(key, order_id))

    def find_spot(self, text: str) -> tuple[str, int] | None:
        try:
            number = int(text, 16) * _UNDO % (1 << _SPOT_BITS) if len(text) == 24 else -1
        except ValueError:
            return None
        return self._found(number)

    def find_futures(self, text: str) -> tuple[str, int] | None:
        return self._found(int(text) - _FUTURES_FIRST if text.isascii() and text.isdigit() else -1)

    def _number(self, key: str, order_id: int) -> int:
        return order_id * len(self._keys) + self._places[key]

    def _found(self, number: int) -> tuple[str, int] | None:
        order_id, place = divmod(number, len(self._keys))
        return (self._keys[place], order_id) if 0 <= order_id < 1 << 62 else None

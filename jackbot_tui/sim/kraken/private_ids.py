"""Kraken's names for orders and fills, made from the exchange's own numbers and read back: nothing is stored.

Spot names look like ``OQCLML-BW3P3-BUCMWZ`` (orders) and ``TQCLML-BW3P3-BUCMWZ`` (fills), those of derivatives are
UUIDs.
"""

from base64 import b32decode, b32encode
from collections.abc import Sequence
from uuid import UUID

_SPOT_BITS, _FUTURES_BITS = 80, 128
_MIX = 0x9E3779B97F4A7C15F39CC0605CEDC835
"""An odd number: multiplying with it can be undone, and neighbours get names that look nothing alike."""

_UNDO = {bits: pow(_MIX, -1, 1 << bits) for bits in (_SPOT_BITS, _FUTURES_BITS)}
_LENGTHS = (5, 5, 6)


class Names:
    """``keys`` are all instruments, in an order that does not change while the exchange runs."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        self._places = {key: place for place, key in enumerate(self._keys)}

    def order(self, key: str, order_id: int) -> str:
        return "O" + self._spot(2 * self._number(key, order_id))

    def fill(self, key: str, trade_id: int) -> str:
        return "T" + self._spot(2 * self._number(key, trade_id) + 1)

    def uuid(self, key: str, order_id: int) -> str:
        return str(UUID(int=_mixed(2 * self._number(key, order_id), _FUTURES_BITS)))

    def fill_uuid(self, key: str, trade_id: int) -> str:
        return str(UUID(int=_mixed(2 * self._number(key, trade_id) + 1, _FUTURES_BITS)))

    def find(self, text: str) -> tuple[str, int] | None:
        """The instrument and the number behind a name of either kind; None for what was never named here."""
        plain = text[1:].replace("-", "") if len(text) == len("OXXXXX-XXXXX-XXXXXX") else ""
        try:
            if len(plain) == sum(_LENGTHS):
                mixed, bits = int.from_bytes(b32decode(plain)), _SPOT_BITS
            else:
                mixed, bits = UUID(text).int, _FUTURES_BITS
        except ValueError:
            return None
        number = (mixed * _UNDO[bits]) % (1 << bits) >> 1
        order_id, place = divmod(number, len(self._keys))
        return (self._keys[place], order_id) if order_id < 1 << 62 else None

    def _number(self, key: str, count: int) -> int:
        return count * len(self._keys) + self._places[key]

    def _spot(self, number: int) -> str:
        letters = b32encode(_mixed(number, _SPOT_BITS).to_bytes(_SPOT_BITS // 8)).decode()
        return f"{letters[:5]}-{letters[5:10]}-{letters[10:]}"


def _mixed(number: int, bits: int) -> int:
    return (number * _MIX) % (1 << bits)

"""Unified symbols as people write them: checked at the door, with the nearest proper spelling when they are not.

Pure text; whether a venue lists the instrument is known only to the venue.
"""

import re

from jackbot_tui.model.errors import InputError

_UNIFIED = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,10}(?::[A-Z0-9]{1,10})?")
_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD", "EUR", "TRY", "BTC", "ETH", "BNB")
_LONGEST = 60


def unified_symbol(text: str) -> str:
    """``text`` when it is ``BASE/QUOTE`` or ``BASE/QUOTE:SETTLE`` (ccxt's unified form), else InputError.

    The error offers the proper spelling and is never applied silently: ``BTCUSDT`` may mean spot or perpetual.
    """
    if _UNIFIED.fullmatch(text) and len(set(text.split(":")[0].split("/"))) == 2:
        return text
    near = _near(text)
    hint = f"did you mean {' or '.join(near)}?" if near else "write BASE/QUOTE (spot) or BASE/QUOTE:SETTLE (perpetual)"
    shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    raise InputError(f"{shown!r} is not a unified symbol: {hint}")


def _near(text: str) -> list[str]:
    word = text.strip().upper()
    if _UNIFIED.fullmatch(word):
        return [word] if len(set(word.split(":")[0].split("/"))) == 2 else []
    perpetual = word.endswith(("-PERP", "_PERP", ".P", "-SWAP"))
    letters = re.sub(r"(-PERP|_PERP|\.P|-SWAP)$", "", word)
    parts = [part for part in re.split(r"[-_/:. ]+", letters) if part]
    if len(parts) == 1:
        quote = next((q for q in _QUOTES if parts[0].endswith(q) and len(parts[0]) > len(q)), None)
        parts = [parts[0].removesuffix(quote), quote] if quote else [parts[0], "USDT"]
    if len(parts) not in (2, 3) or not all(re.fullmatch(r"[A-Z0-9]{1,10}", part) for part in parts):
        return []
    base, quote = parts[0], parts[1]
    if base == quote:
        return []
    spot, linear = f"{base}/{quote}", f"{base}/{quote}:{quote}"
    return [linear] if perpetual or len(parts) == 3 else [spot, linear]

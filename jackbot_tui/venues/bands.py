"""Which refusals mean "the price is outside what the venue takes": each venue's own codes and words, as data.

Prophetic orders learn from such a refusal and wait; the range probe looks for them. Pure. Sources: the venues' pages on
price limits and error codes, read 2026-07.
"""

import re

from jackbot_tui.model.enums import MarketKind

CODES: dict[str, tuple[str, ...]] = {
    "binance": ("-4016", "-4024"),  # spot has -1013 for all filters: told apart by its words
    "bitget": ("43008", "43009", "41117", "40815", "40748", "22006", "22007", "22008", "22009", "25205", "25206"),
    "bybit": ("110120", "110121", "170193", "170194"),
    "coinbase": (
        "PREVIEW_INVALID_LIMIT_PRICE", "PREVIEW_INVALID_PRICE_TOO_LARGE", "PREVIEW_BREACHED_PRICE_LIMIT",
        "INVALID_LIMIT_PRICE", "BREACHED_PRICE_LIMIT",
    ),
    "cryptocom": ("312", "313", "315"),
    "gateio": ("PRICE_TOO_DEVIATED", "PRICE_THRESHOLD_EXCEEDED"),
    "hyperliquid": ("oracleRejected",),
    "kraken": ("outsidePriceCollar", "EOrder:Invalid price"),
    "kucoin": ("300011", "400370", "400760"),
    "mexc": ("2003", "2004"),
    "okx": ("51006", "51116", "51137", "51138"),
}  # fmt: skip
MOVES_PRICES = frozenset({("bybit", MarketKind.LINEAR)})
"""Markets that move a price beyond the band to its edge instead of refusing it."""

_CODE = re.compile(r"\[([^\[\]]{1,60})\]\s*$")
_WORDS = (
    "percent_price", "price band", "'s band", "price limit", "limit price can't be", "price can't be", "far_away",
    "far away", "too far", "away from the reference", "deviat", "price_threshold", "outsidepricecollar", "price collar",
    "max. price", "price should be", "risk price", "highest bid allowed", "eorder:invalid price", "limit_price",
    "price limits",
)  # fmt: skip
_OTHERS = ("post_only", "post-only", "post only")


def is_band_refusal(venue: str, said: str, code: str = "") -> bool:
    """Whether ``said`` (words, the code in brackets at their end, or ``code``) speaks of the price being out of range.

    A refusal of a post-only order that would take never does, whatever words it has in common.
    """
    found = _CODE.search(said)
    names = {code, found.group(1) if found else ""} - {""}
    if names & set(CODES.get(venue, ())):
        return True
    low = said.lower()
    return not any(word in low for word in _OTHERS) and any(word in low for word in _WORDS)

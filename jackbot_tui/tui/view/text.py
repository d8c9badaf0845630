"""Numbers and times as short text of known width. All pure; nothing here rounds money that is going to be sent."""

from decimal import Decimal
from functools import lru_cache
from textwrap import wrap

from jackbot_tui.model.numbers import places_of, text_of

NO_VALUE = "-"
_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def size_text(size: float, places: int, width: int) -> str:
    """A size in base units in at most ``width`` columns: up to 3 decimals (5 for dust), then ``k``, ``M``… ."""
    if size == 0.0:
        return ""
    decimals = min(places, 3)
    magnitude = abs(size)
    if magnitude < 0.001 and places > 3:
        decimals = min(places, 5)
    text = f"{size:.{decimals}f}"
    while len(text) > width and decimals > 0:
        decimals -= 1
        text = f"{size:.{decimals}f}"
    return text if len(text) <= width else short_text(size, width)


def short_text(value: float, width: int) -> str:
    """``value`` in at most ``width`` columns (>= 3), with a letter for thousands and more."""
    for step, letter in _STEPS:
        if abs(value) >= step:
            for decimals in (2, 1, 0):
                text = f"{value / step:.{decimals}f}{letter}"
                if len(text) <= width:
                    return text
    for decimals in (2, 1, 0):
        text = f"{value:.{decimals}f}"
        if len(text) <= width:
            return text
    return "#" * width


def queue_text(ahead: float) -> str:
    """An estimated queue in few columns, ``?`` when unknown."""
    if ahead < 0:
        return "?"
    if ahead >= 1000:
        return short_text(ahead, 5)
    return f"{ahead:.1f}".rstrip("0").rstrip(".") if ahead < 10 else f"{ahead:.0f}"


def signed(value: float, decimals: int = 2) -> str:
    return f"{value:+.{decimals}f}"


def money_text(text: str, places: int = 2) -> str:
    """A decimal text with thousands apart and ``places`` decimals; ``-`` when there is none."""
    if not text:
        return NO_VALUE
    value = f"{Decimal(text):,.{places}f}".replace(",", " ")
    return value[1:] if value.lstrip("-").strip("0 .") == "" and value.startswith("-") else value


def signed_money(text: str, places: int = 2) -> str:
    """As ``money_text`` with a sign in front of everything but zero."""
    shown = money_text(text, places)
    return f"+{shown}" if text and Decimal(text) > 0 and shown.strip("0 .") else shown


def quantity_text(text: str) -> str:
    """A decimal text without trailing zeros."""
    return text_of(Decimal(text)) if text else NO_VALUE


def age_text(milliseconds: float) -> str:
    """``14ms``, ``3.4s``, ``2m``, ``-`` when unknown."""
    if milliseconds < 0:
        return NO_VALUE
    if milliseconds < 1000:
        return f"{milliseconds:.0f}ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f}s" if seconds < 100 else span_text(seconds)


def span_text(seconds: float) -> str:
    """``12s``, ``8m50``, ``3h12``, ``5d``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{whole // 86_400}d"


def clock_text(ts_ns: int, milliseconds: bool = False) -> str:
    """UTC time of day."""
    whole, rest = divmod(max(0, ts_ns), 1_000_000_000)
    day = whole % 86_400
    text = f"{day // 3600:02d}:{day % 3600 // 60:02d}:{day % 60:02d}"
    return f"{text}.{rest // 1_000_000:03d}" if milliseconds else text


def symbol_of(key: str) -> str:
    """Unified symbol of an instrument key."""
    return key.partition(":")[2]


def base_of(key: str) -> str:
    return symbol_of(key).partition("/")[0]


def quote_of(key: str) -> str:
    return symbol_of(key).partition("/")[2].partition(":")[0]


def wrapped(text: str, width: int) -> list[str]:
    """A line of pieces (two blanks apart) in as many lines as it takes; a piece that is too long is left to be cut."""
    lines: list[str] = []
    for piece in (piece for piece in text.split("  ") if piece):
        if lines and len(lines[-1]) + 2 + len(piece) <= width:
            lines[-1] = f"{lines[-1]}  {piece}"
        else:
            lines.append(piece)
    return lines


def folded(text: str, width: int) -> list[str]:
    """As ``wrapped``, and a piece that is too long goes on in the next line, between words."""
    lines: list[str] = []
    for line in wrapped(text, width):
        lines += wrap(line, width) if len(line) > width else [line]
    return lines


class PriceScale:
    """Prices of one instrument as whole numbers of ticks, and back into text. Exact."""

    def __init__(self, tick: str, places: int) -> None:
        self.tick = Decimal(tick)
        self.places = max(places, places_of(self.tick))
        self._unit = int(self.tick.scaleb(self.places))
        self.text = lru_cache(maxsize=4096)(self._text)

    def ticks(self, price: str | Decimal) -> int:
        """Ticks of a price, rounded to the nearest."""
        return int((Decimal(price) / self.tick).to_integral_value())

    def price(self, ticks: int) -> Decimal:
        return self.tick * ticks

    def _text(self, ticks: int) -> str:
        value = ticks * self._unit
        if not self.places:
            return str(value)
        sign = "-" if value < 0 else ""
        digits = str(abs(value)).rjust(self.places + 1, "0")
        return f"{sign}{digits[: -self.places]}.{digits[-self.places :]}"


def grouped_digits(text: str) -> str:
    """A price text with thousands apart, for messages (``61 020.5``)."""
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}".replace(",", " ") + point + rest if whole.lstrip("-").isdigit() else text

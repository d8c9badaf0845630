"""Trading fees: which rates an account pays and in which currency, per venue, as data.

The engine asks once per instrument (``with_fees``), the paper account at every fill, the desk for its estimates. Rates
are fractions of the traded value; a negative maker rate is a rebate. An instrument comes with the rates of its venue's
lowest tier (its spec, or its listing where that names them). Higher tiers go by volume and holdings that paper does not
have, so a person says what holds for him: a tier of ``TIERS`` by name, or two rates.
"""

from decimal import Decimal, InvalidOperation

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import text_of

HIGHEST_RATE = Decimal("0.05")
"""A rate above 5 %, or a rebate beyond it, is a slip of the hand."""


class FeeTier(Struct, frozen=True):
    """``maker`` and ``taker`` are fractions of the traded value."""

    name: str
    maker: Decimal
    taker: Decimal


def _tiers(*rows: tuple[str, str, str]) -> tuple[FeeTier, ...]:
    return tuple(FeeTier(name, Decimal(maker) / 100, Decimal(taker) / 100) for name, maker, taker in rows)


TIERS: dict[tuple[str, MarketKind], tuple[FeeTier, ...]] = {
    # USD-M fee schedule without the BNB discount, as published; in percent.
    ("binance", MarketKind.LINEAR): _tiers(
        ("vip0", "0.02", "0.05"),
        ("vip1", "0.016", "0.04"),
        ("vip2", "0.014", "0.035"),
        ("vip3", "0.012", "0.032"),
        ("vip4", "0.01", "0.03"),
        ("vip5", "0.008", "0.027"),
        ("vip6", "0.006", "0.025"),
        ("vip7", "0.004", "0.022"),
        ("vip8", "0.002", "0.02"),
        ("vip9", "0", "0.017"),
    ),
}
"""Tiers that are known by name. Where none are, rates are said as such: our notes on the venues hold no schedules."""

BUYS_PAY_IN_BASE = frozenset({"binance", "bybit", "gateio", "okx"})
"""Venues that keep the fee of a spot buy back from what was bought (OKX: "the received amount is sz - fee"); Binance
without BNB for fees. Everywhere else, and for all sells and perpetuals, the quote or settlement currency pays.
"""


def chosen_rates(text: str, venue: str, kind: MarketKind) -> FeeTier | None:
    """The rates that ``text`` says: a tier of the venue, or ``MAKER/TAKER`` in percent (``-0.005/0.03``); "" is None.

    InputError when it is neither.
    """
    word = text.strip().lower()
    if not word:
        return None
    tiers = TIERS.get((venue, kind), ())
    for tier in tiers:
        if tier.name == word:
            return tier
    maker, slash, taker = word.partition("/")
    try:
        rates = Decimal(maker) / 100, Decimal(taker) / 100
    except InvalidOperation:
        rates = None
    if not slash or rates is None or not all(rate.is_finite() and abs(rate) <= HIGHEST_RATE for rate in rates):
        known = f"one of {', '.join(tier.name for tier in tiers)} or " if tiers else ""
        raise InputError(
            f"fees {text!r} of {venue} {kind.value}: {known}MAKER/TAKER in percent, at most 5 each, such as 0.02/0.05"
        )
    return FeeTier(word, *rates)


def with_fees(instrument: Instrument, spot: str, perpetual: str) -> Instrument:
    """``instrument`` with the rates that a person chose for its market kind (see ``chosen_rates``)."""
    chosen = chosen_rates(perpetual if instrument.is_perpetual else spot, instrument.venue, instrument.kind)
    return instrument if chosen is None else replace(instrument, maker_fee=chosen.maker, taker_fee=chosen.taker)


def percent(rate: Decimal) -> str:
    """A rate as people write it: ``0.02`` for two hundredths of a percent."""
    return text_of(rate * 100)


def pays_in_base(instrument: Instrument, side: Side) -> bool:
    """Whether a fill on ``side`` pays its fee in the base currency."""
    return side is Side.BUY and not instrument.is_perpetual and instrument.venue in BUYS_PAY_IN_BASE

"""market/instruments into Instruments: Bitget's trading rules in the house's words (bitget.md §2, §8, §10).

Pure; called by the codec only. Sizes are base units. Listings that cannot be traded here (not online, dated, stocks,
without tick or lot) are left out. The band's reference is the venue's "market price", taken for the last one.
"""

from decimal import Decimal, InvalidOperation

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.venues.base import MarketSpec
from jackbot_tui.venues.bitget.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.bitget.wire import UNREADABLE, Listing, Reply
from jackbot_tui.venues.inference import symbol_of
from jackbot_tui.venues.texts import is_decimal, is_rate

_REPLY = msgspec.json.Decoder(Reply)
_LISTING = msgspec.json.Decoder(Listing, strict=False)

CATEGORIES = {MarketKind.SPOT: ("SPOT",), MarketKind.LINEAR: ("USDT-FUTURES", "USDC-FUTURES")}
"""The venue's product types; those of perpetuals begin with what they settle in."""

NATIVE_ENDINGS = (("USDT", "USDT"), ("PERP", "USDC"))
"""How the native name of a perpetual ends, and what it settles in."""

SPOT_QUOTES = ("USDT", "USDC", "BTC", "ETH", "EUR", "BRL", "USD")
"""Quote currencies by which a native spot name is split where no listing is at hand."""

MAX_PLACES = 30
"""Decimals that no listing exceeds."""

MAX_INTERVAL_H = Decimal(24)


def instruments_of(venue: str, market: MarketSpec, body: bytes | str) -> list[Instrument]:
    """Tradable instruments of a reply; WireError when it is not one or no listing can be read."""
    where = f"{venue} {market.kind.value} instruments"
    try:
        reply = _REPLY.decode(body)
    except UNREADABLE as error:
        raise WireError(f"{where} cannot be read ({error}): check the REST URL") from error
    if reply.code != "00000":
        raise WireError(f"{where}: the venue answered {reply.code[:20]!r} {reply.msg[:200]!r}")
    if not reply.data:
        raise WireError(f"{where} holds no listing: check the REST URL")
    instruments: list[Instrument] = []
    problem = ""
    for row in reply.data:
        try:
            listing = _LISTING.decode(row)
            if _tradable(market.kind, listing):
                instruments.append(_instrument(venue, market, listing))
        except (*UNREADABLE, InvalidOperation) as error:
            problem = str(error)
    if problem and not instruments:
        raise WireError(f"{where} has {len(reply.data)} listings and none can be read ({problem})")
    return [instrument for instrument in instruments if instrument.tick > ZERO and instrument.lot > ZERO]


def split_native(kind: MarketKind, native: str) -> tuple[str, str] | None:
    """``BTCUSDT`` -> ``("BTC", "USDT")``, ``BTCPERP`` -> ``("BTC", "USDC")``; None for anything else."""
    endings = NATIVE_ENDINGS if kind is MarketKind.LINEAR else [(quote, quote) for quote in SPOT_QUOTES]
    for ending, quote in endings:
        if native.isalnum() and native.endswith(ending) and len(native) > len(ending):
            return native[: -len(ending)], quote
    return None


def category_of(kind: MarketKind, settle: str) -> str:
    """The product type that an instrument settling in ``settle`` belongs to."""
    return CATEGORIES[kind][0] if kind is MarketKind.SPOT else f"{settle}-FUTURES"


def _tradable(kind: MarketKind, listing: Listing) -> bool:
    category = listing.category.upper()
    if listing.status != "online" or category not in CATEGORIES[kind]:
        return False
    if any(str(mark).upper() in ("YES", "TRUE", "1") for mark in (listing.isRwa, listing.isReality)):
        return False
    return kind is MarketKind.SPOT or (listing.type == "perpetual" and category == category_of(kind, listing.quoteCoin))


def _instrument(venue: str, market: MarketSpec, listing: Listing) -> Instrument:
    linear = market.kind is MarketKind.LINEAR
    up, down = _number(listing.buyLimitPriceRatio), _number(listing.sellLimitPriceRatio)
    interval = _number(listing.fundInterval)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, listing.baseCoin, listing.quoteCoin),
        native=listing.symbol,
        kind=market.kind,
        base=listing.baseCoin,
        quote=listing.quoteCoin,
        settle=listing.quoteCoin,
        tick=_number(listing.priceMultiplier) or _step(listing.pricePrecision),
        lot=_number(listing.quantityMultiplier) or _step(listing.quantityPrecision),
        min_qty=_number(listing.minOrderQty),
        max_qty=_number(listing.maxOrderQty),
        market_max_qty=_number(listing.maxMarketOrderQty),
        min_notional=_number(listing.minOrderAmount),
        maker_fee=_fee(listing.makerFeeRate, market.maker_fee),
        taker_fee=_fee(listing.takerFeeRate, market.taker_fee),
        max_leverage=_number(listing.maxLeverage) or ONE if linear else ONE,
        band=PriceBand("last", buy_up=ONE + up, sell_down=max(ONE - down, ZERO)) if up and down else None,
        funding_interval_h=int(min(interval, MAX_INTERVAL_H)) or FUNDING_INTERVAL_H if linear else 0,
    )


def _step(places: str) -> Decimal:
    """The step of so many decimals."""
    if not (is_decimal(places) and "." not in places and int(places) <= MAX_PLACES):
        raise ValueError(f"{places[:40]!r} is no number of decimals")
    return Decimal(1).scaleb(-int(places))


def _fee(text: str, otherwise: str) -> Decimal:
    """The listing's own fee, which may be below 0 for makers."""
    return Decimal(text if is_rate(text) else otherwise)


def _number(text: str) -> Decimal:
    """Plain decimal text without padding zeros, 0 for an absent one; ValueError for anything else."""
    if not text:
        return ZERO
    if not is_decimal(text):
        raise ValueError(f"{text[:40]!r} is no number")
    number = Decimal(text)
    return number.normalize() + ZERO if number else ZERO

"""instruments-info into Instruments: Bybit's trading rules in the house's words (v5 docs, market/instrument).

Pure; called by the codec only. Listings that cannot be traded here (not trading, dated, without tick or lot) are left
out. The price band is the narrow one of the venue (``priceLimitRatioX`` around the mark): inside it an order is never
moved. Spot's band lies around an index that our streams do not carry, so none is given.
"""

from decimal import Decimal, InvalidOperation

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.venues.base import MarketSpec
from jackbot_tui.venues.bybit.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.bybit.wire import UNREADABLE, InstrumentsReply, Listing
from jackbot_tui.venues.inference import symbol_of

_REPLY = msgspec.json.Decoder(InstrumentsReply)
_LISTING = msgspec.json.Decoder(Listing)

SPOT_QUOTES = (
    "USDT", "USDC", "USDE", "USD1", "RLUSD", "XUSD", "BTC", "ETH", "SOL", "EUR", "BRL", "GBP", "AED", "PLN", "TRY",
    "USD",
)  # fmt: skip
"""Quote currencies by which a native spot name is split where no listing is at hand (all of August 2026)."""


def instruments_of(venue: str, market: MarketSpec, body: bytes | str) -> list[Instrument]:
    """Tradable instruments of an instruments-info reply; WireError when it is not one or no listing can be read."""
    where = f"{venue} {market.kind.value} instruments-info"
    try:
        reply = _REPLY.decode(body)
    except UNREADABLE as error:
        raise WireError(f"{where} cannot be read ({error}): check the REST URL") from error
    if reply.retCode != 0 or reply.result is None:
        raise WireError(f"{where} was refused: {reply.retCode} {reply.retMsg[:200]}")
    if not reply.result.listings:
        raise WireError(f"{where} holds no listing: check the REST URL")
    instruments: list[Instrument] = []
    problem = ""
    for listing in reply.result.listings:
        try:
            info = _LISTING.decode(listing)
            if info.status == "Trading" and (market.kind is MarketKind.SPOT or info.contractType == "LinearPerpetual"):
                instruments.append(_instrument(venue, market, info))
        except (*UNREADABLE, InvalidOperation) as error:
            problem = str(error)
    if problem and not instruments:
        raise WireError(f"{where} has {len(reply.result.listings)} listings and none can be read ({problem})")
    return [instrument for instrument in instruments if instrument.tick > ZERO and instrument.lot > ZERO]


def cursor_of(body: bytes | str) -> str:
    """Where the listings go on after this reply, "" where it is the last or no reply at all."""
    try:
        result = _REPLY.decode(body).result
    except UNREADABLE:
        return ""
    return "" if result is None else result.nextPageCursor


def split_native(kind: MarketKind, native: str) -> tuple[str, str] | None:
    """``BTCUSDT`` -> ``("BTC", "USDT")``, linear ``BTCPERP`` -> ``("BTC", "USDC")``; None for a dated contract."""
    if not native.isalnum():
        return None
    if kind is MarketKind.LINEAR:
        endings = [("USDT", "USDT"), ("PERP", "USDC")]
    else:
        endings = [(quote, quote) for quote in SPOT_QUOTES]
    for ending, quote in endings:
        if native.endswith(ending) and len(native) > len(ending):
            return native[: -len(ending)], quote
    return None


def _instrument(venue: str, market: MarketSpec, info: Listing) -> Instrument:
    lot, price = info.lotSizeFilter, info.priceFilter
    linear = market.kind is MarketKind.LINEAR
    quote = info.settleCoin or info.quoteCoin if linear else info.quoteCoin
    ratio = _plain(info.riskParameters.priceLimitRatioX)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, info.baseCoin, quote),
        native=info.symbol,
        kind=market.kind,
        base=info.baseCoin,
        quote=quote,
        settle=quote,
        tick=_plain(price.tickSize),
        lot=_plain(lot.qtyStep or lot.basePrecision or "0"),
        min_qty=_plain(lot.minOrderQty),
        max_qty=_plain(lot.maxLimitOrderQty or lot.maxOrderQty),
        market_max_qty=_plain(lot.maxMktOrderQty or lot.maxMarketOrderQty or "0"),
        min_notional=_plain(lot.minOrderAmt or lot.minNotionalValue),
        max_notional=_plain(lot.maxOrderAmt),
        min_price=_plain(price.minPrice),
        max_price=_plain(price.maxPrice),
        maker_fee=Decimal(market.maker_fee),
        taker_fee=Decimal(market.taker_fee),
        max_leverage=_plain(info.leverageFilter.maxLeverage) if linear else ONE,
        band=PriceBand("mark", buy_up=ONE + ratio, sell_down=ONE - ratio) if linear and ratio else None,
        funding_interval_h=(info.fundingInterval // 60 or FUNDING_INTERVAL_H) if linear else 0,
    )


def _plain(text: str) -> Decimal:
    """The number without padding zeros (``0.10`` -> 0.1); InvalidOperation when it is none, or below 0."""
    number = Decimal(text)
    if not (number.is_finite() and number >= ZERO):
        raise InvalidOperation(f"{text!r} is not a number from 0 on")
    return number.normalize() + ZERO if number else ZERO

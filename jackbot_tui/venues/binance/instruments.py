"""exchangeInfo into Instruments: Binance's trading rules in the house's words (binance.md §8, §10).

Pure; called by the codec only. Listings that cannot be traded here (halted, dated, not crypto, without tick or lot) are
left out.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.venues.base import MarketSpec
from jackbot_tui.venues.binance.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.binance.wire import UNREADABLE, ExchangeInfo, Filter, SymbolInfo

_REPLY = msgspec.json.Decoder(ExchangeInfo)
_LISTING = msgspec.json.Decoder(SymbolInfo)
_NOTHING = Filter("")


def instruments_of(venue: str, market: MarketSpec, body: bytes | str) -> list[Instrument]:
    """Tradable instruments of an exchangeInfo reply; WireError when it is not one or no listing can be read."""
    where = f"{venue} {market.kind.value} exchangeInfo"
    try:
        listings = _REPLY.decode(body).symbols
    except UNREADABLE as error:
        raise WireError(f"{where} cannot be read ({error}): check the REST URL") from error
    instruments: list[Instrument] = []
    problem = ""
    for listing in listings:
        try:
            info = _LISTING.decode(listing)
            if _tradable(market, info):
                instruments.append(_instrument(venue, market, info))
        except (*UNREADABLE, InvalidOperation) as error:
            problem = str(error)
    if problem and not instruments:
        raise WireError(f"{where} has {len(listings)} listings and none can be read ({problem})")
    return [instrument for instrument in instruments if instrument.tick > ZERO and instrument.lot > ZERO]


def symbol_of(kind: MarketKind, base: str, quote: str) -> str:
    """ccxt's unified symbol."""
    return f"{base}/{quote}" if kind is MarketKind.SPOT else f"{base}/{quote}:{quote}"


def _tradable(market: MarketSpec, info: SymbolInfo) -> bool:
    if info.status != "TRADING":
        return False
    if market.kind is MarketKind.SPOT:
        return info.isSpotTradingAllowed
    return info.contractType == "PERPETUAL" and info.marginAsset in ("", info.quoteAsset)


def _instrument(venue: str, market: MarketSpec, info: SymbolInfo) -> Instrument:
    filters = {each.filterType: each for each in info.filters}
    price = filters.get("PRICE_FILTER", _NOTHING)
    lot = filters.get("LOT_SIZE", _NOTHING)
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or _NOTHING
    orders = filters.get("MAX_NUM_ORDERS", _NOTHING)
    linear = market.kind is MarketKind.LINEAR
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, info.baseAsset, info.quoteAsset),
        native=info.symbol,
        kind=market.kind,
        base=info.baseAsset,
        quote=info.quoteAsset,
        settle=info.quoteAsset,
        tick=_plain(price.tickSize),
        lot=_plain(lot.stepSize),
        min_qty=_plain(lot.minQty),
        max_qty=_plain(lot.maxQty),
        market_max_qty=_plain(filters.get("MARKET_LOT_SIZE", _NOTHING).maxQty),
        min_notional=_plain(notional.minNotional) or _plain(notional.notional),
        max_notional=_plain(notional.maxNotional),
        min_price=_plain(price.minPrice),
        max_price=_plain(price.maxPrice),
        maker_fee=Decimal(market.maker_fee),
        taker_fee=Decimal(market.taker_fee),
        max_leverage=Decimal(market.max_leverage),
        max_orders=orders.maxNumOrders or orders.limit,
        band=_band(market.kind, filters),
        funding_interval_h=FUNDING_INTERVAL_H if linear else 0,
    )


def _plain(text: str) -> Decimal:
    """The number without padding zeros (``0.10`` -> 0.1); InvalidOperation when it is none or not finite."""
    number = Decimal(text)
    if not number.is_finite():
        raise InvalidOperation(f"{text!r} is not a finite number")
    return number.normalize() + ZERO if number else ZERO


def _band(kind: MarketKind, filters: Mapping[str, Filter]) -> PriceBand | None:
    """Spot bounds both prices of both sides around an average; USD-M only those that would cross, around the mark."""
    by_side = filters.get("PERCENT_PRICE_BY_SIDE")
    if by_side is not None:
        return PriceBand(
            "average",
            buy_up=_plain(by_side.bidMultiplierUp),
            buy_down=_plain(by_side.bidMultiplierDown),
            sell_up=_plain(by_side.askMultiplierUp),
            sell_down=_plain(by_side.askMultiplierDown),
        )
    percent = filters.get("PERCENT_PRICE")
    if percent is None:
        return None
    up, down = _plain(percent.multiplierUp), _plain(percent.multiplierDown)
    if kind is MarketKind.LINEAR:
        return PriceBand("mark", buy_up=up, sell_down=down)
    return PriceBand("average", buy_up=up, buy_down=down, sell_up=up, sell_down=down)

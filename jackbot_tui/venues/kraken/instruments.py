"""AssetPairs and the derivatives' instruments into Instruments (kraken.md §1, §2, §10).

Pure; called by the codec only. A native name is the one of the WebSocket: ``BTC/USD`` on spot, ``PF_XBTUSD`` on
derivatives. Listings that cannot be traded here (not online, dark pool, inverse, dated) are left out.
"""

from decimal import Decimal, InvalidOperation

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.venues.base import MarketSpec
from jackbot_tui.venues.inference import symbol_of
from jackbot_tui.venues.kraken.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.kraken.wire import UNREADABLE, AssetPair, AssetPairs, Product, Products
from jackbot_tui.venues.texts import is_decimal

_PAIRS = msgspec.json.Decoder(AssetPairs)
_PAIR = msgspec.json.Decoder(AssetPair)
_PRODUCTS = msgspec.json.Decoder(Products)
_PRODUCT = msgspec.json.Decoder(Product)

COMMON = {"XBT": "BTC", "XDG": "DOGE"}
"""Kraken's own currency codes in REST names and derivatives: WebSocket v2 and ccxt use the common ones."""

MOST_PLACES = 20


def instruments_of(venue: str, market: MarketSpec, body: bytes | str) -> list[Instrument]:
    """Tradable instruments of a reply; WireError when it is not one or no listing can be read."""
    where = f"{venue} {market.kind.value} instruments"
    spot = market.kind is MarketKind.SPOT
    rows = _spot_rows(where, body) if spot else _futures_rows(where, body)
    instruments: list[Instrument] = []
    problem = ""
    for row in rows:
        try:
            made = _pair(venue, market, _PAIR.decode(row)) if spot else _product(venue, market, _PRODUCT.decode(row))
        except (*UNREADABLE, InvalidOperation) as error:
            problem = str(error)
        else:
            if made is not None and made.tick > ZERO and made.lot > ZERO:
                instruments.append(made)
    if problem and not instruments:
        raise WireError(f"{where} has {len(rows)} listings and none can be read ({problem})")
    return instruments


def names_of(kind: MarketKind, native: str) -> tuple[str, str] | None:
    """``BTC/USD`` or ``PF_XBTUSD`` -> ``("BTC", "USD")``; None for what is no instrument of ``kind``."""
    if kind is MarketKind.SPOT:
        base, slash, quote = native.partition("/")
        return (base, quote) if slash and base and quote and "/" not in quote else None
    base = native.removeprefix("PF_").removesuffix("USD")
    if not (native.startswith("PF_") and native.endswith("USD") and base.isalnum()):
        return None
    return COMMON.get(base, base), "USD"


def _spot_rows(where: str, body: bytes | str) -> list[msgspec.Raw]:
    try:
        reply = _PAIRS.decode(body)
    except UNREADABLE as error:
        raise WireError(f"{where} cannot be read ({error}): check the REST URL") from error
    if reply.error:
        raise WireError(f"{where}: the venue answered {', '.join(reply.error)[:200]}")
    return list(reply.result.values())


def _futures_rows(where: str, body: bytes | str) -> list[msgspec.Raw]:
    try:
        reply = _PRODUCTS.decode(body)
    except UNREADABLE as error:
        raise WireError(f"{where} cannot be read ({error}): check the REST URL") from error
    if reply.result != "success":
        raise WireError(f"{where}: the venue answered {reply.result} {reply.error}"[:250])
    return reply.instruments


def _pair(venue: str, market: MarketSpec, pair: AssetPair) -> Instrument | None:
    base, slash, quote = pair.wsname.partition("/")
    if pair.status != "online" or not slash:  # dark pools have no WebSocket name
        return None
    base, quote = COMMON.get(base, base), COMMON.get(quote, quote)
    lot = _step(pair.lot_decimals)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, base, quote),
        native=f"{base}/{quote}",
        kind=market.kind,
        base=base,
        quote=quote,
        settle=quote,
        tick=_number(pair.tick_size) if pair.tick_size else _step(pair.pair_decimals),
        lot=lot,
        min_qty=_number(pair.ordermin) or lot,
        min_notional=_number(pair.costmin),
        maker_fee=_fee(pair.fees_maker, market.maker_fee),
        taker_fee=_fee(pair.fees, market.taker_fee),
        max_leverage=Decimal(1),
    )


def _product(venue: str, market: MarketSpec, product: Product) -> Instrument | None:
    """Only the multi-collateral perpetuals: they count base units."""
    native = product.symbol.upper()
    names = names_of(market.kind, native)
    if names is None or product.type != "flexible_futures" or not product.tradeable:
        return None
    base = COMMON.get(product.base.upper(), product.base.upper()) or names[0]
    lot = _step(int(product.contractValueTradePrecision)) * (product.contractSize or Decimal(1))
    margin = min((level.initialMargin for level in product.marginLevels if level.initialMargin > 0), default=ZERO)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, base, names[1]),
        native=native,
        kind=market.kind,
        base=base,
        quote=names[1],
        settle=names[1],
        tick=product.tickSize,
        lot=lot,
        min_qty=lot,
        contract_size=product.contractSize or Decimal(1),
        maker_fee=Decimal(market.maker_fee),
        taker_fee=Decimal(market.taker_fee),
        max_leverage=(1 / margin).quantize(Decimal("0.01")).normalize() + ZERO if margin else Decimal(1),
        funding_interval_h=FUNDING_INTERVAL_H,
    )


def _step(places: int) -> Decimal:
    """10 to the power of minus ``places``."""
    if not -MOST_PLACES <= places <= MOST_PLACES:
        raise ValueError(f"{places} decimals")
    return Decimal(1).scaleb(-places) if places >= 0 else Decimal(10**-places)


def _number(text: str) -> Decimal:
    if not is_decimal(text):
        raise ValueError(f"{text[:40]!r} is no number")
    return Decimal(text)


def _fee(schedule: list[tuple[float, float]], default: str) -> Decimal:
    """Lowest tier of a schedule of ``(volume, percent)``, as a fraction."""
    return Decimal(str(schedule[0][1])) / 100 if schedule else Decimal(default)

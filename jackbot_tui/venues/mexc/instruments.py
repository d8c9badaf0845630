"""exchangeInfo and contract/detail into Instruments: MEXC's trading rules in the house's words (mexc.md §2, §10).

Pure; called by the codec only. Perpetuals count contracts: lots and sizes are turned into base units here. Left out is
what cannot be traded here: spot pairs that are offline, open to one side only or closed to the API (many are);
contracts that are not enabled, hidden or settled in their base coin; anything without tick or lot. ``apiAllowed`` of a
contract is not looked at: it says who may order by API, and market data comes for all. Spot's band is around the last
price; that of perpetuals is taken to be around their mark, which the venue does not say.
"""

from decimal import Decimal

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.venues.base import MarketSpec
from jackbot_tui.venues.inference import symbol_of
from jackbot_tui.venues.mexc.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.mexc.wire import UNREADABLE, Contract, ContractList, ExchangeInfo, Pair
from jackbot_tui.venues.texts import is_decimal

_INFO = msgspec.json.Decoder(ExchangeInfo, strict=False)
_CONTRACTS = msgspec.json.Decoder(ContractList, strict=False)
_PAIR = msgspec.json.Decoder(Pair, strict=False)
_CONTRACT = msgspec.json.Decoder(Contract, strict=False)

ONLINE = "1"
BOTH_SIDES = 1
BAND_FILTER = "PERCENT_PRICE_BY_SIDE"

SPOT_QUOTES = ("USDT", "USDC", "USDE", "USD1", "USDF", "EUR", "BRL", "TRY", "BTC", "ETH", "MX")
"""Quote currencies by which a native spot name is split where no listing is at hand. Otherwise it is never split."""

MOST = Decimal("1e15")
"""Anything above is no rule of a market."""


def instruments_of(venue: str, market: MarketSpec, body: bytes | str) -> list[Instrument]:
    """Tradable instruments of a reply; WireError when it is not one or no listing can be read."""
    spot = market.kind is MarketKind.SPOT
    where = f"{venue} {market.kind.value} {'exchangeInfo' if spot else 'contract/detail'}"
    try:
        code, message, listings = _spot_listings(body) if spot else _contract_listings(body)
    except UNREADABLE as error:
        raise WireError(f"{where} cannot be read ({error}): check the REST URL") from error
    if code:
        raise WireError(f"{where} was refused: {code} {' '.join(message.split())[:200]}")
    if not listings:
        raise WireError(f"{where} holds no listing: check the REST URL")
    instruments: list[Instrument] = []
    problem = ""
    for listing in listings:
        try:
            made = (
                _pair(venue, market, _PAIR.decode(listing))
                if spot
                else _perpetual(venue, market, _CONTRACT.decode(listing))
            )
            if made is not None:
                instruments.append(made)
        except UNREADABLE as error:
            problem = str(error)
    if problem and not instruments:
        raise WireError(f"{where} has {len(listings)} listings and none can be read ({problem})")
    return [instrument for instrument in instruments if instrument.tick > ZERO and instrument.lot > ZERO]


def names_of(kind: MarketKind, native: str) -> tuple[str, str] | None:
    """``BTCUSDT`` or ``BTC_USDT`` -> ``("BTC", "USDT")``, for replay only; None for no such instrument."""
    if kind is MarketKind.LINEAR:
        base, _, quote = native.partition("_")
        return (base, quote) if base.isalnum() and quote in ("USDT", "USDC") else None
    for quote in SPOT_QUOTES:
        if native.isalnum() and native.endswith(quote) and len(native) > len(quote):
            return native[: -len(quote)], quote
    return None


def _spot_listings(body: bytes | str) -> tuple[int, str, list[msgspec.Raw]]:
    info = _INFO.decode(body)
    return info.code, info.msg, info.symbols


def _contract_listings(body: bytes | str) -> tuple[int, str, list[msgspec.Raw]]:
    reply = _CONTRACTS.decode(body)
    return (0 if reply.success and not reply.code else reply.code or -1), reply.message, reply.data or []


def _pair(venue: str, market: MarketSpec, info: Pair) -> Instrument | None:
    if info.status != ONLINE or not info.isSpotTradingAllowed or info.tradeSideType != BOTH_SIDES:
        return None
    places = info.quoteAssetPrecision if info.quoteAssetPrecision is not None else info.quotePrecision
    if places is None:
        raise ValueError(f"{info.symbol[:40]} has no price precision")
    lot = ONE.scaleb(-info.baseAssetPrecision)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, info.baseAsset, info.quoteAsset),
        native=info.symbol,
        kind=market.kind,
        base=info.baseAsset,
        quote=info.quoteAsset,
        settle=info.quoteAsset,
        tick=ONE.scaleb(-places),
        lot=lot,
        min_qty=max(lot, _plain(info.baseSizePrecision)),
        min_notional=_plain(info.quoteAmountPrecision),
        max_notional=_plain(info.maxQuoteAmount),
        maker_fee=_plain(market.maker_fee if info.makerCommission is None else info.makerCommission),
        taker_fee=_plain(market.taker_fee if info.takerCommission is None else info.takerCommission),
        band=_spot_band(info),
    )


def _spot_band(info: Pair) -> PriceBand | None:
    for each in info.filters:
        if each.filterType == BAND_FILTER:
            up, down = _plain(each.bidMultiplierUp), _plain(each.askMultiplierDown)
            return PriceBand("last", buy_up=up, sell_down=down) if up or down else None
    return None


def _perpetual(venue: str, market: MarketSpec, info: Contract) -> Instrument | None:
    """Fees are at least those of the spec: fee-free promotions of a listing are not for orders by API."""
    if info.state != 0 or info.isHidden or info.settleCoin != info.quoteCoin:
        return None
    size = _sound(info.contractSize)
    up, down = _sound(info.bidLimitPriceRate), _sound(info.askLimitPriceRate)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, info.baseCoin, info.quoteCoin),
        native=info.symbol,
        kind=market.kind,
        base=info.baseCoin,
        quote=info.quoteCoin,
        settle=info.settleCoin,
        tick=_sound(info.priceUnit),
        lot=_sound(info.volUnit, size),
        min_qty=_sound(info.minVol, size),
        max_qty=_sound(info.maxVol, size),
        contract_size=size,
        maker_fee=max(_sound(info.makerFeeRate), Decimal(market.maker_fee)),
        taker_fee=max(_sound(info.takerFeeRate), Decimal(market.taker_fee)),
        max_leverage=_sound(info.maxLeverage) or ONE,
        band=PriceBand("mark", buy_up=ONE + up, sell_down=max(ZERO, ONE - down)) if up and down else None,
        funding_interval_h=FUNDING_INTERVAL_H,
    )


def _plain(text: str) -> Decimal:
    """The number in the text without padding zeros; ValueError when it is no plain number from 0 on."""
    if not is_decimal(text):
        raise ValueError(f"{text[:40]!r} is not a number from 0 on")
    return _sound(Decimal(text))


def _sound(number: Decimal, times: Decimal = ONE) -> Decimal:
    """The number times ``times`` without padding zeros; ValueError when it is below 0 or beyond reason."""
    if not (number.is_finite() and ZERO <= number <= MOST):
        raise ValueError(f"{str(number)[:40]} is not a number from 0 on")
    product = number * times
    return product.normalize() + ZERO if product else ZERO

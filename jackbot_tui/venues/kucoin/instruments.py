"""symbols and contracts/active into Instruments: KuCoin's trading rules in the house's words (kucoin.md §2, §10).

Pure; called by the codec only. Perpetuals count contracts: lots and sizes are turned into base units here. Left out is
what cannot be traded here: not open, in a call auction (which has no normal book), inverse, dated, without tick or lot.
The price band of a perpetual is the venue's buy and sell limit of the moment, as multipliers of the mark beside them.
Spot's band lies around the opposite best price, which no reference of the house is, so none is given.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.venues.base import MarketSpec
from jackbot_tui.venues.inference import symbol_of
from jackbot_tui.venues.kucoin.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.kucoin.wire import NO_DATA, UNREADABLE, Contract, Number, Pair, Reply, written
from jackbot_tui.venues.texts import is_decimal

_REPLY = msgspec.json.Decoder(Reply)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_PAIR = msgspec.json.Decoder(Pair)
_CONTRACT = msgspec.json.Decoder(Contract)

SUCCESS = "200000"

CODES = {
    "XBT": "BTC",
    "BCHSV": "BSV",
    "BIFI": "BIFIF",
    "VAI": "VAIOT",
    "WAX": "WAXP",
    "ALT": "APTOSLAUNCHTOKEN",
    "KALT": "ALT",
    "FUD": "FTX Users' Debt",
}
"""Currencies that ccxt's unified symbols call otherwise than the venue does."""

SETTLED = ("USDT", "USDC")
"""Currencies in which the perpetuals of this house's linear market are settled."""

LISTINGS = {MarketKind.SPOT: "symbols", MarketKind.LINEAR: "contracts/active"}

BAND_STEP = Decimal("0.0001")
"""Precision of a band's multipliers: rounded inwards, so that an order inside is one that the venue takes."""


def data_of(body: bytes | str, where: str) -> msgspec.Raw:
    """``data`` of a successful reply; WireError with ``where`` and the venue's words for any other."""
    try:
        reply = _REPLY.decode(body)
    except UNREADABLE as error:
        raise WireError(f"{where} cannot be read ({error}): check the REST URL") from error
    if str(reply.code) != SUCCESS:
        raise WireError(f"{where} was refused: {str(reply.code)[:20]} {' '.join(reply.msg.split())[:200]}")
    if reply.data == NO_DATA:
        raise WireError(f"{where} holds no data: check the REST URL")
    return reply.data


def instruments_of(venue: str, market: MarketSpec, body: bytes | str) -> list[Instrument]:
    """Tradable instruments of a reply; WireError when it is not one or no listing can be read."""
    where = f"{venue} {market.kind.value} {LISTINGS[market.kind]}"
    try:
        listings = _ROWS.decode(data_of(body, where))
    except UNREADABLE as error:
        raise WireError(f"{where} cannot be read ({error}): check the REST URL") from error
    if not listings:
        raise WireError(f"{where} holds no listing: check the REST URL")
    instruments: list[Instrument] = []
    problem = ""
    for listing in listings:
        try:
            made = (
                _pair(venue, market, _PAIR.decode(listing))
                if market.kind is MarketKind.SPOT
                else _perpetual(venue, market, _CONTRACT.decode(listing))
            )
            if made is not None and made.tick > ZERO and made.lot > ZERO:
                instruments.append(made)
        except (*UNREADABLE, InvalidOperation) as error:
            problem = str(error)
    if problem and not instruments:
        raise WireError(f"{where} has {len(listings)} listings and none can be read ({problem})")
    return instruments


def names_of(kind: MarketKind, native: str) -> tuple[str, str] | None:
    """Unified base and quote: ``BTC-USDT`` and ``XBTUSDTM`` -> ``("BTC", "USDT")``; None for no name of ``kind``."""
    if kind is MarketKind.SPOT:
        base, _, quote = native.partition("-")
        if not (base.isalnum() and quote.isalnum()):
            return None
        return unified(base), unified(quote)
    for quote in SETTLED:
        base = native.removesuffix(f"{quote}M")
        if base != native and base.isalnum():
            return unified(base), quote
    return None


def unified(code: str) -> str:
    return CODES.get(code, code)


def _pair(venue: str, market: MarketSpec, info: Pair) -> Instrument | None:
    """By ``symbol``, which stays when the venue renames a pair."""
    names = names_of(market.kind, info.symbol)
    if names is None or not info.enableTrading or info.callauctionIsEnabled:
        return None
    base, quote = names
    lot = _plain(info.baseIncrement)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, base, quote),
        native=info.symbol,
        kind=market.kind,
        base=base,
        quote=quote,
        settle=quote,
        tick=_plain(info.priceIncrement),
        lot=lot,
        min_qty=max(lot, _plain(info.baseMinSize)),
        max_qty=_plain(info.baseMaxSize),
        min_notional=_plain(info.minFunds),
        maker_fee=_plain(info.makerFeeCoefficient, Decimal(market.maker_fee)),
        taker_fee=_plain(info.takerFeeCoefficient, Decimal(market.taker_fee)),
    )


def _perpetual(venue: str, market: MarketSpec, info: Contract) -> Instrument | None:
    linear = not info.isInverse and info.settleCurrency in SETTLED and info.quoteCurrency == info.settleCurrency
    if not linear or info.status != "Open" or info.expireDate:
        return None
    base, quote = unified(info.baseCurrency), info.settleCurrency
    contract = _plain(info.multiplier)
    lot = _plain(info.lotSize, contract)
    milliseconds = info.currentFundingRateGranularity or info.fundingRateGranularity or 0
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, base, quote),
        native=info.symbol,
        kind=market.kind,
        base=base,
        quote=quote,
        settle=quote,
        tick=_plain(info.tickSize),
        lot=lot,
        min_qty=lot,
        max_qty=_plain(info.maxOrderQty, contract),
        market_max_qty=_plain(info.marketMaxOrderQty, contract),
        max_price=_plain(info.maxPrice),
        contract_size=contract,
        maker_fee=Decimal(market.maker_fee) if info.makerFeeRate is None else _signed(info.makerFeeRate),
        taker_fee=Decimal(market.taker_fee) if info.takerFeeRate is None else _signed(info.takerFeeRate),
        max_leverage=_plain(info.maxLeverage) or ONE,
        band=_band(_plain(info.markPrice), _plain(info.buyLimit), _plain(info.sellLimit)),
        funding_interval_h=max(0, milliseconds) // 3_600_000 or FUNDING_INTERVAL_H,
    )


def _band(mark: Decimal, buy_limit: Decimal, sell_limit: Decimal) -> PriceBand | None:
    """The limits around the mark; None where they are not around it."""
    if not ZERO < sell_limit < mark < buy_limit:
        return None
    return PriceBand(
        "mark",
        buy_up=(buy_limit / mark).quantize(BAND_STEP, ROUND_FLOOR),
        sell_down=(sell_limit / mark).quantize(BAND_STEP, ROUND_CEILING),
    )


def _plain(value: Number | None, times: Decimal = ONE) -> Decimal:
    """The number times ``times`` without padding zeros, 0 for an absent one; ValueError when it is no plain number."""
    text = "0" if value is None or value == "" else written(value)
    if not is_decimal(text):
        raise ValueError(f"{text[:40]!r} is not a number from 0 on")
    number = Decimal(text) * times
    return number.normalize() + ZERO if number else ZERO


def _signed(value: Number) -> Decimal:
    """A fee, below 0 where the venue pays it."""
    text = written(value)
    return -_plain(text.removeprefix("-")) if text.startswith("-") else _plain(text)

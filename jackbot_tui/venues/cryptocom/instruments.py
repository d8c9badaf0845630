"""get-instruments into Instruments: Crypto.com's trading rules in the house's words (v1 docs, public/get-instruments).

Pure; called by the codec only. Listings that cannot be traded here (not tradable, dated, an index, without tick or lot)
are left out. The reply names no smallest value and no price band: the venue keeps them elsewhere or to itself.
"""

from decimal import Decimal, InvalidOperation

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.venues.base import MarketSpec
from jackbot_tui.venues.cryptocom.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.cryptocom.wire import UNREADABLE, InstrumentsReply, Listing
from jackbot_tui.venues.inference import symbol_of

_REPLY = msgspec.json.Decoder(InstrumentsReply)
_LISTING = msgspec.json.Decoder(Listing)

_TYPES = {MarketKind.SPOT: "CCY_PAIR", MarketKind.LINEAR: "PERPETUAL_SWAP"}

PERPETUAL = "USD-PERP"
"""Ending of a perpetual's name; all settle in US dollars."""


def instruments_of(venue: str, market: MarketSpec, body: bytes | str) -> list[Instrument]:
    """Tradable instruments of a get-instruments reply; WireError when it is not one or no listing can be read."""
    where = f"{venue} {market.kind.value} get-instruments"
    try:
        reply = _REPLY.decode(body)
    except UNREADABLE as error:
        raise WireError(f"{where} cannot be read ({error}): check the REST URL") from error
    if reply.code != 0 or reply.result is None:
        raise WireError(f"{where} was refused: {reply.code} {reply.message[:200]}")
    if not reply.result.data:
        raise WireError(f"{where} holds no listing of API v1: check the REST URL")
    instruments: list[Instrument] = []
    problem = ""
    for listing in reply.result.data:
        try:
            info = _LISTING.decode(listing)
            if info.tradable and info.inst_type == _TYPES[market.kind]:
                instruments.append(_instrument(venue, market, info))
        except (*UNREADABLE, InvalidOperation) as error:
            problem = str(error)
    if problem and not instruments:
        raise WireError(f"{where} has {len(reply.result.data)} listings and none can be read ({problem})")
    return [each for each in instruments if each.tick > ZERO and each.lot > ZERO and each.contract_size > ZERO]


def split_native(kind: MarketKind, native: str) -> tuple[str, str] | None:
    """``BTC_USDT`` -> ``("BTC", "USDT")``, linear ``BTCUSD-PERP`` -> ``("BTC", "USD")``; None for anything else."""
    if kind is MarketKind.LINEAR:
        base = native.removesuffix(PERPETUAL)
        return (base, "USD") if base != native and base.isalnum() else None
    base, _, quote = native.partition("_")
    return (base, quote) if base.isalnum() and quote.isalnum() else None


def index_of(native: str) -> str:
    """Name under which the index of a perpetual is published: ``BTCUSD-PERP`` -> ``BTCUSD-INDEX``."""
    return native.removesuffix("-PERP") + "-INDEX"


def _instrument(venue: str, market: MarketSpec, info: Listing) -> Instrument:
    linear = market.kind is MarketKind.LINEAR
    size = _plain(info.contract_size) if linear else ONE
    lot = _plain(info.qty_tick_size)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, info.base_ccy, info.quote_ccy),
        native=info.symbol,
        kind=market.kind,
        base=info.base_ccy,
        quote=info.quote_ccy,
        settle=info.quote_ccy,
        tick=_plain(info.price_tick_size),
        lot=lot,
        min_qty=lot,
        contract_size=size,
        maker_fee=Decimal(market.maker_fee),
        taker_fee=Decimal(market.taker_fee),
        max_leverage=_plain(info.max_leverage) if linear else ONE,
        funding_interval_h=FUNDING_INTERVAL_H if linear else 0,
    )


def _plain(text: str) -> Decimal:
    """The number without padding zeros (``0.10`` -> 0.1); InvalidOperation when it is none, or below 0."""
    number = Decimal(text)
    if not (number.is_finite() and number >= ZERO):
        raise InvalidOperation(f"{text!r} is not a number from 0 on")
    return number.normalize() + ZERO if number else ZERO

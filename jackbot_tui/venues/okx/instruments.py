"""public/instruments into Instruments: OKX's trading rules in the house's words (okx.md §2, §10).

Pure; called by the codec only. Swaps count contracts: lots and sizes are turned into base units here. Listings that
cannot be traded here (not live, inverse, not crypto, without tick or lot) are left out.
"""

from decimal import Decimal, InvalidOperation

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.venues.base import MarketSpec
from jackbot_tui.venues.inference import symbol_of
from jackbot_tui.venues.okx.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.okx.wire import UNREADABLE, Listing, Reply
from jackbot_tui.venues.texts import is_decimal

_REPLY = msgspec.json.Decoder(Reply)
_LISTING = msgspec.json.Decoder(Listing)

QUOTES = ("USDT", "USDC")
"""Quote and settlement currencies of linear swaps."""

CRYPTO = ("", "1")
"""``instCategory``: absent before 2026; others are stocks, commodities …"""


def instruments_of(venue: str, market: MarketSpec, body: bytes | str) -> list[Instrument]:
    """Tradable instruments of a reply; WireError when it is not one or no listing can be read."""
    where = f"{venue} {market.kind.value} instruments"
    try:
        reply = _REPLY.decode(body)
    except UNREADABLE as error:
        raise WireError(f"{where} cannot be read ({error}): check the REST URL") from error
    if reply.code != "0":
        raise WireError(f"{where}: the venue answered {reply.code} {reply.msg[:200]}")
    instruments: list[Instrument] = []
    problem = ""
    for row in reply.data:
        try:
            listing = _LISTING.decode(row)
            names = names_of(market.kind, listing.instId)
            if names is not None and _tradable(market.kind, listing, names):
                instruments.append(_instrument(venue, market, listing, names))
        except (*UNREADABLE, InvalidOperation) as error:
            problem = str(error)
    if problem and not instruments:
        raise WireError(f"{where} has {len(reply.data)} listings and none can be read ({problem})")
    return [instrument for instrument in instruments if instrument.tick > ZERO and instrument.lot > ZERO]


def names_of(kind: MarketKind, native: str) -> tuple[str, str] | None:
    """``BTC-USDT`` -> ``("BTC", "USDT")``, ``BTC-USDT-SWAP`` likewise; None for what is no instrument of ``kind``."""
    parts = native.split("-")
    if not all(part.isalnum() for part in parts):
        return None
    if kind is MarketKind.SPOT:
        return (parts[0], parts[1]) if len(parts) == 2 else None
    if len(parts) == 3 and parts[2] == "SWAP" and parts[1] in QUOTES:
        return parts[0], parts[1]
    return None


def _tradable(kind: MarketKind, listing: Listing, names: tuple[str, str]) -> bool:
    if listing.state != "live" or listing.instCategory not in CRYPTO:
        return False
    if kind is MarketKind.SPOT:
        return listing.instType == "SPOT" and (listing.baseCcy, listing.quoteCcy) == names
    own = listing.instType == "SWAP" and listing.ctType == "linear" and listing.settleCcy == names[1]
    return own and listing.ctValCcy in ("", names[0])


def _instrument(venue: str, market: MarketSpec, listing: Listing, names: tuple[str, str]) -> Instrument:
    base, quote = names
    linear = market.kind is MarketKind.LINEAR
    contract = _number(listing.ctVal) * (_number(listing.ctMult) or Decimal(1)) if linear else Decimal(1)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, base, quote),
        native=listing.instId,
        kind=market.kind,
        base=base,
        quote=quote,
        settle=quote,
        tick=_number(listing.tickSz),
        lot=_plain(_number(listing.lotSz) * contract),
        min_qty=_plain(_number(listing.minSz) * contract),
        max_qty=_plain(_number(listing.maxLmtSz) * contract),
        market_max_qty=_plain(_number(listing.maxMktSz) * contract) if linear else ZERO,  # spot's counts USDT
        contract_size=contract,
        maker_fee=Decimal(market.maker_fee),
        taker_fee=Decimal(market.taker_fee),
        max_leverage=_number(listing.lever) or Decimal(1) if linear else Decimal(1),
        funding_interval_h=FUNDING_INTERVAL_H if linear else 0,
    )


def _number(text: str) -> Decimal:
    """Plain decimal text, 0 for an absent one; ValueError for anything else."""
    if not text:
        return ZERO
    if not is_decimal(text):
        raise ValueError(f"{text[:40]!r} is no number")
    return Decimal(text)


def _plain(number: Decimal) -> Decimal:
    """Without trailing zeros and without an exponent above 0."""
    return number.normalize() + ZERO if number else ZERO

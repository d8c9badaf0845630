"""List Public Products into Instruments: Coinbase's trading rules in the house's words (coinbase.md §2, §10).

Pure; called by the codec only. Products that cannot be traded freely (not online, disabled, in an auction, cancel or
post only, no spot) are left out. The venue publishes no price band.
"""

from decimal import Decimal, InvalidOperation

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.venues.base import MarketSpec
from jackbot_tui.venues.coinbase.wire import UNREADABLE, Listing, ProductsReply
from jackbot_tui.venues.inference import symbol_of

_REPLY = msgspec.json.Decoder(ProductsReply)
_LISTING = msgspec.json.Decoder(Listing)

_TYPES = {MarketKind.SPOT: "SPOT"}


def instruments_of(venue: str, market: MarketSpec, body: bytes | str) -> list[tuple[Instrument, str]]:
    """Tradable instruments of a reply, each with the product whose market data are its own: a USDC pair shares the book
    of its USD pair, and the stream knows only that name. WireError when no listing can be read.
    """
    where = f"{venue} {market.kind.value} products"
    try:
        reply = _REPLY.decode(body)
    except UNREADABLE as error:
        raise WireError(f"{where} cannot be read ({error}): check the REST URL") from error
    if not reply.products:
        said = f": {reply.error} {reply.message}"[:200].rstrip() if reply.error or reply.message else ""
        raise WireError(f"{where} holds no listing{said}: check the REST URL")
    instruments: list[tuple[Instrument, str]] = []
    problem = ""
    for listing in reply.products:
        try:
            info = _LISTING.decode(listing)
            if _is_tradable(market.kind, info):
                instruments.append((_instrument(venue, market, info), info.alias or info.product_id))
        except (*UNREADABLE, InvalidOperation) as error:
            problem = str(error)
    if problem and not instruments:
        raise WireError(f"{where} has {len(reply.products)} listings and none can be read ({problem})")
    return [each for each in instruments if each[0].tick > ZERO and each[0].lot > ZERO]


def cursor_of(body: bytes | str) -> str:
    """Where the next page of a reply begins, "" when there is none or the reply cannot be read."""
    try:
        pagination = _REPLY.decode(body).pagination
    except UNREADABLE:
        return ""  # decoding its instruments says what is wrong with it
    return pagination.next_cursor if pagination is not None and pagination.has_next else ""


def split_native(native: str) -> tuple[str, str] | None:
    """``BTC-USD`` -> ``("BTC", "USD")``; None for anything else, such as a future's ``BIT-24APR26-CDE``."""
    base, _, quote = native.partition("-")
    return (base, quote) if base.isalnum() and quote.isalnum() else None


def _is_tradable(kind: MarketKind, info: Listing) -> bool:
    halted = info.trading_disabled or info.is_disabled or info.view_only
    limited = info.cancel_only or info.post_only or info.auction_mode
    return info.product_type == _TYPES[kind] and info.status == "online" and not halted and not limited


def _instrument(venue: str, market: MarketSpec, info: Listing) -> Instrument:
    largest = _plain(info.base_max_size)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, info.base_currency_id, info.quote_currency_id),
        native=info.product_id,
        kind=market.kind,
        base=info.base_currency_id,
        quote=info.quote_currency_id,
        settle=info.quote_currency_id,
        tick=_plain(info.price_increment),
        lot=_plain(info.base_increment),
        min_qty=_plain(info.base_min_size),
        max_qty=largest,
        market_max_qty=largest,
        min_notional=_plain(info.quote_min_size),
        max_notional=_plain(info.quote_max_size),
        maker_fee=Decimal(market.maker_fee),
        taker_fee=Decimal(market.taker_fee),
    )


def _plain(text: str) -> Decimal:
    """The number without padding zeros (``0.10`` -> 0.1); InvalidOperation when it is none, or below 0."""
    number = Decimal(text)
    if not (number.is_finite() and number >= ZERO):
        raise InvalidOperation(f"{text!r} is not a number from 0 on")
    return number.normalize() + ZERO if number else ZERO

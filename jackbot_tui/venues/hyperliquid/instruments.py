"""metaAndAssetCtxs and spotMetaAndAssetCtxs into Instruments: Hyperliquid's rules in the house's words.

Pure; called by the codec only. The venue has no constant tick: a price has at most five significant figures (an integer
is always allowed) and a bounded number of decimals, so the tick given here is the one at the mark price of the reply,
the finest possible where the reply has none. Delisted perpetuals are left out. Source: docs, tick-and-lot-size.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.venues.base import MarketSpec
from jackbot_tui.venues.hyperliquid.spec import (
    BAND,
    FUNDING_INTERVAL_H,
    MAX_ORDERS,
    MIN_NOTIONAL,
    PRICE_DECIMALS,
    SIGNIFICANT_FIGURES,
)
from jackbot_tui.venues.hyperliquid.wire import (
    UNREADABLE,
    Context,
    PerpetualListing,
    SpotPair,
    SpotToken,
    SpotUniverse,
    Universe,
)
from jackbot_tui.venues.inference import symbol_of
from jackbot_tui.venues.texts import MAX_PRICE, is_number

SETTLE = "USDC"
"""Quote and settlement of every perpetual of the venue's own dex."""

BRIDGED = {
    "UBTC": "BTC", "UETH": "ETH", "USOL": "SOL", "USDT0": "USDT", "UBONK": "BONK", "UFART": "FARTCOIN",
    "UPUMP": "PUMP", "XAUT0": "XAUT", "UXPL": "XPL", "HPENGU": "PENGU", "UUUSPX": "SPX", "UDZ": "2Z",
}  # fmt: skip
"""Spot tokens that stand for a coin of another chain, and the name under which everybody else lists that coin."""

_PERPETUALS = msgspec.json.Decoder(Universe | tuple[Universe, list[Context]])
_SPOT = msgspec.json.Decoder(SpotUniverse | tuple[SpotUniverse, list[Context]])
_LISTING = msgspec.json.Decoder(PerpetualListing)
_PAIR = msgspec.json.Decoder(SpotPair)


def instruments_of(venue: str, market: MarketSpec, body: bytes | str) -> list[Instrument]:
    """Tradable instruments of a reply; WireError when it is not one or no listing can be read."""
    where = f"{venue} {market.kind.value} instruments"
    try:
        read = _spot if market.kind is MarketKind.SPOT else _perpetuals
        instruments, problem = read(venue, market, body)
    except UNREADABLE as error:
        raise WireError(f"{where} cannot be read ({error}): check the REST URL") from error
    if problem and not instruments:
        raise WireError(f"{where}: no listing can be read ({problem})")
    return instruments


def names_of(kind: MarketKind, coin: str) -> tuple[str, str] | None:
    """Base and quote of a coin without a listing; None when it is of the other market kind.

    A spot coin ``@107`` names neither: its number stands for the base, and USDC is taken for the quote.
    """
    if not coin or coin.startswith("#"):
        return None
    if coin.startswith("@") or "/" in coin:
        base, _, quote = coin.partition("/")
        return (base, quote or SETTLE) if kind is MarketKind.SPOT else None
    return (_base_of(coin), SETTLE) if kind is MarketKind.LINEAR else None


def tick_of(decimals: int, price: Decimal) -> Decimal:
    """Price step at ``price`` (0 = unknown) where at most ``decimals`` decimals are allowed."""
    finest = ONE.scaleb(-max(decimals, 0))
    if price <= ZERO:
        return finest
    return max(finest, min(ONE, ONE.scaleb(price.adjusted() + 1 - SIGNIFICANT_FIGURES)))


def _base_of(coin: str) -> str:
    """``kPEPE`` -> ``KPEPE``; a builder's ``xyz:TSLA`` -> ``XYZ-TSLA``, as ccxt has it."""
    return coin.upper().replace(":", "-")


def _perpetuals(venue: str, market: MarketSpec, body: bytes | str) -> tuple[list[Instrument], str]:
    reply = _PERPETUALS.decode(body)
    meta, contexts = (reply, []) if isinstance(reply, Universe) else reply
    found: list[Instrument] = []
    problem = ""
    for place, listing in enumerate(meta.universe):
        try:
            info = _LISTING.decode(listing)
            if not info.isDelisted:
                context = contexts[place] if place < len(contexts) else Context()
                found.append(_perpetual(venue, market, info, _mark(context)))
        except (*UNREADABLE, InvalidOperation) as error:
            problem = str(error)
    return found, problem


def _perpetual(venue: str, market: MarketSpec, info: PerpetualListing, mark: Decimal) -> Instrument:
    far = Decimal(BAND)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, _base_of(info.name), SETTLE),
        native=info.name,
        kind=market.kind,
        base=_base_of(info.name),
        quote=SETTLE,
        settle=SETTLE,
        tick=tick_of(PRICE_DECIMALS[market.kind] - info.szDecimals, mark),
        lot=ONE.scaleb(-info.szDecimals),
        min_qty=ONE.scaleb(-info.szDecimals),
        min_notional=Decimal(MIN_NOTIONAL),
        price_figures=SIGNIFICANT_FIGURES,
        maker_fee=Decimal(market.maker_fee),
        taker_fee=Decimal(market.taker_fee),
        max_leverage=Decimal(info.maxLeverage),
        max_orders=MAX_ORDERS,
        band=PriceBand("mark", buy_up=ONE + far, buy_down=ONE - far, sell_up=ONE + far, sell_down=ONE - far),
        funding_interval_h=FUNDING_INTERVAL_H,
    )


def _spot(venue: str, market: MarketSpec, body: bytes | str) -> tuple[list[Instrument], str]:
    """Contexts name their coin; their order and the pairs' order are not the same."""
    reply = _SPOT.decode(body)
    meta, contexts = (reply, []) if isinstance(reply, SpotUniverse) else reply
    marks = {context.coin: _mark(context) for context in contexts}
    tokens = {token.index: token for token in meta.tokens}
    taken = {token.name for token in meta.tokens}
    found: list[Instrument] = []
    problem = ""
    for listing in meta.universe:
        try:
            pair = _PAIR.decode(listing)
            base, quote = (tokens[index] for index in pair.tokens)
            names = _coin_of(base, taken), _coin_of(quote, taken)
            found.append(_pair(venue, market, pair, base, names, marks))
        except (*UNREADABLE, InvalidOperation, KeyError) as error:
            problem = str(error)
    return found, problem


def _pair(
    venue: str,
    market: MarketSpec,
    pair: SpotPair,
    base: SpotToken,
    names: tuple[str, str],
    marks: Mapping[str, Decimal],
) -> Instrument:
    lot = ONE.scaleb(-base.szDecimals)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, *names),
        native=pair.name,
        kind=market.kind,
        base=names[0],
        quote=names[1],
        settle=names[1],
        tick=tick_of(PRICE_DECIMALS[market.kind] - base.szDecimals, marks.get(pair.name, ZERO)),
        lot=lot,
        min_qty=lot,
        min_notional=Decimal(MIN_NOTIONAL),
        price_figures=SIGNIFICANT_FIGURES,
        maker_fee=Decimal(market.maker_fee),
        taker_fee=Decimal(market.taker_fee),
        max_orders=MAX_ORDERS,
    )


def _coin_of(token: SpotToken, taken: set[str]) -> str:
    """The common name of a bridged token, unless another token here bears it: no two instruments may share a key."""
    common = BRIDGED.get(token.name, token.name)
    return token.name if common in taken else common


def _mark(context: Context) -> Decimal:
    text = context.markPx or ""
    return Decimal(text) if is_number(text, MAX_PRICE) else ZERO

"""currency_pairs and contracts into Instruments: Gate's trading rules in the house's words (gateio.md §2, §10).

Pure; called by the codec only. Perpetuals count contracts: lots and sizes are turned into base units here. Left out is
what cannot be traded here: not open for trading, not settled in USDT, without tick or lot. The step of a contract that
trades in fractions is nowhere told: its smallest order is taken for it, which is a step for certain. The price band is
one-sided around the mark, as the venue enforces it.
"""

from decimal import Decimal, InvalidOperation

import msgspec

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.numbers import ONE, ZERO
from jackbot_tui.venues.base import MarketSpec
from jackbot_tui.venues.gateio.spec import FUNDING_INTERVAL_H
from jackbot_tui.venues.gateio.wire import UNREADABLE, Contract, Number, Pair, written
from jackbot_tui.venues.inference import symbol_of
from jackbot_tui.venues.texts import is_decimal

_REPLY = msgspec.json.Decoder(list[msgspec.Raw])
_PAIR = msgspec.json.Decoder(Pair)
_CONTRACT = msgspec.json.Decoder(Contract)

QUOTE = "USDT"
"""Quote and settlement currency of perpetuals."""

LISTINGS = {MarketKind.SPOT: "currency_pairs", MarketKind.LINEAR: "contracts"}


def instruments_of(venue: str, market: MarketSpec, body: bytes | str) -> list[Instrument]:
    """Tradable instruments of a reply; WireError when it is not one or no listing can be read."""
    where = f"{venue} {market.kind.value} {LISTINGS[market.kind]}"
    try:
        listings = _REPLY.decode(body)
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
            if made is not None:
                instruments.append(made)
        except (*UNREADABLE, InvalidOperation) as error:
            problem = str(error)
    if problem and not instruments:
        raise WireError(f"{where} has {len(listings)} listings and none can be read ({problem})")
    return [instrument for instrument in instruments if instrument.tick > ZERO and instrument.lot > ZERO]


def names_of(kind: MarketKind, native: str) -> tuple[str, str] | None:
    """``BTC_USDT`` -> ``("BTC", "USDT")``; None for no instrument of ``kind`` (a dated ``BTC_USDT_20261225``)."""
    parts = native.split("_")
    if len(parts) != 2 or not all(part.isalnum() for part in parts):
        return None
    return (parts[0], parts[1]) if kind is MarketKind.SPOT or parts[1] == QUOTE else None


def _pair(venue: str, market: MarketSpec, info: Pair) -> Instrument | None:
    if info.trade_status != "tradable":
        return None
    lot = ONE.scaleb(-info.amount_precision)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, info.base, info.quote),
        native=info.id,
        kind=market.kind,
        base=info.base,
        quote=info.quote,
        settle=info.quote,
        tick=ONE.scaleb(-info.precision),
        lot=lot,
        min_qty=max(lot, _plain(info.min_base_amount)),
        max_qty=_plain(info.max_base_amount),
        min_notional=_plain(info.min_quote_amount),
        max_notional=_plain(info.max_quote_amount),
        maker_fee=Decimal(market.maker_fee),
        taker_fee=Decimal(market.taker_fee),
    )


def _perpetual(venue: str, market: MarketSpec, info: Contract) -> Instrument | None:
    names = names_of(market.kind, info.name)
    open_for_trading = info.status == "trading" and not info.in_delisting and not info.is_pre_market
    if names is None or info.type != "direct" or not open_for_trading:
        return None
    base, quote = names
    contract, deviation = _plain(info.quanto_multiplier), _plain(info.order_price_deviate)
    smallest = _plain(info.order_size_min, contract)
    return Instrument(
        venue=venue,
        symbol=symbol_of(market.kind, base, quote),
        native=info.name,
        kind=market.kind,
        base=base,
        quote=quote,
        settle=quote,
        tick=_plain(info.order_price_round),
        lot=min(contract, smallest) if info.enable_decimal and smallest else contract,
        min_qty=smallest,
        max_qty=_plain(info.order_size_max, contract),
        market_max_qty=_plain(info.market_order_size_max, contract),
        contract_size=contract,
        maker_fee=Decimal(market.maker_fee),
        taker_fee=Decimal(market.taker_fee),
        max_leverage=_plain(info.leverage_max) or ONE,
        max_orders=info.orders_limit,
        band=PriceBand("mark", buy_up=ONE + deviation, sell_down=max(ZERO, ONE - deviation)) if deviation else None,
        funding_interval_h=info.funding_interval // 3600 or FUNDING_INTERVAL_H,
    )


def _plain(value: Number | None, times: Decimal = ONE) -> Decimal:
    """The number times ``times`` without padding zeros, 0 for an absent one; ValueError when it is no plain number."""
    text = written(value) if value else "0"
    if not is_decimal(text):
        raise ValueError(f"{text[:40]!r} is not a number from 0 on")
    number = Decimal(text) * times
    return number.normalize() + ZERO if number else ZERO

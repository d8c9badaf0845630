"""What a venue says about orders, trades, balances and positions, in typed form, read from ccxt's unified structures.

The client reads with these functions; the tracker merges what they give. Quantities are base units (contracts are
multiplied out here), times nanoseconds. Nothing is guessed: what the venue does not say is None.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from msgspec import Struct

from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import Liquidity, Side
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.numbers import ZERO

Raw = Mapping[str, Any]
"""One of ccxt's unified structures."""

OurId = Callable[[str], str]
"""Finds our client id in what the venue shows, "" for a foreign one."""


class OrderWord(StrEnum):
    """What a venue calls an order, as ccxt unifies it."""

    OPEN = "open"
    CLOSED = "closed"  # nothing is left to work: usually filled
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def ended(self) -> bool:
        return self is not OrderWord.OPEN


_WORDS = {
    "open": OrderWord.OPEN,
    "canceling": OrderWord.OPEN,
    "closed": OrderWord.CLOSED,
    "canceled": OrderWord.CANCELED,
    "cancelled": OrderWord.CANCELED,
    "expired": OrderWord.EXPIRED,
    "rejected": OrderWord.REJECTED,
}


class TradeStatement(Struct, frozen=True, kw_only=True):
    """One execution of one of the account's orders. ``client_id`` is ours, "" for a foreign or an untold one."""

    trade_id: str
    venue_id: str
    client_id: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    liquidity: Liquidity
    fee: Decimal
    fee_currency: str
    ts: int


class OrderStatement(Struct, frozen=True, kw_only=True):
    """An order as the venue sees it at ``ts`` (0 = it does not say when). None = not told.

    ``client_id`` is ours, "" for a foreign order. ``waits``: for its trigger; ``follower``: the venue's id of the order
    that it has become, "" = the same or not told.
    """

    venue_id: str
    client_id: str
    symbol: str
    word: OrderWord | None = None
    side: Side | None = None
    quantity: Decimal | None = None
    filled: Decimal | None = None
    price: Decimal | None = None
    trades: tuple[TradeStatement, ...] = ()
    ts: int = 0
    waits: bool | None = None
    follower: str = ""


class BalanceStatement(Struct, frozen=True):
    """One currency of the account: all of it, and what nothing ties up."""

    currency: str
    total: Decimal
    free: Decimal


class PositionStatement(Struct, frozen=True, kw_only=True):
    """A perpetual position at the venue; ``quantity`` is signed base units. None = not told."""

    symbol: str
    quantity: Decimal
    entry: Decimal
    mode: MarginMode | None = None
    leverage: Decimal | None = None
    liquidation: Decimal | None = None
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    collateral: Decimal | None = None
    unrealized: Decimal | None = None


class AccountStatement(Struct, frozen=True, kw_only=True):
    """What the account holds: all its currencies, and every position that is not flat."""

    balances: tuple[BalanceStatement, ...] = ()
    positions: tuple[PositionStatement, ...] = ()


def decimal_or_none(value: object) -> Decimal | None:
    """A number as ccxt gives it; None for nothing and for what is no finite number."""
    if value is None or value == "" or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))  # of a float: its shortest text, which is what the venue sent
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def order_of(raw: Raw, size: Decimal, our_id: OurId) -> OrderStatement:
    """ccxt's order structure. ``size`` is base units per contract, ``our_id`` finds our id in the venue's."""
    trades = raw.get("trades") or ()
    side = raw.get("side")
    return OrderStatement(
        venue_id=_text(raw.get("id")),
        client_id=our_id(_text(raw.get("clientOrderId"))),
        symbol=_text(raw.get("symbol")),
        word=_WORDS.get(_text(raw.get("status"))),
        side=Side(side) if side in ("buy", "sell") else None,
        quantity=_times(raw.get("amount"), size),
        filled=_times(raw.get("filled"), size),
        price=decimal_or_none(raw.get("price")) or None,
        trades=tuple(read for each in trades if (read := trade_of(each, size, our_id, raw)) is not None),
        ts=_time(raw.get("lastUpdateTimestamp") or raw.get("lastTradeTimestamp") or raw.get("timestamp")),
    )


def trade_of(raw: Raw, size: Decimal, our_id: OurId, order: Raw | None = None) -> TradeStatement | None:
    """ccxt's trade structure; None when it lacks id, price or quantity, without which it cannot be counted once."""
    order = order or {}
    price, quantity = decimal_or_none(raw.get("price")), _times(raw.get("amount"), size)
    trade_id, side = _text(raw.get("id")), raw.get("side") or order.get("side")
    if not trade_id or not price or not quantity or quantity < 0 or side not in ("buy", "sell"):
        return None
    fee, currency = _fee(raw)
    return TradeStatement(
        trade_id=trade_id,
        venue_id=_text(raw.get("order")) or _text(order.get("id")),
        client_id=our_id(_text(raw.get("clientOrderId")) or _text(order.get("clientOrderId"))),
        symbol=_text(raw.get("symbol")) or _text(order.get("symbol")),
        side=Side(side),
        price=price,
        quantity=quantity,
        liquidity=Liquidity.MAKER if raw.get("takerOrMaker") == "maker" else Liquidity.TAKER,
        fee=fee,
        fee_currency=currency,
        ts=_time(raw.get("timestamp")),
    )


def balances_of(raw: Raw) -> tuple[BalanceStatement, ...]:
    """ccxt's balance structure: the currencies of which there is anything."""
    totals, free = raw.get("total") or {}, raw.get("free") or {}
    read = (
        BalanceStatement(name, decimal_or_none(total) or ZERO, decimal_or_none(free.get(name)) or ZERO)
        for name, total in totals.items()
    )
    return tuple(sorted((each for each in read if each.total or each.free), key=lambda each: each.currency))


def position_of(raw: Raw, size: Decimal) -> PositionStatement | None:
    """ccxt's position structure; None for a flat one."""
    quantity = _times(raw.get("contracts"), size)
    if not quantity:
        return None
    sign = -1 if raw.get("side") == "short" else 1
    mode = raw.get("marginMode")
    return PositionStatement(
        symbol=_text(raw.get("symbol")),
        quantity=abs(quantity) * sign,
        entry=decimal_or_none(raw.get("entryPrice")) or ZERO,
        mode=MarginMode(mode) if mode in ("cross", "isolated") else None,
        leverage=decimal_or_none(raw.get("leverage")),
        liquidation=decimal_or_none(raw.get("liquidationPrice")),
        initial_margin=decimal_or_none(raw.get("initialMargin")),
        maintenance_margin=decimal_or_none(raw.get("maintenanceMargin")),
        collateral=decimal_or_none(raw.get("collateral")),
        unrealized=decimal_or_none(raw.get("unrealizedPnl")),
    )


def _fee(raw: Raw) -> tuple[Decimal, str]:
    """Amount (positive = paid) and currency; zero where the venue tells none."""
    fees: Sequence[Raw] = [each for each in (raw.get("fees") or [raw.get("fee")]) if each]
    for fee in fees:
        cost, currency = decimal_or_none(fee.get("cost")), _text(fee.get("currency"))
        if cost is not None and currency:
            return cost, currency
    return ZERO, ""


def _times(value: object, size: Decimal) -> Decimal | None:
    number = decimal_or_none(value)
    return None if number is None else number * size


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _time(value: object) -> int:
    number = decimal_or_none(value)
    return 0 if number is None else int(number) * NS_PER_MS

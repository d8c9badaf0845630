"""What the matching engine takes in and gives out: orders, executions, reasons, listeners, update ids.

Used by ``sim.matching``, the flow and the gateways. Plain values in ticks and lots; no behaviour beyond counting ids.
"""

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from jackbot_tui.model.enums import OrderStatus, Side, TimeInForce

CROWD = 0  # account of the anonymous order flow


class SelfTrade(StrEnum):
    """Self-trade prevention, by Binance's names (spot docs, page self-trade prevention)."""

    NONE = "NONE"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"


class Reason(StrEnum):
    """Why an order ended, or never began."""

    NONE = ""
    BAD_PRICE = "price must be a positive number of ticks"
    BAD_QUANTITY = "quantity must be a positive number of lots"
    POST_ONLY = "post-only order would take"
    REDUCE_ONLY = "reduce-only order would not reduce the position"
    FOK = "fill-or-kill order cannot be filled at once"
    IOC = "remainder of an immediate-or-cancel order"
    NO_LIQUIDITY = "no liquidity left for the market order"
    SELF_TRADE = "self-trade prevention"
    CANCELED = "canceled by its owner"
    AMENDED_AWAY = "amended to a quantity already filled"
    UNAFFORDABLE = "triggered when the account could not carry it"
    COUNTDOWN = "canceled by the dead-man switch"
    LIQUIDATION = "canceled because the position is liquidated"


class BookOrder(Struct, gc=False):
    """An order as the engine keeps it: price in ticks (0 for market), quantities in lots. Only the engine writes it."""

    order_id: int
    account: int
    client_id: str
    side: Side
    price: int
    quantity: int
    remaining: int
    tif: TimeInForce
    post_only: bool
    reduce_only: bool
    self_trade: SelfTrade
    created_ns: int
    status: OrderStatus = OrderStatus.NEW
    reason: Reason = Reason.NONE

    @property
    def filled(self) -> int:
        return self.quantity - self.remaining


class Execution(Struct, frozen=True, gc=False):
    """One match. ``price`` in ticks, ``quantity`` in lots, ``ts`` nanoseconds; ids count up by one per engine."""

    trade_id: int
    ts: int
    price: int
    quantity: int
    buyer_is_maker: bool
    maker_order_id: int
    taker_order_id: int
    maker_account: int
    taker_account: int


class BookListener(Protocol):
    """Told of everything that happens, in the order in which it happens, before the engine's call returns."""

    def on_execution(self, execution: Execution) -> None: ...

    def on_level(self, side: Side, price: int, quantity: int, update_id: int) -> None:
        """The whole size at ``price`` is now ``quantity`` (0: the level is gone)."""

    def on_order(self, order: BookOrder, now: int) -> None:
        """An order of a named account (not the crowd) changed: accepted, filled in part or whole, ended, amended."""


class UpdateIds:
    """Update ids that count up by one: Binance spot, where each book has its own."""

    __slots__ = ("last",)

    def __init__(self, start: int = 0) -> None:
        self.last = start

    def take(self) -> int:
        self.last += 1
        return self.last

"""The shapes of Hyperliquid's actions: what is decoded, and, encoded again, what the venue hashes and checks.

Part of ``private``. The venue hashes an action as it understood it, fields in this order and figures without zeros at
the end: whoever signed anything else is told of an address that does not exist. Shapes:
../shared/exchanges/hyperliquid.md §8.1.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Cloid = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{32}$")]
Figure = Annotated[str, Meta(pattern=r"^\d{1,20}(\.\d{1,20})?$")]
Number = Annotated[int, Meta(ge=0, le=2**62)]


class Limit(Struct):
    tif: Literal["Gtc", "Ioc", "Alo", "FrontendMarket"]


class TriggerKind(Struct):
    isMarket: bool
    triggerPx: Figure
    tpsl: Literal["tp", "sl"]

    def __post_init__(self) -> None:
        self.triggerPx = without_zeros(self.triggerPx)


class OrderKind(Struct, omit_defaults=True):
    limit: Limit | None = None
    trigger: TriggerKind | None = None


class WantedOrder(Struct, omit_defaults=True):
    a: Number
    b: bool
    p: Figure
    s: Figure
    r: bool
    t: OrderKind
    c: Cloid | None = None

    def __post_init__(self) -> None:
        self.p, self.s = without_zeros(self.p), without_zeros(self.s)
        if (self.t.limit is None) is (self.t.trigger is None):
            raise ValueError("an order is a limit order or has a trigger")


class Builder(Struct):
    b: str
    f: Number


class Place(Struct, tag="order", omit_defaults=True):
    orders: list[WantedOrder]
    grouping: Literal["na", "normalTpsl", "positionTpsl"]
    builder: Builder | None = None


class CancelRow(Struct):
    a: Number
    o: Number


class Cancel(Struct, tag="cancel"):
    cancels: list[CancelRow]


class CancelByCloidRow(Struct):
    asset: Number
    cloid: Cloid


class CancelByCloid(Struct, tag="cancelByCloid"):
    cancels: list[CancelByCloidRow]


class ModifyRow(Struct):
    oid: Number | Cloid
    order: WantedOrder


class Modify(Struct, tag="modify"):
    oid: Number | Cloid
    order: WantedOrder


class BatchModify(Struct, tag="batchModify"):
    modifies: list[ModifyRow]


class UpdateLeverage(Struct, tag="updateLeverage"):
    asset: Number
    isCross: bool
    leverage: Number


class UpdateIsolatedMargin(Struct, tag="updateIsolatedMargin"):
    asset: Number
    isBuy: bool
    ntli: int


class ScheduleCancel(Struct, tag="scheduleCancel", omit_defaults=True):
    time: Number | None = None


class SetReferrer(Struct, tag="setReferrer"):
    code: str


class Noop(Struct, tag="noop"):
    pass


Action = (
    Place | Cancel | CancelByCloid | Modify | BatchModify | UpdateLeverage | UpdateIsolatedMargin | ScheduleCancel
    | SetReferrer | Noop
)  # fmt: skip


def size_of(action: Action) -> int:
    """How many orders or cancels an action holds; 1 for any other."""
    match action:
        case Place():
            return len(action.orders)
        case Cancel() | CancelByCloid():
            return len(action.cancels)
        case BatchModify():
            return len(action.modifies)
    return 1


def is_cancel(action: Action) -> bool:
    return isinstance(action, (Cancel, CancelByCloid))


def without_zeros(text: str) -> str:
    """``61000.0`` -> ``61000``, as the venue writes figures before it hashes them."""
    return text.rstrip("0").rstrip(".") if "." in text else text

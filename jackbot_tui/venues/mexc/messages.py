"""Spot's binary frames: the parts of MEXC's protobuf messages that are read here, built when this module is imported.

Only this venue imports it, so that no other start pays for protobuf. The messages are described by a table instead of a
generated module: such a module refuses older runtimes, and it registers itself for the whole process, where ccxt keeps
its own older version under the same names. Fields that are not in the table are skipped by the decoder, as the venue's
documentation wants it. Field names and numbers: mexcdevelop/websocket-proto of 2026-06-17 (mexc.md §3c).
"""

from collections.abc import Sequence
from typing import Protocol, cast

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

__all__ = [
    "BODIES",
    "UNREADABLE_BINARY",
    "BestBody",
    "DealRow",
    "DealsBody",
    "DepthBody",
    "LevelRow",
    "Wrapper",
    "read",
]

UNREADABLE_BINARY = (DecodeError, ValueError)
"""What reading foreign bytes, and texts in them as numbers, may raise."""


class LevelRow(Protocol):
    price: str
    quantity: str


class DepthBody(Protocol):
    """Changed levels. Versions are decimal text: they count by one, a message spans from first to last."""

    asks: Sequence[LevelRow]
    bids: Sequence[LevelRow]
    fromVersion: str
    toVersion: str


class DealRow(Protocol):
    """One match. ``tradeType`` is the taker's side: 1 bought, 2 sold. ``tradeId`` may be empty."""

    price: str
    quantity: str
    tradeType: int
    time: int
    tradeId: str


class DealsBody(Protocol):
    deals: Sequence[DealRow]


class BestBody(Protocol):
    bidPrice: str
    bidQuantity: str
    askPrice: str
    askQuantity: str
    version: str


class Wrapper(Protocol):
    """Every data frame: ``channel`` names the stream, one of the bodies holds the data. Times in ms."""

    channel: str
    symbol: str
    sendTime: int
    publicAggreDepths: DepthBody
    publicAggreDeals: DealsBody
    publicAggreBookTicker: BestBody

    def HasField(self, field_name: str, /) -> bool: ...

    def SerializeToString(self) -> bytes: ...


BODIES = ("publicAggreDepths", "publicAggreDeals", "publicAggreBookTicker")
"""Fields of ``Wrapper`` that hold data. A frame has one of them at most."""

_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Level": {"price": (1, "string"), "quantity": (2, "string")},
    "Depths": {
        "asks": (1, "Level*"),
        "bids": (2, "Level*"),
        "eventType": (3, "string"),
        "fromVersion": (4, "string"),
        "toVersion": (5, "string"),
        "lastOrderCreateTime": (6, "int64"),
    },
    "Deal": {
        "price": (1, "string"),
        "quantity": (2, "string"),
        "tradeType": (3, "int32"),
        "time": (4, "int64"),
        "tradeId": (5, "string"),
    },
    "Deals": {"deals": (1, "Deal*"), "eventType": (2, "string")},
    "BookTicker": {
        "bidPrice": (1, "string"),
        "bidQuantity": (2, "string"),
        "askPrice": (3, "string"),
        "askQuantity": (4, "string"),
        "version": (5, "string"),
        "lastOrderCreateTime": (6, "int64"),
    },
    "Wrapper": {
        "channel": (1, "string"),
        "symbol": (3, "string"),
        "symbolId": (4, "string"),
        "createTime": (5, "int64"),
        "sendTime": (6, "int64"),
        "publicAggreDepths": (313, "Depths"),
        "publicAggreDeals": (314, "Deals"),
        "publicAggreBookTicker": (315, "BookTicker"),
    },
}
"""Message -> field -> number and type; ``*`` marks a list."""

_PACKAGE = "jackbot.mexc"


def _wrapper_class() -> type[Wrapper]:
    """The class of ``Wrapper``, from the table, in a pool of its own."""
    field = descriptor_pb2.FieldDescriptorProto
    scalars = {"string": field.TYPE_STRING, "int32": field.TYPE_INT32, "int64": field.TYPE_INT64}
    file = descriptor_pb2.FileDescriptorProto(name="mexc.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind) in fields.items():
            label = field.LABEL_REPEATED if kind.endswith("*") else field.LABEL_OPTIONAL
            added = message.field.add(name=field_name, number=number, label=label)
            if kind in scalars:
                added.type = scalars[kind]
            else:
                added.type, added.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{kind.rstrip('*')}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Wrapper"))
    return cast("type[Wrapper]", found)


WRAPPER = _wrapper_class()
"""Makes an empty frame: whoever plays the venue fills it in."""

_READ = WRAPPER.FromString  # type: ignore[attr-defined]


def read(raw: bytes) -> Wrapper:
    """The message in these bytes; raises DecodeError where they are none."""
    return cast("Wrapper", _READ(raw))

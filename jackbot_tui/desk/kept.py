"""What parent orders keep here and would do at a price: armed prophetic orders, watched stops; for the ladder.

Only prices that are certain are told: a stop level that was said as a price, until something has been taken off. What
trails, and what counts from an entry, moves; the page of parent orders says where it stands.
"""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.algos.levels import levels
from jackbot_tui.algos.state import Kind, ParentPicture, ParentStatus
from jackbot_tui.desk.views import KeptView
from jackbot_tui.model.enums import Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.numbers import ZERO, text_of

ARMED = "armed"
STOP = "stop"
WATCHING = (ParentStatus.RUNNING, ParentStatus.PAUSED)


class Kept(Struct, frozen=True):
    """``side`` is that of the order that would follow."""

    number: int
    key: str
    side: Side
    what: str
    quantity: Decimal
    price: Decimal


def kept_of(pictures: Iterable[ParentPicture]) -> list[Kept]:
    """Everything that the parents of ``pictures`` keep here at a certain price."""
    return [each for picture in pictures if picture.status in WATCHING for each in _kept(picture)]


def kept_view(kept: Kept, instrument: Instrument, index: int) -> KeptView:
    """As a screen shows it; ``index`` is its row of the ladder."""
    price = f"{kept.price:.{instrument.price_places}f}"
    return KeptView(kept.number, kept.key, kept.side.value, kept.what, text_of(kept.quantity), price, index)


def _kept(picture: ParentPicture) -> list[Kept]:
    values, running = picture.values, picture.status is ParentStatus.RUNNING
    held, left = picture.filled - picture.exited, picture.quantity - picture.filled
    out = picture.side.opposite
    match picture.kind:
        case Kind.PROPHET if running and not picture.orders and left > ZERO:
            return [_at(picture, picture.side, ARMED, left, Decimal(values["price"]))]
        case Kind.BRACKET if held > ZERO:
            return [_at(picture, out, STOP, held, Decimal(values["stop"]))]
        case Kind.OCO if running and left > ZERO:
            return [_at(picture, picture.side, STOP, left, Decimal(values["stop"]))]
        case _ if "sl" in values and values.get("on") == "position":
            return [] if picture.filled else _stops(picture, picture.side, left)
        case _ if "sl" in values and held > ZERO and not picture.exited:
            return _stops(picture, out, held)
    return []


def _stops(picture: ParentPicture, side: Side, size: Decimal) -> list[Kept]:
    """The stop levels that are prices; what each takes is not told where there are several."""
    text = picture.values["sl"]
    found = levels(text) if text else ()
    whole = size if len(found) == 1 else ZERO
    return [_at(picture, side, STOP, whole, each.place.number) for each in found if not each.place.unit]


def _at(picture: ParentPicture, side: Side, what: str, quantity: Decimal, price: Decimal) -> Kept:
    return Kept(picture.number, picture.key, side, what, quantity, price)

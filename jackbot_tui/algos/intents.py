"""What a parent order wants done: made by ``machine``, carried out by its host."""

from msgspec import Struct

from jackbot_tui.algos.state import Want
from jackbot_tui.model.orders import OrderRequest


class Place(Struct, frozen=True):
    """Send this order; ``on_placed`` or ``on_refused`` must follow."""

    want: Want
    request: OrderRequest


class CancelChild(Struct, frozen=True):
    client_id: str


class Tell(Struct, frozen=True):
    """One line for people. ``level``: info, good, warn, bad."""

    level: str
    text: str


Intent = Place | CancelChild | Tell

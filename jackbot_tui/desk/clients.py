"""What the desk remembers of each client: its ticket settings and when it was last heard."""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.desk.views import ClientInfo

DEFAULT_PRESETS = tuple(Decimal(text) for text in ("0.001", "0.01", "0.1", "0.5", "1"))
NEVER = -1


class Ticket(Struct, frozen=True):
    """Settings that order words of one client fall back on. Quantities in base units, ``slip_ticks`` 0 = no bound."""

    key: str = ""
    quantity: Decimal = DEFAULT_PRESETS[1]
    preset: int = 2
    presets: tuple[Decimal, ...] = DEFAULT_PRESETS
    group: int = 1
    slip_ticks: int = 0
    post: bool = False
    reduce: bool = False


class ClientState:
    """One attached client. Times are nanoseconds, ``NEVER`` before the first."""

    def __init__(self, info: ClientInfo, ticket: Ticket, now: int) -> None:
        self.info = info
        self.ticket = ticket
        self.last_line_ns = now
        self.last_beat_ns = NEVER
        self.glass_age_ms = -1.0
        self.pictures = 0
        self.looked_at_key = ""
        self.looked_at_ns = NEVER

    @property
    def label(self) -> str:
        """How people are told of it."""
        name = f" {self.info.name}" if self.info.name else ""
        return f"{self.info.role.value} {self.info.client_id}{name}"

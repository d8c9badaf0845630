"""What was asked of a venue on one connection, and what it has confirmed, refused or left unanswered.

Sans-I/O; used by ``stream`` only.
"""

from msgspec import Struct


class Refusal(Struct, frozen=True):
    request_id: int
    frame: str
    message: str


class SubscriptionLedger:
    """Requests by id: pending until ``acknowledge`` or ``refuse``; overdue when neither came before the deadline."""

    def __init__(self) -> None:
        self.pending: dict[int, tuple[str, int]] = {}  # id -> (frame, deadline in ns)
        self.refused: dict[int, Refusal] = {}
        self.confirmed = 0

    @property
    def complete(self) -> bool:
        """True while nothing is pending and nothing refused waits for another try."""
        return not self.pending and not self.refused

    def expect(self, request_id: int, frame: str, deadline: int) -> None:
        """``frame`` is about to be sent."""
        self.refused.pop(request_id, None)
        self.pending[request_id] = (frame, deadline)

    def acknowledge(self, request_id: int) -> bool:
        """The venue confirmed it. False for an id that is not pending here."""
        if self.pending.pop(request_id, None) is None:
            return False
        self.confirmed += 1
        return True

    def refuse(self, request_id: int, message: str) -> bool:
        """The venue said no. False for an id that is not pending here."""
        entry = self.pending.pop(request_id, None)
        if entry is None:
            return False
        self.refused[request_id] = Refusal(request_id, entry[0], message)
        return True

    def overdue(self, now: int) -> list[int]:
        """Ids whose deadline has passed."""
        return [request_id for request_id, (_, deadline) in self.pending.items() if deadline <= now]

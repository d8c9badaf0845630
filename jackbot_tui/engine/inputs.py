"""What enters an engine besides the frames of its connections: one record per cause, in the order of effect.

A capture of a session holds these between the frames, as records of kind ``input``; together they are all that the
journal follows from (``turns`` writes them, ``backtest.session`` plays them). Plain values with their text form;
nothing here acts. What an engine does by itself because of an input is no input.
"""

from decimal import Decimal

import msgspec
from msgspec import Struct

from jackbot_tui.algos.state import Action, ParentRequest
from jackbot_tui.engine.parents import ParentOptions
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.journal.base import Recovered
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.errors import CaptureError, InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.orders import OrderRequest
from jackbot_tui.risk.limits import RiskLimits

FORMAT = 1
"""Counts up when the meaning of these records changes: an older capture then says so instead of differing."""

INPUT_CONN = "engine"
"""The ``conn`` of these records in a capture."""


class SessionBegan(Struct, frozen=True, tag="session", kw_only=True):
    """An engine came up with this configuration, on a journal that stood at ``last_seq`` and gave back ``recovered``.

    ``instant``: the journal is in memory, so that records are durable at once.
    """

    format: int
    mode: str
    venue: str
    symbols: list[str]
    seed: int
    version: str
    limits: RiskLimits
    paper: PaperConfig
    journal_id: str
    journal_session: int
    last_seq: int
    instant: bool
    recovered: Recovered | None
    parents: ParentOptions = ParentOptions()


class SessionClosed(Struct, frozen=True, tag="closed"):
    """The journal of the session as it was written: how many records, their SHA-256, see ``TurnJournal.digest``.

    ``lost`` records of this capture were dropped while it was written; ``flaw`` says what else a replay cannot know,
    "" for nothing.
    """

    digest: str
    records: int
    lost: int
    flaw: str


class Ended(Struct, frozen=True, tag="ended"):
    """The engine ends its session."""

    reason: str


class Followed(Struct, frozen=True, tag="followed"):
    """An instrument is followed from now on, with the rules that the venue told."""

    instrument: Instrument


class Connected(Struct, frozen=True, tag="connected"):
    conn: str
    kind: MarketKind
    book_keys: tuple[str, ...]


class Disconnected(Struct, frozen=True, tag="disconnected"):
    conn: str
    reason: str


class Answered(Struct, frozen=True, tag="answered"):
    """The reply recorded last is the snapshot that was asked for ``key``."""

    key: str


class AnswerFailed(Struct, frozen=True, tag="answer_failed"):
    key: str
    reason: str


class Resubscribed(Struct, frozen=True, tag="resubscribed"):
    key: str


class Looked(Struct, frozen=True, tag="looked"):
    """Books were looked at for silence; ``heard``: when anything last came over connections, where that is new."""

    heard: dict[str, int] = {}


class Advanced(Struct, frozen=True, tag="advanced"):
    """The timer: time went on."""


class Measured(Struct, frozen=True, tag="measured"):
    """A round trip to the venue took so long."""

    round_trip_ns: int


class Committed(Struct, frozen=True, tag="committed"):
    """The disk has everything up to this journal record: what waited for it goes on."""

    seq: int


class JournalProblem(Struct, frozen=True, tag="journal_problem"):
    """Why the journal cannot be written from now on, "" when it can again."""

    text: str


class Stopping(Struct, frozen=True, tag="stopping"):
    """Whether the engine is on its way down and takes no new orders."""

    stopping: bool


class Submit(Struct, frozen=True, tag="submit"):
    request: OrderRequest
    confirmed: bool = False


class Cancel(Struct, frozen=True, tag="cancel"):
    client_id: str
    source: str


class Amend(Struct, frozen=True, tag="amend"):
    client_id: str
    price: Decimal | None
    quantity: Decimal | None
    source: str


class CancelAll(Struct, frozen=True, tag="cancel_all"):
    key: str | None
    side: Side | None
    owner: str | None
    source: str


class Flatten(Struct, frozen=True, tag="flatten"):
    key: str | None
    source: str


class Reverse(Struct, frozen=True, tag="reverse"):
    key: str
    source: str


class Kill(Struct, frozen=True, tag="kill"):
    source: str
    flatten: bool


class ResetKill(Struct, frozen=True, tag="reset_kill"):
    source: str


class ChooseMargin(Struct, frozen=True, tag="margin"):
    key: str
    mode: MarginMode | None
    leverage: Decimal | None
    source: str


class BeginParent(Struct, frozen=True, tag="begin_parent"):
    request: ParentRequest


class SteerParent(Struct, frozen=True, tag="steer_parent"):
    number: int
    action: Action
    quantity: Decimal | None
    changes: dict[str, str]
    source: str


class StopParents(Struct, frozen=True, tag="stop_parents"):
    key: str | None
    side: Side | None
    source: str


class Noted(Struct, frozen=True, tag="note"):
    topic: str
    text: str


class CommandLine(Struct, frozen=True, tag="command"):
    """A line of the command language as it is journaled; what it does follows as inputs of its own."""

    source: str
    line: str
    seen: dict[str, str] = {}


Ask = (
    Submit
    | Cancel
    | Amend
    | CancelAll
    | Flatten
    | Reverse
    | Kill
    | ResetKill
    | ChooseMargin
    | BeginParent
    | SteerParent
    | StopParents
    | Noted
    | CommandLine
    | Stopping
    | Ended
)
"""What people, and the end of a session, want of the engine."""

Fact = (
    Followed
    | Connected
    | Disconnected
    | Answered
    | AnswerFailed
    | Resubscribed
    | Looked
    | Advanced
    | Measured
    | Committed
    | JournalProblem
)
"""What happened around it."""

Input = SessionBegan | SessionClosed | Ask | Fact

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Input)


def text_of_input(entered: Input) -> str:
    """The ``raw`` of the record. InputError when it holds text that is none."""
    try:
        return _ENCODER.encode(entered).decode()
    except UnicodeEncodeError as error:
        raise InputError(f"that cannot be written as text ({error.reason}): nothing was done") from error


def input_of(raw: str | bytes) -> Input:
    """The input in a record's ``raw``; CaptureError when it is none of this version's."""
    try:
        found: Input = _DECODER.decode(raw)
    except msgspec.DecodeError as error:
        raise CaptureError(
            f"an input of the engine cannot be read ({error}): was it recorded by another version?"
        ) from error
    return found

"""Records as text: the one place that says how a record looks in the log.

A record is one JSON object whose ``type`` is the record's kind; money is decimal text, time integer nanoseconds. Used
by both journals, by recovery and by reports. ``checked_text`` is the gate: what passes can be stored, projected by the
database and read back equal.
"""

import msgspec

from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.records import (
    DifferenceSettled,
    FundingApplied,
    MarginSet,
    MarkSampled,
    OrderRefused,
    OrderSubmitted,
    ParentMoved,
    ParentStarted,
    PositionAdopted,
    Record,
)

MAX_INTEGER = 2**63 - 1
"""SQLite stores integers of 64 bits with sign."""

MAX_TEXT = 256 * 1024
"""Longest record in characters. A thousand times the usual; anything longer is a fault of the caller."""

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Record)


def checked_text(record: Record) -> str:
    """The record's text. JournalError when it cannot be stored and read back."""
    kind = kind_of(record)
    try:
        text = _ENCODER.encode(record).decode()
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        raise JournalError(f"a {kind} record cannot be written as text ({error}): it was not journaled") from error
    if len(text) > MAX_TEXT:
        raise JournalError(f"a {kind} record of {len(text)} characters exceeds {MAX_TEXT}: it was not journaled")
    for value in _integers_of(record):
        if not 0 <= value <= MAX_INTEGER:
            raise JournalError(f"a {kind} record has a number out of range ({value}): it was not journaled")
    return text


def decode(seq: int, text: str | bytes) -> Record:
    """The record in ``text``, which is number ``seq`` of the log. JournalError when it is none."""
    try:
        record: Record = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JournalError(f"record {seq} of the log cannot be read ({error}): restore a backup") from error
    return record


def kind_of(record: Record) -> str:
    """The record's kind: the ``type`` of its text, such as ``filled``."""
    return str(record.__struct_config__.tag)


def subject_of(record: Record) -> str:
    """What the record is about: a client order id, an instrument key, or "" for the engine itself."""
    match record:
        case OrderSubmitted():
            return record.order.client_id
        case OrderRefused():
            return record.request.key
        case FundingApplied() | MarginSet() | MarkSampled() | PositionAdopted():
            return record.key
        case DifferenceSettled():
            return record.subject
        case ParentStarted() | ParentMoved():
            return record.parent_id
        case _:
            return getattr(record, "client_id", "")


def _integers_of(record: Record) -> tuple[int, ...]:
    if isinstance(record, OrderSubmitted):
        order = record.order
        return record.ts, order.number, order.created_ns, order.updated_ns, order.triggered_ns
    if isinstance(record, ParentStarted):
        return record.ts, record.number, record.seed
    if isinstance(record, PositionAdopted):
        return record.ts, record.until
    return (record.ts,)

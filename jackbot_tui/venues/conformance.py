"""What the conformance run found, by venue and market kind: for the feature matrix, written by ``make conformance``.

The results lie beside this module (``conformance.json``), so an installed program can say what it was proven to do.
Nothing here runs a test.
"""

from enum import StrEnum
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind

PATH = Path(__file__).with_name("conformance.json")


class Aspect(StrEnum):
    """What a venue's market is tried for; the columns of the table."""

    DOCUMENTS = "documents"
    RECORDINGS = "recordings"
    BOOK = "book"
    FAULTS = "faults"
    RECONNECT = "reconnect"
    CCXT = "ccxt"


MEANINGS = {
    Aspect.DOCUMENTS: "golden frames and quirks of the venue's documents",
    Aspect.RECORDINGS: "recorded real frames, with the facts known about them",
    Aspect.BOOK: "the book rebuilt from the wire equals the matching engine's at every checkpoint",
    Aspect.FAULTS: "drop, repeat, reorder, corrupt, truncate, wrong checksum, silence, half-open, close codes, "
    "maintenance, refusal of one symbol of many: never a wrong live book, and it recovers",
    Aspect.RECONNECT: "reconnection and planned rotation",
    Aspect.CCXT: "unmodified ccxt sees the matching engine's book, trades and market rules",
}


class Outcome(Struct):
    """Tests of one aspect. ``reasons`` are those of skipped ones, each once."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: list[str] = []

    @property
    def text(self) -> str:
        """``12``, ``11 of 12 failed`` …, and ``+`` where something could not be tried."""
        if self.failed:
            return f"{self.failed} of {self.passed + self.failed} FAILED"
        if not self.passed:
            return "not tried" if self.skipped else "-"
        return f"{self.passed}{'+' if self.skipped else ''}"


class MarketResults(Struct):
    """``level_changes``: how many of the matching engines' level changes the book run covered."""

    venue: str
    kind: MarketKind
    aspects: dict[Aspect, Outcome]
    level_changes: int = 0

    @property
    def supported(self) -> bool:
        """All green: every aspect was tried and nothing failed."""
        return all(
            (outcome := self.aspects.get(aspect)) is not None and outcome.passed > 0 and not outcome.failed
            for aspect in Aspect
        )


def encode(results: list[MarketResults]) -> bytes:
    """The file's text: one line a market, in order."""
    ordered = sorted(results, key=lambda result: (result.venue, result.kind.value))
    return b"[\n" + b",\n".join(msgspec.json.encode(result, order="deterministic") for result in ordered) + b"\n]\n"


@cache
def known_results() -> dict[tuple[str, MarketKind], MarketResults]:
    """The results of the last whole run; empty when there was none."""
    if not PATH.is_file():
        return {}
    found = msgspec.json.decode(PATH.read_bytes(), type=list[MarketResults])
    return {(result.venue, result.kind): result for result in found}

"""What the conformance run found, by venue and market kind: for the feature matrix, written by ``make conformance``.

The results lie beside this module (``conformance.json``), so an installed program can say what it was proven to do.
A run of some aspects leaves the figures of the others as they were. Nothing here runs a test.
"""

from collections.abc import Iterable
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
    PRIVATE = "private"
    LIVE = "live"


MEANINGS = {
    Aspect.DOCUMENTS: "golden frames and quirks of the venue's documents",
    Aspect.RECORDINGS: "recorded real frames, with the facts known about them",
    Aspect.BOOK: "the book rebuilt from the wire equals the matching engine's at every checkpoint",
    Aspect.FAULTS: "drop, repeat, reorder, corrupt, truncate, wrong checksum, silence, half-open, close codes, "
    "maintenance, refusal of one symbol of many: never a wrong live book, and it recovers",
    Aspect.RECONNECT: "reconnection and planned rotation",
    Aspect.CCXT: "unmodified ccxt sees the matching engine's book, trades and market rules",
    Aspect.PRIVATE: "the gateway's private side: signatures, orders, errors and streams of the documents, and "
    "unmodified ccxt trading there (the table of what it did stands below)",
    Aspect.LIVE: "the live executor at that gateway: every kind of order, what is refused, races of amends and cancels "
    "with fills, what ccxt gets wrong there, and random orders under random faults, held against the exchange's truth",
}


class Feature(StrEnum):
    """What an order or an account was seen to do at a venue's gateway, through the live executor."""

    LIMIT = "limit"
    MARKET = "market"
    IOC = "IOC"
    FOK = "FOK"
    POST_ONLY = "post-only"
    REDUCE_ONLY = "reduce-only"
    CLIENT_ID = "client id"
    AMEND = "amend"
    LEVERAGE = "leverage"
    MARGIN_MODE = "margin mode"
    KEY_RIGHTS = "key rights"


class Judged(StrEnum):
    """What unmodified ccxt is told to do with a key at a venue's gateway, one test each."""

    BALANCE = "balance"
    LIMIT = "limit, open orders, cancel"
    BY_ID = "order by id"
    MARKET = "market, own trades, closed orders"
    PARTIAL = "partial fill"
    CANCEL_ALL = "cancel all"
    AMEND = "amend"
    CLIENT_ID = "client id"
    IN_FORCE = "IOC, FOK, post-only"
    REFUSALS = "refusals"
    READER = "read-only key"
    SECRET = "wrong secret"
    MARGIN = "leverage, margin mode, positions"
    STREAMS = "private streams"
    APART = "accounts apart"


YES, PARTLY, NO, FAILED = "yes", "partly", "no", "FAILED"

PARTS = {
    "used": Judged.BALANCE,
    "price": Judged.LIMIT,
    "type": Judged.LIMIT,
    "closed_orders": Judged.MARKET,
    "answered_client_id": Judged.CLIENT_ID,
    "fok": Judged.IN_FORCE,
    "leverage": Judged.MARGIN,
    "margin_mode": Judged.MARGIN,
    "entry": Judged.MARGIN,
    "positions": Judged.STREAMS,
}
"""Parts of scenarios: where ccxt cannot do one of them, the rest of its scenario is played."""


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


class MarketResults(Struct, omit_defaults=True):
    """``level_changes``: how many of the matching engines' level changes the book run covered. ``judged``: what ccxt
    did (yes, no or FAILED), and ``without``, by part of a scenario, why it could not. ``features``: what the live
    executor did, in words.
    """

    venue: str
    kind: MarketKind
    aspects: dict[Aspect, Outcome]
    level_changes: int = 0
    judged: dict[Judged, str] = {}
    without: dict[str, str] = {}
    features: dict[Feature, str] = {}

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


def merged(before: Iterable[MarketResults], found: Iterable[MarketResults]) -> list[MarketResults]:
    """``before`` with what a run found, aspect by aspect: what it did not try stays as it was."""
    results = {(each.venue, each.kind): each for each in before}
    for new in found:
        old = results.get((new.venue, new.kind))
        if old is not None:
            book = new if Aspect.BOOK in new.aspects else old
            judge = new if new.judged else old
            new = MarketResults(
                new.venue,
                new.kind,
                {**old.aspects, **new.aspects},
                book.level_changes,
                judge.judged,
                judge.without,
                new.features or old.features,
            )
        results[new.venue, new.kind] = new
    return list(results.values())


def read_results(path: Path) -> list[MarketResults]:
    """What a file of results holds; nothing when there is none."""
    return msgspec.json.decode(path.read_bytes(), type=list[MarketResults]) if path.is_file() else []


@cache
def known_results() -> dict[tuple[str, MarketKind], MarketResults]:
    """The results of the last runs; empty when there was none."""
    return {(result.venue, result.kind): result for result in read_results(PATH)}

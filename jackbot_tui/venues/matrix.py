"""The feature matrix: what each venue's specs and conformance results say, as rows of text. Nothing is typed by hand.

Read by ``jackbot venues`` and by the page generator. Pure.
"""

from collections.abc import Iterator, Sequence

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues import VENUES, load_spec
from jackbot_tui.venues.base import MarketSpec, SequencePolicy, VenueSpec
from jackbot_tui.venues.conformance import MEANINGS, Aspect, known_results

SEQUENCES = {
    SequencePolicy.UPDATE_ID_RANGE: "range of ids, each follows on",
    SequencePolicy.PREVIOUS_ID: "names the id before it",
    SequencePolicy.LINKED_ID: "names the id before it, ids may fall",
    SequencePolicy.STRICT_SEQUENCE: "counts by one",
    SequencePolicy.SNAPSHOT_ONLY: "whole books only",
    SequencePolicy.UNSEQUENCED: "no ids: checksum alone",
}

STATUS_HEAD = ("venue", "market", "status", *(aspect.value for aspect in Aspect), "level changes")
STREAM_HEAD = (
    "venue", "market", "channels", "snapshot", "levels", "sequence", "checksum", "heartbeat", "life", "topics",
)  # fmt: skip
COST_HEAD = ("venue", "market", "maker", "taker", "leverage", "rate limits", "source")


def _markets() -> Iterator[tuple[VenueSpec, MarketKind, MarketSpec | None]]:
    for name in VENUES:
        spec = load_spec(name)
        for kind in MarketKind:
            yield spec, kind, spec.markets.get(kind)


def status_rows() -> list[tuple[str, ...]]:
    """One row a venue and market kind: supported or not, and each aspect's count of tests."""
    results = known_results()
    rows: list[tuple[str, ...]] = []
    for spec, kind, market in _markets():
        if market is None:
            reason = spec.unsupported.get(kind, "the venue has no such market")
            rows.append((spec.title, kind.value, f"no: {reason}", *("" for _ in Aspect), ""))
            continue
        result = results.get((spec.name, kind))
        if result is None:
            rows.append((spec.title, kind.value, "not tried", *("" for _ in Aspect), ""))
            continue
        texts = [result.aspects[aspect].text if aspect in result.aspects else "-" for aspect in Aspect]
        status = "supported" if result.supported else "incomplete"
        rows.append((spec.title, kind.value, status, *texts, f"{result.level_changes:,}"))
    return rows


def reason_rows() -> list[tuple[str, ...]]:
    """Why something was not tried, each reason once; what ccxt cannot do has a table of its own."""
    return [
        (load_spec(result.venue).title, result.kind.value, aspect.value, reason)
        for result in known_results().values()
        if result.venue in VENUES
        for aspect, outcome in sorted(result.aspects.items())
        for reason in outcome.reasons
        if reason not in result.without.values()
    ]


def stream_rows() -> list[tuple[str, ...]]:
    """How each book stream works."""
    rows: list[tuple[str, ...]] = []
    for spec, kind, market in _markets():
        if market is None:
            continue
        snapshot = (
            "in the stream"
            if market.in_stream_snapshot
            else f"REST, {market.snapshot_depth:,} levels{', again near its edge' * market.partial_snapshot}"
        )
        if market.sequence is SequencePolicy.SNAPSHOT_ONLY:
            snapshot = "every message"
        levels = f"{market.book_depth:,}" if market.book_depth else f"all, {market.max_levels:,} kept"
        heart = (
            f"{market.heartbeat_s:g} s"
            if market.heartbeat_s
            else "answered"
            if market.answers_heartbeats
            else "protocol pings"
        )
        rows.append(
            (
                spec.title,
                kind.value,
                ", ".join(channel.value for channel in market.channels),
                snapshot,
                levels,
                SEQUENCES[market.sequence],
                market.checksum or "none",
                heart,
                _hours(market.max_connection_s),
                f"{market.max_streams:,}",
            )
        )
    return rows


def cost_rows() -> list[tuple[str, ...]]:
    """Fees of the lowest tier, leverage, limits, and where all of it comes from."""
    return [
        (
            spec.title,
            kind.value,
            market.maker_fee,
            market.taker_fee,
            str(market.max_leverage),
            ", ".join(f"{limit.name} {limit.limit:,}/{limit.interval_s} s" for limit in market.rate_limits),
            market.source,
        )
        for spec, kind, market in _markets()
        if market is not None
    ]


def status_page(more: Sequence[str] = ()) -> str:
    """docs/IMPLEMENTATION_STATUS.md; ``more`` are sections of rooms above, between the table and its reasons."""
    parts = [
        "# Implementation status",
        "Made by `make docs` from the venues' specs and the results of the last `make conformance`. *Supported* means"
        " that every aspect was tried and nothing failed. Numbers are tests passed; a `+` says that some could not be"
        " tried, and below stands why.",
        markdown_table(STATUS_HEAD, status_rows()),
        "What the columns mean:",
        "\n".join(
            (
                *(f"- **{aspect.value}**: {MEANINGS[aspect]}." for aspect in Aspect),
                "- **level changes**: how many changes of the matching engines' levels the run of *book* covered.",
            )
        ),
    ]
    parts += more
    reasons = reason_rows()
    if reasons:
        parts += ["## Not tried, and why", markdown_table(("venue", "market", "aspect", "reason"), reasons)]
    parts += ["## Costs, limits and sources", markdown_table(COST_HEAD, cost_rows())]
    return "\n\n".join(parts) + "\n"


def streams_page() -> str:
    """docs/L2_DATA_STREAMS.md."""
    return (
        "\n\n".join(
            (
                "# Book streams",
                "Made by `make docs` from the venues' specs: how each venue sends its book and how gaps are seen."
                " *levels*: what is kept a side. *life*: after how long a connection is replaced by a new one before"
                " the venue cuts it.",
                markdown_table(STREAM_HEAD, stream_rows()),
                "A book that breaks its sequence, its checksum or its rhythm is not LIVE until a fresh snapshot joined"
                " its stream; other books on the connection go on.",
            )
        )
        + "\n"
    )


def plain_table(head: Sequence[str], rows: Sequence[Sequence[str]], most: int = 60) -> str:
    """Aligned columns for a terminal, long texts cut."""
    cells = [[text if len(text) <= most else f"{text[: most - 1]}…" for text in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; bars inside of cells become strokes."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(text.replace('|', '/') for text in row)} |" for row in rows]
    return "\n".join(lines)


def _hours(seconds: int) -> str:
    hours = seconds / 3600
    return f"{hours:g} h" if hours < 8760 else "no end"

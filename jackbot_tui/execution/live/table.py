"""What can be traded where, as rows of text: from the dialects, the specs and the results of the conformance run.

Read by ``jackbot venues`` and by the page generator; nothing is typed by hand. What a dialect states (amends, stops,
dead-man switch, client ids) is read from it; what lies in how an order is written (IOC, FOK, margin modes, the rights
that a key tells) is what the live executor was seen to do at the venue's gateway. Pure.
"""

from collections.abc import Callable, Iterator

from jackbot_tui.execution.live.dialect import Dialect, IdWriting
from jackbot_tui.execution.live.dialects import load_dialect
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues import VENUES, load_spec
from jackbot_tui.venues.base import VenueSpec
from jackbot_tui.venues.conformance import PARTLY, PARTS, YES, Feature, Judged, MarketResults, known_results
from jackbot_tui.venues.matrix import markdown_table

SEEN = (Feature.LIMIT, Feature.MARKET, Feature.IOC, Feature.FOK, Feature.POST_ONLY, Feature.REDUCE_ONLY)
TRADING_HEAD = (
    "venue", "market", *(feature.value for feature in SEEN), "client id", "amend", "stops", "leverage", "margin mode",
    "dead-man", "key rights",
)  # fmt: skip
JUDGED_HEAD = ("venue", "market", *(judged.value for judged in Judged))
WITHOUT_HEAD = ("venue", "market", "part", "why not")
LIVE_HEAD = (
    "venue", "key", "client ids", "market buys on spot", "amend", "stops wait for", "dead-man switch",
    "a lost order counts as never placed after", "more",
)  # fmt: skip
NOT_TRIED = "not tried"
NONE = "–"


def trading_rows() -> list[tuple[str, ...]]:
    """One row a venue and market kind that is open for live trading; a closed venue's row says why it is closed."""
    rows: list[tuple[str, ...]] = []
    for spec, dialect, kind in _markets():
        if dialect.closed:
            rows.append((spec.title, kind.value, f"closed: {dialect.closed}", *("" for _ in TRADING_HEAD[3:])))
            continue
        seen = _results(dialect, kind).features
        perpetual = kind is MarketKind.LINEAR
        leverage = _leverage(spec, kind, seen.get(Feature.LEVERAGE, NOT_TRIED)) if perpetual else NONE
        rows.append(
            (
                spec.title,
                kind.value,
                *(NONE if _missing(feature, kind) else seen.get(feature, NOT_TRIED) for feature in SEEN),
                f"{dialect.client_ids.longest}",
                "yes" if kind in dialect.amends else "no",
                _stops(dialect, kind),
                leverage,
                seen.get(Feature.MARGIN_MODE, NOT_TRIED) if perpetual else NONE,
                _dead_man(dialect, kind),
                seen.get(Feature.KEY_RIGHTS, NOT_TRIED),
            )
        )
    return rows


def judged_rows() -> list[tuple[str, ...]]:
    """What unmodified ccxt did at each gateway: yes, partly, no, or FAILED."""
    return [
        (spec.title, kind.value, *(_judged(_results(dialect, kind), each) for each in Judged))
        for spec, dialect, kind in _markets()
    ]


def without_rows() -> list[tuple[str, ...]]:
    """What ccxt cannot do at a venue, and why: each reason as it stands beside ccxt's settings in the tests."""
    return [
        (spec.title, kind.value, part.replace("_", " "), reason)
        for spec, dialect, kind in _markets()
        for part, reason in sorted(_results(dialect, kind).without.items())
    ]


def trading_sections() -> list[str]:
    """The private side's part of docs/IMPLEMENTATION_STATUS.md."""
    return [
        "## Live trading",
        "*limit* to *reduce-only*, *leverage*, *margin mode* and *key rights* are what the live executor was seen to do"
        " at the venue's gateway; what a venue lacks is refused here with one line and never sent. *client id*: the"
        " longest that the venue takes. *stops*: the prices that may wake one that waits at the venue. *dead-man*: the"
        " exchange cancels by itself when it no longer hears from us. *key rights*: what the venue tells of a key.",
        markdown_table(TRADING_HEAD, trading_rows()),
        "## What unmodified ccxt did with a key",
        "ccxt, its addresses and nothing else changed, trades at each gateway; what it is told must be what the"
        " exchange's own books say. *no*: it cannot; *partly*: all but what the second table names. There stands why."
        " What ccxt gets wrong and we mend is named venue by venue in [LIVE.md](LIVE.md).",
        markdown_table(JUDGED_HEAD, judged_rows()),
        markdown_table(WITHOUT_HEAD, without_rows()),
    ]


def live_table() -> str:
    """The venues' differences that a trader meets, for docs/LIVE.md."""
    rows: list[tuple[str, ...]] = []
    for name in VENUES:
        spec, dialect = load_spec(name), load_dialect(name)
        rows.append(
            (
                spec.title,
                ", ".join(f"`{part}`" for part in dialect.credentials),
                _client_ids(dialect),
                "as IOC within the collar" if dialect.market_buy_by_cost else "by size",
                _of_kinds(spec, dialect, lambda said, kind: "yes" if kind in said.amends else "no"),
                _of_kinds(spec, dialect, _stops),
                _of_kinds(spec, dialect, _dead_man),
                f"{dialect.settle_s:g} s",
                f"[{name}](live/{name}.md)",
            )
        )
    return markdown_table(LIVE_HEAD, rows)


def _markets() -> Iterator[tuple[VenueSpec, Dialect, MarketKind]]:
    for name in VENUES:
        spec = load_spec(name)
        for kind in MarketKind:
            if kind in spec.markets:
                yield spec, load_dialect(name), kind


def _results(dialect: Dialect, kind: MarketKind) -> MarketResults:
    return known_results().get((dialect.venue, kind)) or MarketResults(dialect.venue, kind, {})


def _missing(feature: Feature, kind: MarketKind) -> bool:
    """Whether there is no such thing on that kind of market anywhere."""
    return feature is Feature.REDUCE_ONLY and kind is MarketKind.SPOT


def _judged(result: MarketResults, each: Judged) -> str:
    if each is Judged.MARGIN and result.kind is MarketKind.SPOT:
        return NONE
    said = result.judged.get(each, NOT_TRIED)
    lacks = any(PARTS.get(part) is each for part in result.without)
    return PARTLY if said == YES and lacks else said


def _leverage(spec: VenueSpec, kind: MarketKind, seen: str) -> str:
    most = spec.markets[kind].max_leverage
    return f"to {most}" if seen == YES else seen if seen == NOT_TRIED else f"to {most}, {seen}"


def _stops(dialect: Dialect, kind: MarketKind) -> str:
    rule = dialect.stops.get(kind)
    return "no" if rule is None else ", ".join(trigger.value for trigger in rule.triggers)


def _dead_man(dialect: Dialect, kind: MarketKind) -> str:
    switch = dialect.dead_man.get(kind)
    if switch is None:
        return "no"
    shortest, longest = dialect.dead_man_s
    return f"{'account' if switch.whole else 'market'}, {shortest:g} to {longest:g} s"


def _client_ids(dialect: Dialect) -> str:
    rule = dialect.client_ids
    if rule.writing is IdWriting.HEX_128:
        return "128 bits, `0x` and 32 digits"
    prefix = f", ours begin with `{rule.prefix}`" if rule.prefix else ""
    return f"{rule.longest} of `{rule.charset}`{prefix}"


def _of_kinds(spec: VenueSpec, dialect: Dialect, text: Callable[[Dialect, MarketKind], str]) -> str:
    """What is said of both kinds of market, once where it is the same."""
    said = {kind: text(dialect, kind) for kind in spec.markets}
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return "; ".join(f"{kind.value}: {each}" for kind, each in said.items())

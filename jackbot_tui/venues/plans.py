"""The plan of a venue whose public topics share one kind of socket: streams in order, split by the stream limit."""

from collections.abc import Callable, Mapping, Sequence

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.venues.base import Channel, ConnectionPlan, VenueSpec


def public_plans(
    spec: VenueSpec,
    instruments: Sequence[Instrument],
    channels: Sequence[Channel],
    topic_of: Callable[[Instrument, Channel], str | None],
) -> list[ConnectionPlan]:
    """Connections for ``channels`` of ``instruments``; ``topic_of`` names a topic, "" or None where there is none."""
    wanted: dict[MarketKind, dict[str, str]] = {}
    for instrument in instruments:
        for channel in channels:
            topic = topic_of(instrument, channel)
            if topic:
                book_key = instrument.key if channel is Channel.BOOK else ""
                wanted.setdefault(instrument.kind, {}).setdefault(topic, book_key)
    return connections_of(spec, wanted)


def connections_of(spec: VenueSpec, wanted: Mapping[MarketKind, Mapping[str, str]]) -> list[ConnectionPlan]:
    """Connections for ``wanted``: by market kind each topic, with the key of the book that it carries or ""."""
    plans = []
    for kind, topics in wanted.items():
        market, streams = spec.markets[kind], list(topics.items())
        parts = [streams[at : at + market.max_streams] for at in range(0, len(streams), market.max_streams)]
        for number, part in enumerate(parts, 1):
            plans.append(
                ConnectionPlan(
                    conn=f"{spec.name}.{kind.value}.public" + (f".{number}" if number > 1 else ""),
                    kind=kind,
                    url=market.ws_urls["public"],
                    topics=tuple(topic for topic, _ in part),
                    book_keys=tuple(key for _, key in part if key),
                )
            )
    return plans

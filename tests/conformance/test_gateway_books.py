"""Every gateway, every market kind: the book that the product rebuilds from the wire is the matching engine's book.

``JACKBOT_CONFORMANCE_UPDATES`` sets how many level changes of the matching engines each run covers.
"""

import os
from collections.abc import Callable

import pytest

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.exchange import VENUES, front_of
from tests.gateway_world import followed, symbols_of

UPDATES = int(os.environ.get("JACKBOT_CONFORMANCE_UPDATES", "3000"))
MARKETS = [
    (venue, kind)
    for venue in VENUES
    for kind in MarketKind
    if any(listing.instrument.kind is kind for listing in front_of(venue).LISTINGS)
]


@pytest.mark.parametrize(("venue", "kind"), MARKETS)
async def test_the_book_from_the_wire_is_the_engines_book_at_every_checkpoint(
    venue: str, kind: MarketKind, record_property: Callable[[str, object], None]
) -> None:
    async with followed(venue, symbols_of(venue, kind)[:2]) as follow:
        await follow.until(lambda: all(market.trades.seq for market in follow.markets.values()))
        checkpoints = await follow.run(UPDATES)
        record_property("level_changes", follow.updates.count)
        assert follow.updates.count >= UPDATES and checkpoints > 3
        assert follow.runtime.data.unknown_frames == 0, list(follow.runtime.data.recent_unknown)
        for market in follow.markets.values():
            assert market.sequencer.stats.gaps == 0

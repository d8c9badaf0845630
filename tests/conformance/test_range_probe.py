"""The range probe at every venue that is open for live trading: what it finds is the band that its gateway keeps."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackbot_tui.execution.live.dialects import load_dialect, open_venues
from jackbot_tui.execution.live.keys import Credentials, KeyPlace
from jackbot_tui.execution.live.probe import Edge, RangeFound
from jackbot_tui.headless.probing import probe_range
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.instrument import PriceBand
from jackbot_tui.model.numbers import text_of
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.venues import band_rules
from tests.gateway_world import relaxed, symbols_of
from tests.turns import in_turns


def markets() -> Iterator[object]:
    for venue in open_venues():
        for kind in dict.fromkeys(listing.instrument.kind for listing in front_of(venue).LISTINGS):
            yield pytest.param(venue, kind, id=f"{venue}-{kind.value}")


MARKETS = list(markets())


def write_down(venue: str, kind: MarketKind, found: RangeFound) -> None:
    """Into the table that the documentation shows, when it is asked for."""
    if not os.environ.get("JACKBOT_WRITE_PROBED"):
        return
    path = Path(band_rules.__file__).with_name(band_rules.PROBED)
    told = json.loads(path.read_text()) if path.exists() else {}
    told[f"{venue} {kind.value}"] = {
        "reference": found.reference,
        "orders": found.orders,
        **{edge.value: text_of(each.multiplier) for edge, each in found.edges.items()},
    }
    path.write_text(json.dumps(dict(sorted(told.items())), indent=1) + "\n")


@pytest.mark.parametrize(("venue", "kind"), in_turns(MARKETS, 3))
async def test_the_probe_finds_the_band_that_the_gateway_keeps_and_leaves_nothing_behind(
    venue: str, kind: MarketKind
) -> None:
    symbol, dialect = symbols_of(venue, kind)[0], load_dialect(venue)
    exchange = SimExchange([symbol], venue=venue, accounts=1, seed=5, volatility=0.1, limits=relaxed(front_of(venue)))
    async with exchange:
        parts = exchange.front.credentials(exchange.accounts.keys.of(1))
        credentials = Credentials(venue, KeyPlace.FILE, {name: parts[name] for name in dialect.credentials})
        told: list[str] = []
        found = await probe_range(
            dialect, symbol, credentials, endpoints=exchange.endpoints, addresses=exchange.ccxt_urls, tell=told.append
        )
        kept = exchange.listing(symbol).instrument.band or PriceBand(found.reference)
        assert found.complete, told
        for edge in Edge:
            assert getattr(found.band, edge.value) == getattr(kept, edge.value), (edge, told)
        assert found.reference == kept.reference
        orders = exchange.accounts.orders
        assert orders.open_orders(1) == [] and orders.fills(1) == []
        assert found.orders <= 80
        assert len(told) == len(Edge)
    write_down(venue, kind, found)

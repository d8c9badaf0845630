"""The house's own Binance codec on the embedded exchange: all frames understood, all rules read as set."""

from decimal import Decimal

import aiohttp
import pytest

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.market import BookDelta, BookSnapshot, BookTicker, MarkPrice, SubscriptionAck, Trade
from jackbot_tui.sim.binance.listings import LISTINGS
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.venues.base import Channel
from jackbot_tui.venues.binance.codec import make_codec

EXPECTED = {
    MarketKind.SPOT: {BookDelta, Trade, BookTicker, SubscriptionAck},
    MarketKind.LINEAR: {BookDelta, Trade, BookTicker, MarkPrice, SubscriptionAck},
}


@pytest.mark.parametrize("kind", list(MarketKind))
async def test_the_codec_understands_all_that_the_exchange_sends(kind: MarketKind) -> None:
    symbols = [listing.instrument.symbol for listing in LISTINGS if listing.instrument.kind is kind]
    async with SimExchange(symbols, manual=True) as sim, aiohttp.ClientSession() as session:
        codec = make_codec(sim.endpoints)
        async with session.get(codec.instruments_request(kind).url) as reply:
            instruments = codec.decode_instruments(kind, await reply.read())
        rules = {listing.instrument.key: listing.instrument for listing in sim.listings}
        assert {instrument.key for instrument in instruments} == set(rules)
        for instrument in instruments:
            for field in ("native", "tick", "lot", "min_qty", "max_qty", "min_notional", "market_max_qty", "band"):
                assert getattr(instrument, field) == getattr(rules[instrument.key], field), field
        codec.register(instruments)
        events = []
        for plan in codec.plan(instruments, list(Channel)):
            async with session.ws_connect(plan.url) as socket:
                for _, frame in codec.subscribe(plan, 1):
                    await socket.send_str(frame)
                    events += codec.decode(kind, await socket.receive_str(timeout=10), 1)
                await sim.step(3)
                await socket.send_str('{"method":"LIST_SUBSCRIPTIONS","id":77}')
                while not (text := await socket.receive_str(timeout=10)).endswith('"id":77}'):
                    events += codec.decode(kind, text, 1)
        assert {type(event) for event in events} == EXPECTED[kind]
        keys = {event.key for event in events if isinstance(event, BookDelta)}
        assert keys == set(rules)
        request = codec.snapshot_request(instruments[0])
        async with session.get(request.url) as reply:
            (snapshot,) = codec.decode_http(request, await reply.read(), 1)
        assert isinstance(snapshot, BookSnapshot)
        engine = sim.engines[snapshot.key]
        rule = rules[snapshot.key]
        assert snapshot.last_id == engine.last_update_id
        assert snapshot.bids[0][0] == float(rule.tick * (engine.best_bid or 0))
        assert Decimal(repr(snapshot.asks[0][0])) == rule.tick * (engine.best_ask or 0)

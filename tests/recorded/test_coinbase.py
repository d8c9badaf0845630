"""The recorded Coinbase session: its replay gives exactly the facts that its README states."""

import gzip
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.replay import replay_totals
from jackbot_tui.feeds.capture import CaptureKind, CaptureRecord, read_capture
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.market import BookTicker, SubscriptionAck, Trade
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Channel

pytestmark = pytest.mark.recorded

SPOT = MarketKind.SPOT
RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "coinbase" / "spot"
SESSION = "btcusd_ethusd_20260809_first14s.jsonl.gz"

FACTS: dict[str, dict[str, object]] = {
    "BTC/USD": {
        "best_bid": ["65083.66", "0.24999473"], "best_ask": ["65083.67", "0.34835034"], "bid_levels": 18774,
        "ask_levels": 27237, "trades": 36, "trade_volume": "0.07932287", "book_updates": 242,
    },
    "ETH/USD": {
        "best_bid": ["1919.4", "1.20360291"], "best_ask": ["1919.5", "2.29506615"], "bid_levels": 6936,
        "ask_levels": 16393, "trades": 21, "trade_volume": "9.09890893", "book_updates": 232,
    },
}  # fmt: skip
"""``book_updates``: 228 and 218 changes, and 14 heartbeats that prove each book."""


def recorded(name: str) -> Path:
    path = RECORDED / name
    if not path.exists():
        assert "CI" not in os.environ, f"CI must have the recorded session {name}"
        pytest.skip("no recorded session beside the repository")
    return path


def frames() -> list[CaptureRecord]:
    return [record for record in read_capture([recorded(SESSION)]) if record.kind is CaptureKind.RECV]


def test_totals_are_those_of_the_readme() -> None:
    result: dict[str, Any] = replay_totals([recorded(SESSION)], "coinbase", SPOT)
    assert (result["frames"], result["unknown_frames"]) == (613, 0)
    assert sorted(result["books"]) == sorted(FACTS)
    for symbol, expected in FACTS.items():
        book = result["books"][symbol]
        assert {name: book[name] for name in expected} == expected
        assert book["state"] == "live"
        assert [book[name] for name in ("gaps", "resyncs", "crossed", "checksums_bad")] == [0] * 4
        assert Decimal(book["buy_volume"]) + Decimal(book["sell_volume"]) == Decimal(book["trade_volume"])


@pytest.mark.parametrize("lost", [25, 35, 50, 300, 611], ids=["book", "heartbeat", "trades", "other book", "last"])
def test_one_lost_frame_of_any_channel_ends_the_live_state_of_both_books(lost: int) -> None:
    data = MarketData(load_venue("coinbase"), adopt_unknown=True)
    live: dict[int, list[bool]] = {}
    for number, record in enumerate(frames()):
        if number != lost:
            data.on_frame(SPOT, record.raw, record.ts_ns)
            live[number] = [market.live for market in data.markets.values()]
    assert (live[lost - 1], live[lost + 1]) == ([True] * 2, [False] * 2)
    markets = list(data.markets.values())
    assert [(market.state, market.sequencer.stats.gaps) for market in markets] == [(BookState.SYNCING, 1)] * 2
    assert [each.symbol for each in data.wanted_resubscriptions()] == ["BTC/USD", "ETH/USD"]


def test_trades_at_the_touch_show_that_the_venue_names_the_makers_side() -> None:
    """A taker who buys trades at the ask: the book tells which side the aggressor was on."""
    codec = load_venue("coinbase")
    data = MarketData(codec, adopt_unknown=True)
    found: Counter[str] = Counter()
    for record in frames():
        for event in codec.decode(SPOT, record.raw, record.ts_ns):
            market = data.markets.get(event.key) if isinstance(event, Trade) else None
            if isinstance(event, Trade) and market is not None and market.live:
                at_ask, at_bid = event.price >= market.book.ask_price, event.price <= market.book.bid_price
                if at_ask or at_bid:
                    found["right" if (event.side is Side.BUY) == at_ask else "wrong"] += 1
        data.on_frame(SPOT, record.raw, record.ts_ns)
    assert found == {"right": 50}


def test_the_ticker_agrees_with_the_book_most_of_the_time() -> None:
    """It comes apart from the book, within its 50 ms; prices that never meet would show a wrong side or unit."""
    codec = load_venue("coinbase")
    data = MarketData(codec, adopt_unknown=True)
    equal = seen = 0
    for record in frames():
        data.on_frame(SPOT, record.raw, record.ts_ns)
        for event in codec.decode(SPOT, record.raw, record.ts_ns):
            if isinstance(event, BookTicker) and data.markets[event.key].live:
                seen += 1
                book = data.markets[event.key].book
                equal += (event.bid, event.ask) == (book.bid_price, book.ask_price)
    assert seen > 80
    assert equal / seen > 0.5


def test_recorded_answers_confirm_every_request() -> None:
    codec = load_venue("coinbase")
    body = gzip.decompress(recorded("rest_products_20260809.json.gz").read_bytes())
    followed = [each for each in codec.decode_instruments(SPOT, body) if each.native in ("BTC-USD", "ETH-USD")]
    codec.register(followed)
    (plan,) = codec.plan(followed, list(Channel))
    asked = {number for number, _ in codec.subscribe(plan, 1)}
    confirmed = {
        event.request_id
        for record in frames()
        for event in codec.decode(SPOT, record.raw, record.ts_ns)
        if isinstance(event, SubscriptionAck)
    }
    assert asked == confirmed and len(asked) == 7


def test_recorded_listing() -> None:
    """Of 920 products 8 are delisted. 400 USDC pairs share the book of a USD pair, 396 of them online."""
    body = gzip.decompress(recorded("rest_products_20260809.json.gz").read_bytes())
    assert len(msgspec.json.decode(body)["products"]) == 920
    codec = load_venue("coinbase")
    found = {instrument.symbol: instrument for instrument in codec.decode_instruments(SPOT, body)}
    assert len(found) == 912
    assert all(each.tick > 0 and each.lot > 0 and each.min_notional > 0 and each.max_qty > 0 for each in found.values())
    assert found["BTC/USD"].tick == Decimal("0.01")
    (plan,) = codec.plan(list(found.values()), [Channel.BOOK])
    assert (len(plan.book_keys), len(plan.topics)) == (912, 912 - 396 + 1)
    assert "level2:BTC-USDC" not in plan.topics
    assert {"level2:BTC-USD", "level2:USDT-USDC", "level2:EURC-USDC"} <= set(plan.topics)
    request = codec.instruments_request(SPOT)
    assert codec.next_page(request, body) is None

"""The recorded Kraken sessions: their replay gives the facts that their README states, checksums and numbers included.

Spot's long recording is of WebSocket v1, which is not built: an adapter here feeds its levels and checksums to the same
sequencer. The v2 frames and the derivatives' go through the codec. The derivatives' contracts are inverse ones: same
protocol, registered here by hand.
"""

import gzip
import json
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from jackbot_tui.book.sequencer import L2Sequencer, SyncAction
from jackbot_tui.book.tape import TradeTape
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.feeds.capture import CaptureKind, read_capture
from jackbot_tui.model.enums import BookState, MarketKind, Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import BookDelta, BookSnapshot, Trade
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import SequencePolicy

pytestmark = pytest.mark.recorded

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "recorded" / "kraken"
SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR


def recorded(name: str) -> Path:
    path = RECORDED / name
    if not path.is_file():
        assert "CI" not in os.environ, f"CI must have the recording kraken/{name}"
        pytest.skip("no recordings beside the repository")
    return path


class V1Books:
    """Books of the v1 feed: ``as``/``bs`` are a snapshot, ``a``/``b`` an update, ``c`` the checksum after it."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self.guards: dict[str, L2Sequencer] = {}
        self.actions: Counter[SyncAction] = Counter()
        self.texts: dict[str, dict[float, tuple[str, str]]] = {}

    def take(self, frame: list[object]) -> None:
        pair = str(frame[-1])
        body: dict[str, list[list[str]]] = {}
        for part in frame[1:-2]:
            assert isinstance(part, dict)
            body |= part
        whole = "as" in body
        sides = [[(row[0], row[1]) for row in body.get(name, [])] for name in (("bs", "as") if whole else ("b", "a"))]
        bids, asks = ([(float(price), float(size)) for price, size in side] for side in sides)
        for price, size in (*sides[0], *sides[1]):
            self.texts.setdefault(pair, {})[float(price)] = (price, size)
        texts = (sides[0], sides[1])
        if whole:
            policy = SequencePolicy.UNSEQUENCED
            guard = self.guards[pair] = L2Sequencer(
                pair, policy, max_levels=2000, in_stream=True, depth=self._depth, checksum="kraken_crc32"
            )
            self.actions[guard.on_snapshot(BookSnapshot(pair, 0, 0, -1, bids, asks, texts=texts))] += 1
        else:
            checksum = int(str(body["c"]))
            delta = BookDelta(pair, 0, 0, -1, -1, -1, bids, asks, checksum, texts)
            self.actions[self.guards[pair].on_delta(delta)] += 1

    def tops(self, pair: str) -> tuple[object, ...]:
        book, texts = self.guards[pair].book, self.texts[pair]
        return texts[book.bid_price], texts[book.ask_price], len(book.bids), len(book.asks)


def v1_frames() -> list[list[object]]:
    raws = (str(record.raw) for record in read_capture([recorded("spot/v1_10pairs_20210417.jsonl.gz")]))
    return [json.loads(raw) for raw in raws if '"book-1000"' in raw and raw.startswith("[")]


def test_ten_spot_books_of_v1_pass_every_checksum() -> None:
    books = V1Books(1000)
    for frame in v1_frames():
        books.take(frame)
    assert books.actions == {SyncAction.BECAME_LIVE: 10, SyncAction.APPLIED: 4269}
    stats = [guard.stats for guard in books.guards.values()]
    assert sum(each.checksums_ok for each in stats) == 4269
    assert sum(each.checksums_bad + each.crossed + each.gaps + each.resyncs for each in stats) == 0
    assert all(guard.state is BookState.LIVE for guard in books.guards.values())
    assert books.tops("ADA/XBT") == (("0.000022880", "11947.13445094"), ("0.000022900", "7200.50427342"), 707, 840)
    assert books.tops("ETH/CHF") == (("2183.69000", "3.00000000"), ("2190.17000", "0.31000000"), 278, 148)
    assert books.tops("GRT/ETH") == (("0.000833500", "506.69981876"), ("0.000836200", "3304.00414043"), 60, 73)


def test_the_spot_trades_of_v1() -> None:
    tapes: dict[str, TradeTape] = {}
    for record in read_capture([recorded("spot/v1_10pairs_20210417.jsonl.gz")]):
        if '"trade","' in str(record.raw) and str(record.raw).startswith("["):
            _, rows, _, pair = json.loads(record.raw)
            for price, size, _, side, *_ in rows:
                tape = tapes.setdefault(pair, TradeTape(Decimal("1E-9")))
                taker = {"b": Side.BUY, "s": Side.SELL}[side]
                tape.add(Trade(pair, 0, 0, "", taker, float(price), float(size), price, size))
    totals = {pair: (tape.seq, tape.volume) for pair, tape in tapes.items()}
    assert totals == {"SC/EUR": (6, Decimal("52944.61056448")), "XMR/USD": (4, Decimal("4.15284339"))}


def test_a_lost_spot_update_is_noticed_by_the_checksum() -> None:
    frames = v1_frames()
    at = next(n for n, frame in enumerate(frames) if n > 2000 and frame[-1] == "XMR/USD")
    books = V1Books(1000)
    for frame in frames[:at] + frames[at + 1 :]:
        books.take(frame)
    guard = books.guards["XMR/USD"]
    assert (guard.state, guard.stats.checksums_bad) == (BookState.SYNCING, 1)
    assert books.actions[SyncAction.NEED_SNAPSHOT] == 1


def test_the_v2_book_passes_both_checksums() -> None:
    """Its recorder wrote the numbers anew (5.1e-05, lost zeros): the pair's decimals bring the texts back."""
    codec = load_venue("kraken")
    data = MarketData(codec)
    with gzip.open(recorded("spot/v2_btcusd_20260623.jsonl.gz"), "rt") as file:
        samples = [json.loads(line) for line in file]
    pairs = next(sample["raw"] for sample in samples if sample["channel"] == "AssetPairs")
    listed = {instrument.symbol: instrument for instrument in codec.decode_instruments(SPOT, pairs)}
    market = data.add(listed["BTC/USD"])
    for sample in samples:
        if sample["channel"] != "AssetPairs":
            data.on_frame(SPOT, sample["raw"], 1)
    stats = market.sequencer.stats
    assert (market.state, stats.checksums_ok, stats.checksums_bad, data.unknown_frames) == (BookState.LIVE, 2, 0, 0)
    assert (market.book.best_bid(), market.book.best_ask()) == ((62370.5, 0.00090725), (62370.6, 0.94642808))
    assert (market.trades.seq, market.trades.volume, market.trades.last_price) == (2, Decimal("0.000125"), 62369.9)


def contract(native: str) -> Instrument:
    lot = Decimal(1)
    return Instrument("kraken", native, native, LINEAR, native, "USD", "USD", Decimal("0.05"), lot)


def test_the_derivatives_session_has_no_hole() -> None:
    codec = load_venue("kraken")
    data = MarketData(codec)
    records = list(read_capture([recorded("inverse/10contracts_20210722.jsonl.gz")]))
    frames = [str(record.raw) for record in records if record.kind is CaptureKind.RECV]
    names = sorted({json.loads(raw)["product_id"] for raw in frames if '"feed":"book_snapshot"' in raw})
    for name in names:
        data.add(contract(name))
    for raw in frames:
        data.on_frame(LINEAR, raw, 1)
    markets = {market.instrument.native: market for market in data.markets.values()}
    stats = [market.sequencer.stats for market in markets.values()]
    assert (len(frames), len(names), data.unknown_frames) == (7175, 10, 0)
    assert sum(each.updates for each in stats) == 7014
    assert sum(each.gaps + each.resyncs + each.crossed + each.ignored for each in stats) == 0
    assert all(market.live for market in markets.values())
    facts = {
        "FI_BCHUSD_210730": ((439.3, 20108.0), (439.8, 50.0), 11, 12),
        "FI_BCHUSD_210924": ((441.1, 25401.0), (441.8, 50.0), 16, 17),
        "FI_ETHUSD_210730": ((1999.6, 600.0), (2001.45, 110583.0), 20, 33),
    }
    for name, fact in facts.items():
        book = markets[name].book
        assert (book.best_bid(), book.best_ask(), len(book.bids), len(book.asks)) == fact, name
    traded = {name: (market.trades.seq, market.trades.volume) for name, market in markets.items() if market.trades.seq}
    assert traded == {"FI_BCHUSD_210730": (1, 50), "PI_ETHUSD": (1, 40), "PI_LTCUSD": (1, 320)}


def test_the_recorded_instrument_lists() -> None:
    codec = load_venue("kraken")
    with gzip.open(recorded("spot/rest_assetpairs_20210417.json.gz"), "rt") as file:
        listed = {each.symbol: each for each in codec.decode_instruments(SPOT, file.read())}
    assert len(listed) == 293 and {"BTC/USD", "ADA/BTC", "ETH/CHF", "DOGE/EUR"} <= listed.keys()
    assert (listed["ADA/BTC"].tick, listed["ADA/BTC"].lot) == (Decimal("1E-8"), Decimal("1E-8"))
    with gzip.open(recorded("inverse/rest_instruments_20210722.json.gz"), "rt") as file:
        assert codec.decode_instruments(LINEAR, file.read()) == [], "PF_ contracts came later"

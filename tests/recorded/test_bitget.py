"""The recorded Bitget sessions: their replay gives the facts that their README states, checksums included.

They are of API v1, which the venue has switched off: ``as_v3`` writes each frame anew in the words of v3 and numbers
the books, which had no ids then. Levels, checksums, sides, prices and sizes stay as they were.
"""

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jackbot_tui.engine.replay import totals_of
from jackbot_tui.feeds.capture import CaptureKind, CaptureRecord, read_capture
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.market import BookDelta, BookSnapshot, FeedEvent, MarkPrice, SubscriptionAck, Trade, UnknownFrame
from jackbot_tui.venues import load_venue

pytestmark = pytest.mark.recorded

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "recorded" / "bitget"
SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
SESSIONS = {SPOT: "spot/books_ticker_trade_8symbols_20220407.jsonl.gz", LINEAR: "linear/dashusdt_20220407.jsonl.gz"}
TYPES = {"mc": "usdt-futures", "sp": "spot", "USDT-FUTURES": "usdt-futures", "SPOT": "spot"}
TOPICS = {"trade": "publicTrade", "candle1m": "kline"}
TICKER_FIELDS = {
    "bestBid": "bid1Price", "bestAsk": "ask1Price", "markPrice": "markPrice", "indexPrice": "indexPrice",
    "capitalRate": "fundingRate", "nextSettleTime": "nextFundingTime", "bidPr": "bid1Price", "bidSz": "bid1Size",
    "askPr": "ask1Price", "askSz": "ask1Size", "fundingRate": "fundingRate", "nextFundingTime": "nextFundingTime",
}  # fmt: skip


def recorded(name: str) -> Path:
    path = RECORDED / name
    if not path.is_file():
        assert "CI" not in os.environ, f"CI must have the recording bitget/{name}"
        pytest.skip("no recordings beside the repository")
    return path


class V3Words:
    """Frames of v1 and v2 in v3's words; books are counted from 1, trades of v1 likewise, the newest highest."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def frame(self, raw: str) -> str:
        frame = json.loads(raw)
        old = frame["arg"]
        topic = TOPICS.get(old["channel"], old["channel"])
        frame["arg"] = {
            "instType": TYPES.get(old["instType"], old["instType"]), "topic": topic, "symbol": old["instId"],
        }  # fmt: skip
        rows = frame.get("data")
        if rows is not None and topic in ("books", "publicTrade", "ticker"):
            counter = (topic, old["instId"])
            frame["data"] = [self._row(counter, row) for row in reversed(rows)][::-1]
        return json.dumps(frame)

    def _row(self, counter: tuple[str, str], row: Any) -> dict[str, object]:
        before, self._counts[counter] = self._counts[counter], self._counts[counter] + 1
        match counter[0]:
            case "books":
                named = {"a": row["asks"], "b": row["bids"], "seq": before + 1, "pseq": before, "ts": row["ts"]}
                return named | {"checksum": row["checksum"]}
            case "publicTrade" if isinstance(row, list):
                return {"T": row[0], "p": row[1], "v": row[2], "S": row[3], "i": str(before + 1)}
            case "publicTrade":
                return {"T": row["ts"], "p": row["price"], "v": row["size"], "S": row["side"], "i": row["tradeId"]}
        return {new: str(row[name]) for name, new in TICKER_FIELDS.items() if name in row}


def as_v3(records: Iterable[CaptureRecord]) -> Iterator[CaptureRecord]:
    words = V3Words()
    for record in records:
        if record.kind is CaptureKind.RECV:
            raw = words.frame(str(record.raw))
            yield CaptureRecord(record.ts_ns, record.kind, record.conn, record.url, raw)


def session(kind: MarketKind) -> list[CaptureRecord]:
    return list(read_capture([recorded(SESSIONS[kind])]))


FACTS: dict[MarketKind, tuple[int, int, dict[str, tuple[object, ...]]]] = {
    LINEAR: (231, 98, {
        "DASH/USDT:USDT": (["113.28", "174.25"], ["113.33", "9.06"], 86, 100, 59, "52.58"),
    }),
    SPOT: (684, 443, {
        "AVAX/USDT": (["82.8186", "12.1030"], ["83.0114", "73.7940"], 88, 89, 55, "28.1333"),
        "CULT/USDT": (["0.00003505", "285020"], ["0.00003530", "145214"], 99, 150, 52, "19513973"),
        "EOS/USDT": (["2.4346", "1929.6778"], ["2.4376", "31.1134"], 84, 107, 55, "250.1241"),
    }),
}  # fmt: skip
NAMES = ("best_bid", "best_ask", "bid_levels", "ask_levels", "trades", "trade_volume")


@pytest.mark.parametrize("kind", [LINEAR, SPOT])
def test_totals_are_those_of_the_readme(kind: MarketKind) -> None:
    frames, checksums, facts = FACTS[kind]
    result: dict[str, Any] = totals_of(as_v3(session(kind)), load_venue("bitget"), kind)
    books = result["books"]
    assert (result["frames"], result["unknown_frames"]) == (frames, 0)
    assert len(books) == (8 if kind is SPOT else 1)
    for symbol, expected in facts.items():
        assert tuple(books[symbol][name] for name in NAMES) == expected, symbol
    for book in books.values():
        assert book["state"] == "live"
        assert [book[name] for name in ("gaps", "resyncs", "crossed", "checksums_bad")] == [0] * 4
        assert book["checksums_ok"] == book["book_updates"] + 1
    assert sum(book["checksums_ok"] for book in books.values()) == checksums
    if kind is SPOT:
        gog = books["GOG/USDT"]
        assert (gog["trades"], gog["trade_volume"]) == (55, "606.6164")


@pytest.mark.parametrize("lost", [0, 40, 95])
def test_a_lost_update_is_noticed_by_its_number_and_by_the_checksum_alone(lost: int) -> None:
    """Numbered before the loss the ids tell it; numbered after it only the checksum can."""
    records = session(LINEAR)
    (gone,) = [each for each in records if '"action":"update","arg":{"instType":"mc","channel":"books"' in each.raw][
        lost : lost + 1
    ]
    told = list(as_v3(records))
    received = [each for each in records if each.kind is CaptureKind.RECV]
    by_number = told[: received.index(gone)] + told[received.index(gone) + 1 :]
    by_checksum = list(as_v3(each for each in records if each is not gone))
    for played, gaps, bad in ((by_number, 1, 0), (by_checksum, 0, 1)):
        books: Any = totals_of(played, load_venue("bitget"), LINEAR)["books"]
        book = books["DASH/USDT:USDT"]
        assert (book["state"], book["gaps"], book["checksums_bad"]) == ("syncing", gaps, bad)
        assert book["checksums_ok"] == lost + 1


def test_every_ticker_of_the_perpetual_is_a_mark() -> None:
    codec = load_venue("bitget")
    codec.adopt_unknown = True
    events = [event for each in as_v3(session(LINEAR)) for event in codec.decode(LINEAR, each.raw, each.ts_ns)]
    marks = [event for event in events if isinstance(event, MarkPrice)]
    assert len(marks) == 108
    first = marks[0]
    assert (first.mark, first.index, first.funding_rate) == (113.381, 113.427, -0.0001)
    assert first.next_funding_ns == 1_649_314_800_000_000_000


def listing_of(kind: MarketKind, row: dict[str, Any]) -> dict[str, object]:
    """A listing of v1 in v3's words."""
    named = {"symbol": row["symbol"].partition("_")[0], "baseCoin": row["baseCoin"], "quoteCoin": row["quoteCoin"]}
    if kind is SPOT:
        return named | {
            "category": "SPOT", "status": row["status"], "pricePrecision": row["priceScale"],
            "quantityPrecision": row["quantityScale"], "minOrderQty": row["minTradeAmount"], "type": "",
        }  # fmt: skip
    tick = Decimal(row["priceEndStep"]).scaleb(-int(row["pricePlace"]))
    return named | {
        "category": "USDT-FUTURES", "status": "online", "type": "perpetual", "pricePrecision": row["pricePlace"],
        "quantityPrecision": row["volumePlace"], "priceMultiplier": format(tick, "f"),
        "minOrderQty": row["minTradeNum"], "buyLimitPriceRatio": row["buyLimitPriceRatio"],
        "sellLimitPriceRatio": row["sellLimitPriceRatio"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "rows", "found", "symbol", "tick", "lot"),
    [
        (SPOT, "spot/rest_products_v1_20220407.json.gz", 245, 245, "CULT/USDT", "0.00000001", "1"),
        (LINEAR, "linear/rest_contracts_v1_20220407.json.gz", 51, 51, "BTC/USDT:USDT", "0.5", "0.001"),
    ],
)
def test_the_recorded_listings(
    kind: MarketKind, name: str, rows: int, found: int, symbol: str, tick: str, lot: str
) -> None:
    """BTC's tick is 5 of its last decimal place: a multiplier, not the decimals, is the step."""
    with gzip.open(recorded(name), "rt") as file:
        old = json.load(file)["data"]
    body = json.dumps({"code": "00000", "data": [listing_of(kind, row) for row in old]})
    listed = {each.symbol: each for each in load_venue("bitget").decode_instruments(kind, body)}
    assert (len(old), len(listed)) == (rows, found)
    assert (listed[symbol].tick, listed[symbol].lot) == (Decimal(tick), Decimal(lot))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(SPOT, {BookSnapshot: 1, BookDelta: 1, Trade: 3}), (LINEAR, {BookSnapshot: 1, BookDelta: 1, MarkPrice: 1})],
)
def test_captured_single_frames_of_v2_are_understood(kind: MarketKind, expected: dict[type[FeedEvent], int]) -> None:
    """Coin-margined frames among them are of no market here: unknown."""
    codec, words = load_venue("bitget"), V3Words()
    codec.adopt_unknown = True
    with gzip.open(recorded(f"{kind.value}/v2_public_samples_2024.jsonl.gz"), "rt") as file:
        raws = [words.frame(json.loads(line)["raw"]) for line in file]
    events = [event for raw in raws for event in codec.decode(kind, raw, 5)]
    counted = Counter(type(event) for event in events)
    assert {each: counted[each] for each in expected} == expected
    assert counted[SubscriptionAck] == 0
    assert counted[UnknownFrame] == sum('"COIN-FUTURES"' in raw for raw in raws)


@pytest.mark.parametrize(
    ("kind", "frames", "trades", "last", "marks"),
    [(SPOT, 4, 1, ("29443.24", "0.4134"), []), (LINEAR, 5, 2, ("30322.5", "1.117"), [29906.42])],
)
def test_captured_single_frames_of_v1_are_unknown_as_sent_and_understood_in_v3s_words(
    kind: MarketKind, frames: int, trades: int, last: tuple[str, str], marks: list[float]
) -> None:
    with gzip.open(recorded(f"{kind.value}/public_samples_2021_2022.jsonl.gz"), "rt") as file:
        raws = [json.loads(line)["raw"] for line in file]
    codec, words = load_venue("bitget"), V3Words()
    codec.adopt_unknown = True
    as_sent = [list(codec.decode(kind, raw, 5)) for raw in raws]
    assert [[type(event) for event in each] for each in as_sent] == [[UnknownFrame]] * frames
    pushed = [raw for raw in raws if '"arg"' in raw]  # the others are replies of pages that we do not ask
    assert len(pushed) == frames - 1
    events = [event for raw in pushed for event in codec.decode(kind, words.frame(raw), 5)]
    tape = [event for event in events if isinstance(event, Trade)]
    assert (len(tape), (tape[-1].price_text, tape[-1].size_text), {each.side.value for each in tape}) == (
        trades, last, {"buy"},
    )  # fmt: skip
    assert [event.mark for event in events if isinstance(event, MarkPrice)] == marks
    assert len(events) == len(tape) + len(marks)

"""The recorded OKX sessions: their replay gives the facts that their README states, checksums included.

They are older than ``seqId``: updates link -1 to -1 and the checksums, which live feeds have no more, prove the books.
"""

import gzip
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jackbot_tui.engine.replay import replay_totals, totals_of
from jackbot_tui.feeds.capture import CaptureRecord, read_capture
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues import load_venue

pytestmark = pytest.mark.recorded

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "recorded" / "okx"
SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR


def recorded(name: str) -> Path:
    path = RECORDED / name
    if not path.is_file():
        assert "CI" not in os.environ, f"CI must have the recording okx/{name}"
        pytest.skip("no recordings beside the repository")
    return path


def checked(book: dict[str, Any], checksums: int) -> tuple[object, ...]:
    assert book["state"] == "live"
    assert [book[name] for name in ("gaps", "resyncs", "crossed", "checksums_bad")] == [0] * 4
    assert book["checksums_ok"] == checksums and book["book_updates"] == checksums - 1
    return (
        book["best_bid"],
        book["best_ask"],
        book["bid_levels"],
        book["ask_levels"],
        book["trades"],
        book["trade_volume"],
    )


def test_the_spot_session() -> None:
    result = replay_totals([recorded("spot/btc-usdt_books_20220513.jsonl.gz")], "okx", SPOT)
    books: Any = result["books"]
    assert (result["frames"], result["unknown_frames"], list(books)) == (198, 0, ["BTC/USDT"])
    facts = ["30236.1", "0.18050747"], ["30236.2", "0.001"], 400, 400, 69, "3.48657495"
    assert checked(books["BTC/USDT"], 98) == facts


def test_the_linear_session() -> None:
    result = replay_totals([recorded("linear/xmr-usdt-swap_books-l2-tbt_20210722.jsonl.gz")], "okx", LINEAR)
    books: Any = result["books"]
    assert (result["frames"], result["unknown_frames"], list(books)) == (334, 0, ["XMR/USDT:USDT"])
    assert checked(books["XMR/USDT:USDT"], 318) == (["196.14", "116"], ["196.26", "427"], 193, 86, 6, "87")


def as_linear(records: Iterator[CaptureRecord]) -> Iterator[CaptureRecord]:
    """Inverse contracts under names that this house trades: the protocol is the same, the instruments are not ours."""
    for record in records:
        raw = str(record.raw).replace("UNI-USD-SWAP", "UNI-USDT-SWAP").replace("BTC-USD-220527", "BTC-USDT-SWAP")
        yield CaptureRecord(record.ts_ns, record.kind, record.conn, record.url, raw)


def test_the_inverse_session() -> None:
    path = recorded("inverse/uni-usd-swap_btc-usd-220527_books_20220513.jsonl.gz")
    result = totals_of(as_linear(iter(read_capture([path]))), load_venue("okx"), LINEAR)
    books: Any = result["books"]
    assert (result["frames"], result["unknown_frames"], len(books)) == (212, 0, 2)
    btc, uni = books["BTC/USDT:USDT"], books["UNI/USDT:USDT"]
    assert checked(btc, btc["checksums_ok"]) == (["30229.4", "2"], ["30238.8", "3"], 74, 62, 4, "35")
    assert checked(uni, uni["checksums_ok"]) == (["5.137", "20"], ["5.145", "50"], 125, 118, 1, "100")
    assert btc["checksums_ok"] + uni["checksums_ok"] == 192


def test_one_lost_update_is_noticed_and_ends_live() -> None:
    records = list(read_capture([recorded("spot/btc-usdt_books_20220513.jsonl.gz")]))
    updates = [record for record in records if '"action":"update"' in str(record.raw)]
    records.remove(updates[40])
    books: Any = totals_of(records, load_venue("okx"), SPOT)["books"]
    book = books["BTC/USDT"]
    assert (book["state"], book["checksums_ok"], book["checksums_bad"]) == ("syncing", 41, 1)


@pytest.mark.parametrize(
    ("kind", "name", "symbol", "lot", "contract"),
    [
        (SPOT, "spot/rest_instruments_20220513.json.gz", "BTC/USDT", "0.00000001", "1"),
        (LINEAR, "linear/rest_instruments_swap_20220513.json.gz", "XMR/USDT:USDT", "0.1", "0.1"),
    ],
)
def test_the_recorded_instruments(kind: MarketKind, name: str, symbol: str, lot: str, contract: str) -> None:
    with gzip.open(recorded(name), "rt") as file:
        body = file.read()
    rows = json.loads(body)["data"]
    listed = {each.symbol: each for each in load_venue("okx").decode_instruments(kind, body)}
    assert (listed[symbol].lot, listed[symbol].contract_size) == (Decimal(lot), Decimal(contract))
    wanted = [row for row in rows if row["state"] == "live" and (kind is SPOT or row["ctType"] == "linear")]
    assert len(rows) == (513 if kind is SPOT else 166) and len(listed) == len(wanted)
    assert not any("UNI/USD:" in each for each in listed)


@pytest.mark.parametrize("kind", [SPOT, LINEAR])
def test_captured_single_frames_are_understood_or_said_to_be_unknown(kind: MarketKind) -> None:
    codec = load_venue("okx")
    codec.adopt_unknown = True
    with gzip.open(recorded(f"{kind.value}/public_samples_2021_2022.jsonl.gz"), "rt") as file:
        samples = [json.loads(line) for line in file]
    known = 0
    for sample in samples:
        events = codec.decode(kind, sample["raw"], 0)
        known += not any(type(event).__name__ == "UnknownFrame" for event in events)
    assert (len(samples), known) == {SPOT: (5, 3), LINEAR: (8, 3)}[kind]

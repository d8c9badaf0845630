"""The recorded set as a whole: a test for each file in it, its listings as long as its README says, accounts' frames.

``READ_BY`` names one test per file, by hand; a file that is added to the set fails here until it is read somewhere.
Frames of accounts are not decoded yet, but the public codec meets them when a captured session holds some: none of
them may pass for an event of a market.
"""

import ast
import gzip
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jackbot_tui.feeds.capture import read_capture
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.market import SubscriptionAck, UnknownFrame, VenueNotice
from jackbot_tui.venues import load_venue

pytestmark = pytest.mark.recorded

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT.parent / "shared" / "recorded"
WORLD = ROOT / "tests" / "binance_world.py"
SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
HERE = "test_whole_set::test_frames_of_accounts_are_no_event_of_a_market"

READ_BY = {
    "binance/linear/btcusdt_20240808.jsonl.gz": "test_binance_replay::test_totals_are_those_of_the_readme",
    "binance/linear/private_samples.jsonl.gz": HERE,
    "binance/linear/rest_exchangeinfo_20210722.json.gz": "test_binance_replay::test_recorded_exchange_info_of_2021",
    "binance/spot/btcusdt_20240808.jsonl.gz": "test_binance_replay::test_totals_are_those_of_the_readme",
    "binance/spot/private_samples.jsonl.gz": HERE,
    "binance/spot/rest_exchangeinfo_20211012.json.gz": "test_binance_replay::test_recorded_exchange_info_of_2021",
    "bitget/linear/dashusdt_20220407.jsonl.gz": "test_bitget::test_totals_are_those_of_the_readme",
    "bitget/linear/private_samples.jsonl.gz": HERE,
    "bitget/linear/public_samples_2021_2022.jsonl.gz": (
        "test_bitget::test_captured_single_frames_of_v1_are_unknown_as_sent_and_understood_in_v3s_words"
    ),
    "bitget/linear/rest_contracts_v1_20220407.json.gz": "test_bitget::test_the_recorded_listings",
    "bitget/linear/v2_public_samples_2024.jsonl.gz": ("test_bitget::test_captured_single_frames_of_v2_are_understood"),
    "bitget/spot/books_ticker_trade_8symbols_20220407.jsonl.gz": "test_bitget::test_totals_are_those_of_the_readme",
    "bitget/spot/private_samples.jsonl.gz": HERE,
    "bitget/spot/public_samples_2021_2022.jsonl.gz": (
        "test_bitget::test_captured_single_frames_of_v1_are_unknown_as_sent_and_understood_in_v3s_words"
    ),
    "bitget/spot/rest_products_v1_20220407.json.gz": "test_bitget::test_the_recorded_listings",
    "bitget/spot/v2_public_samples_2024.jsonl.gz": "test_bitget::test_captured_single_frames_of_v2_are_understood",
    "bybit/linear/btcusdt_solusdt_20260809.jsonl.gz": "test_bybit::test_totals_are_those_of_the_readme",
    "bybit/linear/private_samples.jsonl.gz": HERE,
    "bybit/linear/rest_instruments_20260809.json.gz": "test_bybit::test_recorded_listings",
    "bybit/spot/btcusdt_20260809.jsonl.gz": "test_bybit::test_totals_are_those_of_the_readme",
    "bybit/spot/rest_instruments_20260809.json.gz": "test_bybit::test_recorded_listings",
    "coinbase/spot/btcusd_ethusd_20260809_first14s.jsonl.gz": "test_coinbase::test_totals_are_those_of_the_readme",
    "coinbase/spot/private_samples.jsonl.gz": HERE,
    "coinbase/spot/rest_products_20260809.json.gz": "test_coinbase::test_recorded_listing",
    "cryptocom/linear/v1_public_samples_2022.jsonl.gz": "test_cryptocom::test_the_captured_perpetual_ticker_decodes",
    "cryptocom/spot/rest_instruments_v2_20211123.json.gz": (
        "test_cryptocom::test_the_listing_of_v2_is_refused_in_words"
    ),
    "cryptocom/spot/rest_private_samples.jsonl.gz": HERE,
    "cryptocom/spot/v1_public_samples_2022_2026.jsonl.gz": "test_cryptocom::test_captured_v1_frames_decode",
    "cryptocom/spot/v2_5symbols_20211123.jsonl.gz": (
        "test_cryptocom::test_every_whole_book_of_v2_makes_the_sequencers_book_live_and_none_is_crossed"
    ),
    "gateio/linear/5symbols_20230524.jsonl.gz": "test_gateio::test_totals_are_those_of_the_readme",
    "gateio/linear/private_samples.jsonl.gz": HERE,
    "gateio/linear/public_samples_2021_2022.jsonl.gz": (
        "test_gateio::test_captured_samples_give_events_or_say_why_not"
    ),
    "gateio/linear/rest_contracts_20230524.json.gz": "test_gateio::test_recorded_listings",
    "gateio/spot/5symbols_20210422.jsonl.gz": "test_gateio::test_totals_are_those_of_the_readme",
    "gateio/spot/private_samples.jsonl.gz": HERE,
    "gateio/spot/public_samples_2021_2022.jsonl.gz": "test_gateio::test_captured_samples_give_events_or_say_why_not",
    "gateio/spot/rest_currency_pairs_20210422.json.gz": "test_gateio::test_recorded_listings",
    "hyperliquid/linear/btc_20250126_first28.jsonl.gz": "test_hyperliquid::test_totals_are_those_of_the_readme",
    "hyperliquid/linear/private_samples.jsonl.gz": HERE,
    "hyperliquid/linear/rest_info_20230327_20230717.jsonl.gz": (
        "test_hyperliquid::test_a_recorded_book_reply_is_a_whole_book_and_other_replies_are_none_of_ours"
    ),
    "hyperliquid/spot/public_samples_2024_2025.jsonl.gz": "test_hyperliquid::test_captured_spot_frames_decode",
    "kraken/inverse/10contracts_20210722.jsonl.gz": "test_kraken::test_the_derivatives_session_has_no_hole",
    "kraken/inverse/rest_instruments_20210722.json.gz": "test_kraken::test_the_recorded_instrument_lists",
    "kraken/linear/private_samples.jsonl.gz": HERE,
    "kraken/spot/private_samples.jsonl.gz": HERE,
    "kraken/spot/rest_assetpairs_20210417.json.gz": "test_kraken::test_the_recorded_instrument_lists",
    "kraken/spot/v1_10pairs_20210417.jsonl.gz": "test_kraken::test_ten_spot_books_of_v1_pass_every_checksum",
    "kraken/spot/v2_btcusd_20260623.jsonl.gz": "test_kraken::test_the_v2_book_passes_both_checksums",
    "kucoin/linear/private_samples.jsonl.gz": HERE,
    "kucoin/linear/public_samples_2021_2022.jsonl.gz": (
        "test_kucoin::test_no_captured_single_frame_is_unknown_but_the_one_its_author_made_up"
    ),
    "kucoin/linear/public_samples_2024_2026.jsonl.gz": (
        "test_kucoin::test_no_captured_single_frame_is_unknown_but_the_one_its_author_made_up"
    ),
    "kucoin/spot/5symbols_20210425.jsonl.gz": "test_kucoin::test_totals_are_those_of_the_readme",
    "kucoin/spot/private_samples.jsonl.gz": HERE,
    "kucoin/spot/public_samples_2021_2022.jsonl.gz": (
        "test_kucoin::test_no_captured_single_frame_is_unknown_but_the_one_its_author_made_up"
    ),
    "kucoin/spot/rest_symbols_20210425.json.gz": "test_kucoin::test_recorded_listing_of_2021",
    "mexc/linear/depth_full_sample_20260923.jsonl.gz": (
        "test_mexc::test_captured_frames_of_perpetuals_give_their_events"
    ),
    "mexc/linear/private_samples.jsonl.gz": HERE,
    "mexc/linear/public_samples_2021_2022.jsonl.gz": (
        "test_mexc::test_captured_frames_of_perpetuals_give_their_events"
    ),
    "mexc/spot/private_samples.jsonl.gz": HERE,
    "mexc/spot/protobuf_sample_20260923.jsonl.gz": (
        "test_mexc::test_the_captured_binary_frame_gives_the_best_prices_that_it_holds"
    ),
    "mexc/spot/public_samples_2021_2022.jsonl.gz": (
        "test_mexc::test_spot_frames_of_the_retired_protocol_are_told_as_unknown"
    ),
    "okx/inverse/uni-usd-swap_btc-usd-220527_books_20220513.jsonl.gz": "test_okx::test_the_inverse_session",
    "okx/linear/private_samples.jsonl.gz": HERE,
    "okx/linear/public_samples_2021_2022.jsonl.gz": (
        "test_okx::test_captured_single_frames_are_understood_or_said_to_be_unknown"
    ),
    "okx/linear/rest_instruments_swap_20220513.json.gz": "test_okx::test_the_recorded_instruments",
    "okx/linear/xmr-usdt-swap_books-l2-tbt_20210722.jsonl.gz": "test_okx::test_the_linear_session",
    "okx/spot/btc-usdt_books_20220513.jsonl.gz": "test_okx::test_the_spot_session",
    "okx/spot/private_samples.jsonl.gz": HERE,
    "okx/spot/public_samples_2021_2022.jsonl.gz": (
        "test_okx::test_captured_single_frames_are_understood_or_said_to_be_unknown"
    ),
    "okx/spot/rest_instruments_20220513.json.gz": "test_okx::test_the_recorded_instruments",
}

ACCOUNTS = {
    "binance/linear/private_samples": 15, "binance/spot/private_samples": 12, "bitget/linear/private_samples": 25,
    "bitget/spot/private_samples": 15, "bybit/linear/private_samples": 25, "coinbase/spot/private_samples": 6,
    "cryptocom/spot/rest_private_samples": 8, "gateio/linear/private_samples": 12, "gateio/spot/private_samples": 10,
    "hyperliquid/linear/private_samples": 6, "kraken/linear/private_samples": 10, "kraken/spot/private_samples": 6,
    "kucoin/linear/private_samples": 12, "kucoin/spot/private_samples": 12, "mexc/linear/private_samples": 20,
    "mexc/spot/private_samples": 9, "okx/linear/private_samples": 25, "okx/spot/private_samples": 2,
}  # fmt: skip
"""Lines of each file of accounts' frames, as the README counts them."""

LISTINGS = [
    ("binance/linear/rest_exchangeinfo_20210722", ("symbols",), 122),
    ("binance/spot/rest_exchangeinfo_20211012", ("symbols",), 1695),
    ("bitget/linear/rest_contracts_v1_20220407", ("data",), 51),
    ("bitget/spot/rest_products_v1_20220407", ("data",), 245),
    ("bybit/linear/rest_instruments_20260809", ("result", "list"), 800),
    ("bybit/spot/rest_instruments_20260809", ("result", "list"), 557),
    ("coinbase/spot/rest_products_20260809", ("products",), 920),
    ("cryptocom/spot/rest_instruments_v2_20211123", ("result", "instruments"), 250),
    ("gateio/linear/rest_contracts_20230524", (), 302),
    ("gateio/spot/rest_currency_pairs_20210422", (), 1458),
    ("kraken/inverse/rest_instruments_20210722", ("instruments",), 27),
    ("kraken/spot/rest_assetpairs_20210417", ("result",), 304),  # the README says 294; 293 of them have a wsname
    ("kucoin/spot/rest_symbols_20210425", ("data",), 634),
    ("okx/linear/rest_instruments_swap_20220513", ("data",), 166),
    ("okx/spot/rest_instruments_20220513", ("data",), 513),
]
"""File, where its rows are, and how many the README counts."""


def recorded(name: str) -> Path:
    path = RECORDED / name
    if not path.exists():
        assert "CI" not in os.environ, f"CI must have the recorded set {name}"
        pytest.skip("no recorded set beside the repository")
    return path


def test_every_recorded_file_is_read_by_a_test() -> None:
    files = {path.relative_to(RECORDED).as_posix() for path in recorded("README.md").parent.rglob("*.gz")}
    assert files == set(READ_BY), "name the test that reads it"


@pytest.mark.parametrize("module", sorted({test.partition("::")[0] for test in READ_BY.values()}))
def test_the_tests_named_for_files_exist_and_speak_of_them(module: str) -> None:
    """A file's name without its endings must stand in the module that is said to read it, or in Binance's world."""
    text = Path(__file__).with_name(f"{module}.py").read_text()
    functions = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    for name, test in READ_BY.items():
        if test.startswith(f"{module}::"):
            assert test.partition("::")[2] in functions, test
            assert Path(name).name.partition(".")[0] in text + WORLD.read_text(), name


@pytest.mark.parametrize(("name", "lines"), ACCOUNTS.items())
def test_frames_of_accounts_are_no_event_of_a_market(name: str, lines: int) -> None:
    venue, kind, _ = name.split("/")
    codec = load_venue(venue)
    codec.adopt_unknown = True
    records = list(read_capture([recorded(f"{name}.jsonl.gz")]))
    assert len(records) == lines
    events = [event for record in records for event in codec.decode(MarketKind(kind), record.raw, 1)]
    assert {type(event) for event in events} <= {UnknownFrame, SubscriptionAck, VenueNotice}
    assert all(event.reason for event in events if isinstance(event, UnknownFrame))


@pytest.mark.parametrize(("name", "way", "rows"), LISTINGS, ids=[name for name, _, _ in LISTINGS])
def test_recorded_listings_are_as_long_as_the_readme_says(name: str, way: tuple[str, ...], rows: int) -> None:
    """None of a README's rows is lost on the way to the codec, which leaves out some of them for good reasons."""
    body = gzip.decompress(recorded(f"{name}.json.gz").read_bytes())
    held: Any = msgspec.json.decode(body)
    for step in way:
        held = held[step]
    assert len(held) == rows

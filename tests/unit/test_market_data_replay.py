"""Recorded sessions played into the pipeline: pace, pause, steps, what is in a capture, honest totals."""

from pathlib import Path

import pytest

from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.replay import DEAD_AIR_NS, MAX_SPEED_FRAMES, ReplayPlayer, capture_end_ns, totals_of
from jackbot_tui.feeds.capture import CaptureRecord, write_capture
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S, ManualClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError
from jackbot_tui.venues import load_venue
from tests.binance_world import depth, depth_reply, frame, received, replied

SPOT = MarketKind.SPOT
START = 1_700_000_000 * NS_PER_S


def session(
    count: int = 10, step_ns: int = 100 * NS_PER_MS, native: str = "BTCUSDT", mid: float = 100.0
) -> list[CaptureRecord]:
    """A snapshot after the first update, then updates every ``step_ns``, one with a trade."""
    reply = depth_reply(100, [(mid - 1, 1.0)], [(mid + 1, 1.0)])
    records = [received(START, depth(native, 101, 101, [(mid - 2, 1.0)], [])), replied(START, reply)]
    for number in range(1, count):
        raw = depth(native, 101 + number, 101 + number, [(mid - 1, float(number))], [])
        records.append(received(START + number * step_ns, raw))
    return records


def trade(ts_ns: int, size: str, maker_bought: bool) -> CaptureRecord:
    body = {"e": "trade", "E": 3, "s": "BTCUSDT", "t": 1, "p": "101.00", "q": size, "T": 2, "m": maker_bought}
    return received(ts_ns, frame("btcusdt@trade", **body))


class Stage:
    def __init__(self, records: list[CaptureRecord], **options: object) -> None:
        self.data = MarketData(load_venue("binance"), adopt_unknown=True)
        self.clock = ManualClock()
        self.ticks: list[int] = []
        self.player = ReplayPlayer(
            records, self.data, self.clock, self.data.codec, SPOT, on_time=self.ticks.append, **options  # type: ignore[arg-type]
        )  # fmt: skip


def test_paced_playback_follows_the_time_of_the_data() -> None:
    stage = Stage(session(), end_ns=START + 900 * NS_PER_MS)
    player = stage.player
    assert stage.clock.now_ns() == START and player.fraction == 0.0
    assert player.advance(0) == 1, "what is due at the start"
    assert player.advance(250 * NS_PER_MS) == 2
    assert stage.clock.now_ns() == player.position_ns == START + 250 * NS_PER_MS
    assert player.advance(40 * NS_PER_MS) == 0
    assert player.advance(10 * NS_PER_MS) == 1
    assert player.fraction == pytest.approx(1 / 3)
    assert player.advance(10 * NS_PER_S) == 6 and player.done and player.fraction == 1.0
    assert (player.frames, player.first_ts, player.last_ts) == (10, START, START + 900 * NS_PER_MS)


def test_speed_multiplies_time_and_may_change_midway() -> None:
    player = Stage(session(60)).player
    player.speed = 10.0
    assert player.advance(100 * NS_PER_MS) == 11
    player.speed = 1.0
    assert player.advance(100 * NS_PER_MS) == 1


def test_full_speed_plays_a_bounded_number_of_frames_a_call() -> None:
    player = Stage(session(MAX_SPEED_FRAMES + 5)).player
    player.speed = 0.0
    assert [player.advance(1), player.advance(1)] == [MAX_SPEED_FRAMES, 5]
    assert player.done and player.advance(1) == 0


def test_a_backlog_is_worked_off_in_bounded_calls_without_losing_a_frame() -> None:
    player = Stage(session(2 * MAX_SPEED_FRAMES, step_ns=NS_PER_MS)).player
    assert player.advance(NS_PER_S * 60) == MAX_SPEED_FRAMES
    assert player.position_ns == START + (MAX_SPEED_FRAMES - 1) * NS_PER_MS, "time waits for the frames"
    while not player.done:
        player.advance(NS_PER_S)
    assert player.frames == 2 * MAX_SPEED_FRAMES


def test_a_pause_holds_time_and_a_step_plays_one_frame() -> None:
    stage = Stage(session())
    stage.player.advance(0)
    stage.player.pause()
    assert stage.player.advance(10 * NS_PER_S) == 0 and stage.clock.now_ns() == START
    assert stage.player.step() == 1
    assert stage.clock.now_ns() == START + 100 * NS_PER_MS
    stage.player.resume()
    assert stage.player.advance(100 * NS_PER_MS) == 1
    while stage.player.step():
        continue
    assert stage.player.done and stage.player.step() == 0


def test_dead_air_is_skipped() -> None:
    records = session(2)
    late = received(START + 10 * DEAD_AIR_NS, depth("BTCUSDT", 103, 103, [(99.0, 5.0)], []))
    player = Stage([*records, late]).player
    player.advance(200 * NS_PER_MS)
    player.advance(NS_PER_MS)
    assert player.position_ns == late.ts_ns - NS_PER_S
    assert player.advance(NS_PER_S) == 1 and player.done


def test_the_session_hears_of_time_before_every_record_and_in_order() -> None:
    stage = Stage(session(5))
    stage.player.speed = 0.0
    stage.player.advance(0)
    assert stage.ticks[-1] == START + 400 * NS_PER_MS and stage.ticks == sorted(stage.ticks)
    assert set(stage.ticks) == {START + number * 100 * NS_PER_MS for number in range(5)}


def test_the_end_of_a_capture_is_found_for_the_fraction(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"
    write_capture(first, session(3))
    write_capture(second, [received(START + 5 * NS_PER_S, depth("BTCUSDT", 104, 104, [(99.0, 1.0)], []))])
    assert capture_end_ns([first, second]) == START + 5 * NS_PER_S
    assert Stage(session()).player.fraction == -1.0


# ---------------------------------------------------------------------- totals


def totals(records: list[CaptureRecord], *symbols: str) -> dict[str, object]:
    return totals_of(records, load_venue("binance"), SPOT, symbols)


def book(result: dict[str, object], symbol: str) -> dict[str, object]:
    books = result["books"]
    assert isinstance(books, dict)
    found = books[symbol]
    assert isinstance(found, dict)
    return found


def test_totals_have_every_key_and_the_venues_own_texts() -> None:
    result = totals([*session(5), trade(START + NS_PER_S, "0.30000000", True), trade(START + NS_PER_S, "0.1", False)])
    assert set(result) == {"frames", "unknown_frames", "wall_s", "frames_per_s", "first_ts", "last_ts", "books"}
    assert (result["frames"], result["unknown_frames"]) == (7, 0)
    assert (result["first_ts"], result["last_ts"]) == (START, START + NS_PER_S)
    assert book(result, "BTC/USDT") == {
        "state": "live", "book_updates": 5, "trades": 2, "trade_volume": "0.40000000", "buy_volume": "0.1",
        "sell_volume": "0.30000000", "gaps": 0, "resyncs": 0, "checksums_ok": 0, "checksums_bad": 0, "crossed": 0,
        "best_bid": ["99.00", "4.000"], "best_ask": ["101.00", "1.000"], "bid_levels": 2, "ask_levels": 1,
    }  # fmt: skip


def test_a_lost_frame_leaves_the_book_out_of_live_until_a_later_snapshot() -> None:
    records = session(10)
    del records[6]
    broken = book(totals(records), "BTC/USDT")
    assert (broken["state"], broken["gaps"], broken["resyncs"]) == ("syncing", 1, 0)
    records.insert(8, replied(START, depth_reply(107, [(99.0, 1.0)], [(101.0, 1.0)])))
    healed = book(totals(records), "BTC/USDT")
    assert (healed["state"], healed["gaps"], healed["resyncs"], healed["best_bid"]) == (
        "live",
        1,
        1,
        ["99.00", "9.000"],
    )


def test_garbage_is_counted_and_changes_nothing_else() -> None:
    clean, records = totals(session(10)), session(10)
    for at in (1, 5, 9):
        records.insert(at, received(START, f"garbage {at}"))
    dirty = totals(records)
    assert (dirty["frames"], dirty["unknown_frames"]) == (13, 3)
    assert dirty["books"] == clean["books"]


def test_a_silent_recording_ends_stale() -> None:
    quiet = [*session(5), *(trade(START + at * NS_PER_S, "1", True) for at in range(1, 15))]
    assert book(totals(quiet), "BTC/USDT")["state"] == "stale"


def merged(*sessions: list[CaptureRecord]) -> list[CaptureRecord]:
    return sorted((record for each in sessions for record in each), key=lambda record: record.ts_ns)


def test_nameless_snapshots_of_two_instruments_go_to_the_one_whose_price_they_surround() -> None:
    both = merged(session(8), session(8, native="ETHUSDT", mid=3.0))
    result = totals(both)
    assert {symbol: book(result, symbol)["state"] for symbol in ("BTC/USDT", "ETH/USDT")} == {
        "BTC/USDT": "live", "ETH/USDT": "live",
    }  # fmt: skip
    assert (book(result, "ETH/USDT")["best_bid"], result["unknown_frames"]) == (["2.00", "7.000"], 0)


def test_a_snapshot_that_fits_no_single_instrument_is_counted_and_used_by_none() -> None:
    both = merged(session(8), session(8, native="ETHUSDT", mid=100.0))
    result = totals(both)
    assert result["unknown_frames"] == 2
    assert book(result, "BTC/USDT")["state"] == book(result, "ETH/USDT")["state"] == "syncing"


def test_only_the_wanted_symbols_are_followed() -> None:
    both = merged(session(8), session(8, native="ETHUSDT", mid=3.0))
    result = totals(both, "ETH/USDT")
    books = result["books"]
    assert isinstance(books, dict) and list(books) == ["ETH/USDT"]
    assert (book(result, "ETH/USDT")["state"], result["unknown_frames"]) == ("live", 0)


def test_a_symbol_that_is_not_there_is_told_with_what_is() -> None:
    with pytest.raises(InputError, match=r"XRP/USDT is not in the capture, which holds BTC/USDT: leave the symbol out"):
        totals(session(), "XRP/USDT")


def test_an_exchange_info_in_the_capture_gives_the_true_tick() -> None:
    info = (
        '{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":'
        '[{"filterType":"PRICE_FILTER","tickSize":"0.05"},{"filterType":"LOT_SIZE","stepSize":"0.001"}]}]}'
    )
    stage = Stage([replied(START, info), *session()])
    (market,) = stage.data.markets.values()
    assert str(market.instrument.tick) == "0.05"


def test_an_instrument_that_appears_late_is_adopted() -> None:
    late = [received(START + NS_PER_S, depth("ETHUSDT", 5, 5, [(2.0, 1.0)], []))]
    records = [*session(2100, step_ns=1), *late]
    assert book(totals(records), "ETH/USDT")["state"] == "syncing"


def test_frames_of_our_connections_to_another_market_are_left_out() -> None:
    foreign = received(START, depth("BTCUSDT", 900, 901, [(5.0, 1.0)], [], previous=3), conn="binance.linear.public")
    result = totals([foreign, *session(5), foreign])
    assert (result["frames"], book(result, "BTC/USDT")["gaps"], book(result, "BTC/USDT")["state"]) == (5, 0, "live")


def test_time_never_runs_backwards_in_a_shuffled_capture() -> None:
    records = session(6)
    early = received(START - 5 * NS_PER_S, depth("BTCUSDT", 107, 107, [(98.0, 1.0)], []))
    stage = Stage([*records, early])
    stage.player.speed = 0.0
    stage.player.advance(0)
    assert stage.ticks == sorted(stage.ticks) and stage.player.last_ts == START + 500 * NS_PER_MS
    (market,) = stage.data.markets.values()
    assert market.live and market.last_book_ns == START + 500 * NS_PER_MS


def test_an_empty_capture_is_done_at_once() -> None:
    result = totals([])
    assert (result["frames"], result["books"], result["first_ts"]) == (0, {}, 0)


def test_the_same_capture_gives_the_same_totals() -> None:
    def facts() -> dict[str, object]:
        return {name: value for name, value in totals(session(50)).items() if name not in ("wall_s", "frames_per_s")}

    assert facts() == facts()

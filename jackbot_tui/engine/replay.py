"""Recorded sessions played into the market data pipeline: paced for the screen, or in one go for the totals.

``ReplayPlayer`` is a plain object that the runtime moves on from a timer; it reads its records from an iterator, sets
the session's ManualClock from them and opens nothing. The rules are those of a live session: a capture with a hole
leaves its book out of LIVE until a later snapshot.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.feeds.capture import CaptureKind, CaptureRecord, read_capture
from jackbot_tui.model.clock import NS_PER_S, ManualClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import BookSnapshot, Level, UnknownFrame
from jackbot_tui.model.numbers import float_text
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Codec, HttpRequest

LOOK_AHEAD = 2000
"""Records read before the first is played, to learn what instruments the capture holds."""

MAX_SPEED_FRAMES = 2000
"""Frames played by one call at most, so that the event loop stays responsive."""

DEAD_AIR_NS = 60 * NS_PER_S
"""A longer pause in a recording is skipped down to one second."""

KEPT_TEXT = 2000
SILENCE_CHECK_NS = NS_PER_S // 4
PRICE_MARGIN = 0.02
"""How far outside its levels a snapshot without a name may miss an instrument's last known price, as a fraction."""


FRAMES = {CaptureKind.RECV, CaptureKind.RECV_PUSH, CaptureKind.RECV_ACK}


class ReplayPlayer:
    """Plays ``records`` of one venue and market kind into ``data``, on the time of ``clock``.

    ``symbols`` (unified) limits what is followed; empty = all in the capture. ``on_time`` is called with the data's
    time before each record, so that timers of the session run in order with the frames. ``end_ns``, if known, makes
    ``fraction`` known. ``speed`` is a factor, 0 = as fast as possible.
    """

    def __init__(
        self,
        records: Iterable[CaptureRecord],
        data: MarketData,
        clock: ManualClock,
        codec: Codec,
        kind: MarketKind,
        *,
        symbols: Sequence[str] = (),
        end_ns: int = 0,
        on_time: Callable[[int], None] | None = None,
    ) -> None:
        self.speed = 1.0
        self.paused = False
        self.frames = 0
        """Frames played (not replies or requests)."""
        self.first_ts = 0
        self.last_ts = 0
        self._data = data
        self._clock = clock
        self._codec = codec
        self._kind = kind
        self._end_ns = end_ns
        self._on_time = on_time
        self._prices: dict[str, float] = {}  # a price each instrument of the capture was seen at
        self._next_silence_check = 0
        codec.adopt_unknown = True
        data.adopt_unknown = not symbols
        iterator = iter(records)
        self._foreign = tuple(f"{codec.spec.name}.{other.value}." for other in MarketKind if other is not kind)
        """Names of our own connections to the venue's other markets: a capture of ours may hold both."""
        head = list(islice(iterator, LOOK_AHEAD))
        self._follow([each for each in head if not each.conn.startswith(self._foreign)], set(symbols))
        self._records: Iterator[CaptureRecord] = chain(head, iterator)
        self._next = next(self._records, None)
        if self._next is not None:
            self.first_ts = self.last_ts = self._next.ts_ns
            clock.set(self.first_ts)
        self._position = self.first_ts  # the data's time that has been reached, ns

    @property
    def done(self) -> bool:
        """Whether the last record has been played."""
        return self._next is None

    @property
    def fraction(self) -> float:
        """How much of the session has been played, 0.0 to 1.0 by time; -1.0 when its end is not known."""
        if self.done:
            return 1.0
        length = self._end_ns - self.first_ts
        return min(1.0, (self._position - self.first_ts) / length) if length > 0 else -1.0

    @property
    def position_ns(self) -> int:
        """The data's time that has been reached."""
        return self._position

    @property
    def next_ns(self) -> int | None:
        """The data's time of the next record, never before the one that has been reached; None at the end."""
        return None if self._next is None else max(self._position, self._next.ts_ns)

    def play_until(self, until_ns: int) -> int:
        """Play every record due by ``until_ns``, whatever the speed; returns frames played."""
        return self._play(until_ns, sys.maxsize)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def step(self) -> int:
        """Play up to and including the next frame, paused or not; returns frames played, 0 at the end."""
        return self._play(None, 1)

    def advance(self, wall_elapsed_ns: int) -> int:
        """Time went on by ``wall_elapsed_ns`` outside: play what is due. Returns the number of frames played."""
        if self.paused or self.done:
            return 0
        if self.speed <= 0:
            return self._play(None, MAX_SPEED_FRAMES)
        target = self._position + int(wall_elapsed_ns * self.speed)
        if self._next is not None and self._next.ts_ns - target > DEAD_AIR_NS:
            target = self._next.ts_ns - NS_PER_S
        played = self._play(target, MAX_SPEED_FRAMES)
        if played < MAX_SPEED_FRAMES and not self.done:
            self._position = target
            self._tick(target)
        return played

    def _play(self, until: int | None, frames: int) -> int:
        """Play records due at ``until`` (None = any), at most ``frames`` of them frames."""
        played = 0
        while played < frames and self._next is not None and (until is None or self._next.ts_ns <= until):
            record = self._next
            now = self._position = self.last_ts = max(self._position, record.ts_ns)
            self._tick(now)
            if record.conn.startswith(self._foreign):
                pass
            elif record.kind in FRAMES:
                played += 1
                self._data.on_frame(self._kind, record.raw, now)
            elif record.kind is CaptureKind.HTTP:
                self._on_http(record, now)
            self._next = next(self._records, None)
        self.frames += played
        return played

    def _tick(self, now: int) -> None:
        self._clock.set(now)
        if self._on_time is not None:
            self._on_time(now)
        if now >= self._next_silence_check:
            self._next_silence_check = now + SILENCE_CHECK_NS
            self._data.check_silence(now)

    # ------------------------------------------------------------------ what is in the capture

    def _follow(self, head: Sequence[CaptureRecord], symbols: set[str]) -> None:
        """Add the wanted instruments that the first records speak of; InputError names a symbol that is not there."""
        listed = self._listed(head)
        found: dict[str, Instrument] = {}
        for guess in self._codec.infer(self._kind, (each.raw for each in head if self._speaks_of_prices(each))):
            instrument = listed.get(guess.instrument.native, guess.instrument)
            found[instrument.symbol] = instrument
            self._prices[instrument.key] = guess.price
        missing = sorted(symbols - found.keys())
        if missing:
            there = ", ".join(sorted(found)) or "nothing of this venue and market"
            raise InputError(
                f"{missing[0]} is not in the capture, which holds {there}: leave the symbol out to take all"
            )
        self._codec.register(list(found.values()))
        for instrument in found.values():
            if not symbols or instrument.symbol in symbols:
                self._data.add(instrument)

    def _speaks_of_prices(self, record: CaptureRecord) -> bool:
        """Frames, and replies unless their URL says that they are not a depth snapshot of this market."""
        if record.kind is not CaptureKind.HTTP or not record.url:
            return record.kind in FRAMES or record.kind is CaptureKind.HTTP
        return self._codec.recognise_http(self._kind, record.url, record.raw, ()) is not None

    def _listed(self, head: Sequence[CaptureRecord]) -> dict[str, Instrument]:
        """Instruments by native name of the exchangeInfo that the capture holds, if any."""
        for record in head:
            if record.kind is CaptureKind.HTTP:
                request = self._codec.recognise_http(self._kind, record.url, record.raw, ())
                if request is not None and request.purpose == "instruments":
                    listed = self._codec.decode_instruments(self._kind, record.raw)
                    return {instrument.native: instrument for instrument in listed}
        return {}

    def _on_http(self, record: CaptureRecord, now: int) -> None:
        markets = (key for key, market in self._data.markets.items() if market.instrument.kind is self._kind)
        keys = list(dict.fromkeys((*self._prices, *markets)))
        request = self._codec.recognise_http(self._kind, record.url, record.raw, keys)
        if request is None and not record.url:
            request = self._by_price(record, keys)
            if request is None:
                self._data.on_unknown(UnknownFrame(str(record.raw[:KEPT_TEXT]), "reply that belongs to no instrument"))
        if request is not None and request.purpose == "snapshot":
            self._data.on_http(request, record.raw, now)

    def _by_price(self, record: CaptureRecord, keys: Sequence[str]) -> HttpRequest | None:
        """A depth snapshot without a name, of a capture with several instruments: whose last price does it surround?

        None when it fits several: a guess could make a wrong book LIVE.
        """
        fitting: list[HttpRequest] = []
        for key in keys:
            request = self._codec.recognise_http(self._kind, record.url, record.raw, (key,))
            if request is None:
                return None
            for event in self._codec.decode_http(request, record.raw, record.ts_ns):
                if isinstance(event, BookSnapshot) and _surrounds(event, self._last_price(key)):
                    fitting.append(request)
        return fitting[0] if len(fitting) == 1 else None

    def _last_price(self, key: str) -> float:
        market = self._data.markets.get(key)
        last = None if market is None else market.trades.last_price
        return self._prices.get(key, 0.0) if last is None else last


def _surrounds(snapshot: BookSnapshot, price: float) -> bool:
    levels = [level[0] for level in (*snapshot.bids, *snapshot.asks)]
    return bool(levels) and min(levels) * (1 - PRICE_MARGIN) <= price <= max(levels) * (1 + PRICE_MARGIN)


def capture_end_ns(paths: Sequence[Path]) -> int:
    """Time of the last record of ``paths``, for ``ReplayPlayer.fraction``; reads the last file through. 0 if empty."""
    last_file = read_capture(paths).files[-1:]
    return max((record.ts_ns for record in read_capture(last_file)), default=0)


def replay_totals(
    paths: Sequence[Path], venue: str, kind: MarketKind, symbols: Sequence[str] | None = None
) -> dict[str, object]:
    """Play captures that continue one another as fast as possible; totals for ``jackbot replay --json``.

    ``symbols`` None or empty = all in the capture. Prices, sizes and volumes are the exchange's decimal text, volumes
    in base units; times are nanoseconds. CaptureError and InputError say what is wrong with the files or symbols.
    """
    return totals_of(read_capture(paths), load_venue(venue), kind, symbols or ())


def totals_of(
    records: Iterable[CaptureRecord], codec: Codec, kind: MarketKind, symbols: Sequence[str] = ()
) -> dict[str, object]:
    """The same for records that are at hand."""
    started = time.perf_counter()
    data = MarketData(codec, adopt_unknown=True)
    player = ReplayPlayer(records, data, ManualClock(), codec, kind, symbols=symbols)
    player.speed = 0.0
    while not player.done:
        player.advance(0)
    wall_s = time.perf_counter() - started
    return {
        "frames": player.frames,
        "unknown_frames": data.unknown_frames,
        "wall_s": round(wall_s, 6),
        "frames_per_s": round(player.frames / wall_s, 1) if wall_s else 0.0,
        "first_ts": player.first_ts,
        "last_ts": player.last_ts,
        "books": {market.instrument.symbol: _book_totals(market) for market in data.markets.values()},
    }


def _book_totals(market: InstrumentMarket) -> dict[str, object]:
    sequencer, tape = market.sequencer, market.trades
    stats = sequencer.stats
    return {
        "state": sequencer.state.value,
        "book_updates": stats.updates,
        "trades": tape.seq,
        "trade_volume": format(tape.volume, "f"),
        "buy_volume": format(tape.buy_volume, "f"),
        "sell_volume": format(tape.sell_volume, "f"),
        "gaps": stats.gaps,
        "resyncs": stats.resyncs,
        "checksums_ok": stats.checksums_ok,
        "checksums_bad": stats.checksums_bad,
        "crossed": stats.crossed,
        "best_bid": _level_texts(market, market.book.best_bid()),
        "best_ask": _level_texts(market, market.book.best_ask()),
        "bid_levels": len(market.book.bids),
        "ask_levels": len(market.book.asks),
    }


def _level_texts(market: InstrumentMarket, level: Level | None) -> list[str] | None:
    """``[price, size]`` as the venue writes them; None for an empty side."""
    if level is None:
        return None
    sequencer = market.sequencer
    return [float_text(level[0], sequencer.price_decimals), float_text(level[1], sequencer.size_decimals)]

"""Raw frame to best bid and ask on the recorded Binance feeds: ours, the decode floor, ccxt pro, cryptofeed.

Every path gets the same bytes in the same order and is timed per depth frame from the frame to both best levels read.
Peers run through their own message handlers with nothing behind them (no socket, no REST). Rounds are interleaved; the
best round of each path counts. All paths that keep a book must end at the same best prices, or the run fails.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from bench.report import Options, Report, Table, machine
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.feeds.capture import CaptureKind, read_capture
from jackbot_tui.model.enums import BookState, MarketKind
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.market import Level, MarkPrice, Trade, VenueNotice
from jackbot_tui.venues import load_venue

CAPTURES = {"USD-M 0 ms feed": MarketKind.LINEAR, "spot 100 ms feed": MarketKind.SPOT}
SLOW_FRAMES = 1500
"""A path that needs longer than a tenth of a millisecond a frame is measured on so many frames and in one round."""

Best = tuple[float, float, float, float]
Step = Callable[[bytes], None]
Path = tuple[Step, Callable[[], Best | None]]


class Feed(msgspec.Struct):
    """A recording cut down to its book: the snapshot and the depth frames from the one that bridges it."""

    kind: MarketKind
    snapshot: str
    frames: list[bytes]


class _Levels(msgspec.Struct, gc=False):
    E: int
    U: int
    u: int
    b: list[tuple[float, float]]
    a: list[tuple[float, float]]
    pu: int = -1


class _Frame(msgspec.Struct, gc=False):
    stream: str
    data: _Levels


_DECODE = msgspec.json.Decoder(_Frame, strict=False).decode


def load(options: Options, kind: MarketKind) -> Feed:
    path = options.recorded / "binance" / kind.value / "btcusdt_20240808.jsonl.gz"
    if not path.is_file():
        raise InputError(f"{path} is not there: give the folder of the recordings with --recorded")
    snapshot, frames = "", []
    for record in read_capture([path]):
        text = record.raw if isinstance(record.raw, str) else record.raw.decode()
        if record.kind is CaptureKind.HTTP:
            snapshot = text
        elif "@depth" in text[:60]:
            frames.append(text.encode())
    last_id = msgspec.json.decode(snapshot)["lastUpdateId"]
    joined = [frame for frame in frames if _DECODE(frame).data.u >= last_id]
    return Feed(kind, snapshot, joined[: options.frames or None])


# ---------------------------------------------------------------------- the paths


def decode_floor(feed: Feed) -> Path:
    """The typed decoder alone: what any design on it pays."""

    def step(frame: bytes) -> None:
        _DECODE(frame)

    return step, lambda: None


def bare_writes(feed: Feed) -> Path:
    """Decoding and writing every level into two dictionaries, no best kept: the floor of any book of dictionaries."""
    snapshot = msgspec.json.decode(feed.snapshot)
    bids, asks = ({float(p): float(q) for p, q in snapshot[side]} for side in ("bids", "asks"))

    def step(frame: bytes) -> None:
        levels = _DECODE(frame).data
        for price, size in levels.b:
            if size:
                bids[price] = size
            else:
                bids.pop(price, None)
        for price, size in levels.a:
            if size:
                asks[price] = size
            else:
                asks.pop(price, None)

    def best() -> Best | None:
        bid, ask = max(bids), min(asks)
        return bid, bids[bid], ask, asks[ask]

    return step, best


class _Reader:
    """A subscriber that reads the best levels at every update."""

    def __init__(self) -> None:
        self.bid: Level | None = None
        self.ask: Level | None = None

    def on_book(self, market: InstrumentMarket, now: int) -> None:
        self.bid = market.book.best_bid()
        self.ask = market.book.best_ask()

    def on_trade(self, market: InstrumentMarket, trade: Trade, now: int) -> None: ...

    def on_mark(self, market: InstrumentMarket, mark: MarkPrice, now: int) -> None: ...

    def on_book_state(
        self, market: InstrumentMarket, old: BookState, new: BookState, reason: str, now: int
    ) -> None: ...

    def on_notice(self, notice: VenueNotice, now: int) -> None: ...


def jackbot(feed: Feed) -> Path:
    """Decode, checks, sequence, apply, crossed guard, publish to a subscriber that reads the best levels."""
    codec = load_venue("binance")
    data = MarketData(codec)
    data.add(next(iter(codec.infer(feed.kind, feed.frames[:10]))).instrument)
    reader = _Reader()
    data.subscribe(reader)
    market = next(iter(data.markets.values()))
    data.on_http(codec.snapshot_request(market.instrument), feed.snapshot, 1)  # type: ignore[arg-type]

    def step(frame: bytes) -> None:
        data.on_frame(feed.kind, frame, 2)

    def best() -> Best | None:
        assert market.live, market.sequencer.reason
        assert reader.bid is not None and reader.ask is not None
        return (*reader.bid, *reader.ask)

    return step, best


def ccxt_pro(feed: Feed) -> Path:
    """ccxt pro's binance: JSON parser of its client, handle_message, its OrderBook."""
    import asyncio

    import ccxt.pro
    from ccxt.async_support.base.ws.client import json_parser

    async def make() -> Any:
        return ccxt.pro.binance({"options": {"defaultType": "spot"}})

    loop = asyncio.new_event_loop()
    exchange = loop.run_until_complete(make())
    spot = feed.kind is MarketKind.SPOT
    symbol = "BTC/USDT" if spot else "BTC/USDT:USDT"
    exchange.set_markets({symbol: exchange.safe_market_structure({
        "id": "BTCUSDT", "symbol": symbol, "base": "BTC", "quote": "USDT", "type": "spot" if spot else "swap",
        "spot": spot, "swap": not spot, "linear": None if spot else True, "contract": not spot,
    })})  # fmt: skip

    class Client:
        url = "wss://stream.binance.com/stream" if spot else "wss://fstream.binance.com/public/ws"
        subscriptions: dict[str, object] = {}  # noqa: RUF012

        def resolve(self, result: object, message_hash: str) -> None: ...

        def reject(self, error: Exception, message_hash: str) -> None:
            raise error

    client = Client()
    book = exchange.order_book({}, 100_000)
    snapshot = exchange.parse_json(feed.snapshot)
    parsed = exchange.parse_order_book(snapshot, symbol, None, "bids", "asks")
    parsed["nonce"] = snapshot["lastUpdateId"]
    book.reset(parsed)
    exchange.orderbooks[symbol] = book
    seen: list[Any] = []

    def step(frame: bytes) -> None:
        exchange.handle_message(client, json_parser.loads(frame))
        seen[:] = (book["bids"][0], book["asks"][0])

    def best() -> Best | None:
        (bid, bid_size), (ask, ask_size) = (level[:2] for level in seen)
        return float(bid), float(bid_size), float(ask), float(ask_size)

    return step, best


def cryptofeed_c_book(feed: Feed) -> Path:
    """cryptofeed's message handler, its book in C (the ``order_book`` package), a callback that reads the best."""
    from collections import defaultdict
    from decimal import Decimal

    from cryptofeed.defines import ASK, BID, L2_BOOK
    from cryptofeed.exchanges.binance import Binance
    from cryptofeed.exchanges.binance_futures import BinanceFutures
    from cryptofeed.types import OrderBook

    exchange: Any = object.__new__(Binance if feed.kind is MarketKind.SPOT else BinanceFutures)
    snapshot = msgspec.json.decode(feed.snapshot)
    sides = {
        side: {Decimal(price): Decimal(size) for price, size in snapshot[side]} for side in ("bids", "asks")
    }  # fmt: skip
    book = OrderBook(exchange.id, "BTC-USDT", max_depth=0, bids=sides["bids"], asks=sides["asks"])
    exchange.exchange_symbol_mapping = {"BTCUSDT": "BTC-USDT"}
    exchange.requires_authentication = exchange.cross_check = False
    exchange._l2_book = {"BTC-USDT": book}
    exchange.last_update_id = defaultdict(int, {"BTC-USDT": snapshot["lastUpdateId"]})
    seen: list[Any] = []

    async def on_book(updated: Any, received: float) -> None:
        seen[:] = (updated.book[BID].index(0), updated.book[ASK].index(0))

    exchange.callbacks = {L2_BOOK: [on_book]}

    def step(frame: bytes) -> None:
        try:
            exchange.message_handler(frame, None, 0.0).send(None)
        except StopIteration:
            return
        raise AssertionError("cryptofeed's handler waited for something")

    def best() -> Best | None:
        (bid, bid_size), (ask, ask_size) = seen
        return float(bid), float(bid_size), float(ask), float(ask_size)

    return step, best


PATHS: dict[str, tuple[Callable[[Feed], Path], bool]] = {
    "decode only, msgspec typed floats (floor)": (decode_floor, False),
    "decode and write levels into dicts, no best": (bare_writes, False),
    "jackbot, checks and publishing included": (jackbot, False),
    "ccxt pro, its message path": (ccxt_pro, False),
    "cryptofeed, its message path, C book": (cryptofeed_c_book, True),
}
OURS = "jackbot, checks and publishing included"
FLOOR = "decode only, msgspec typed floats (floor)"


# ---------------------------------------------------------------------- measuring


def _time(step: Step, frames: list[bytes]) -> list[int]:
    clock = time.perf_counter_ns
    spent = []
    gc.collect()
    for frame in frames:
        before = clock()
        step(frame)
        spent.append(clock() - before)
    return spent


def measure(feed: Feed, rounds: int) -> Table:
    results: dict[str, list[tuple[float, float, float]]] = {}
    missing: dict[str, str] = {}
    ends: dict[tuple[str, bool], Best] = {}
    for number in range(rounds):
        for name, (make, slow) in PATHS.items():
            if name in missing or (slow and number):
                continue
            try:
                step, best = make(feed)
            except ImportError as error:
                missing[name] = str(error)
                continue
            spent = _time(step, feed.frames[:SLOW_FRAMES] if slow else feed.frames)
            end = best()
            if end is not None:
                ends[name, slow] = end
            ordered = sorted(spent)
            results.setdefault(name, []).append(
                (statistics.median(spent) / 1e3, statistics.fmean(spent) / 1e3, ordered[len(ordered) * 99 // 100] / 1e3)
            )
    if len({end for (_, slow), end in ends.items() if not slow}) != 1:
        raise InputError(f"paths ended at different best levels: {ends}")
    best_of = {name: tuple(min(each[place] for each in rows) for place in range(3)) for name, rows in results.items()}
    ours, floor = best_of[OURS][0], best_of[FLOOR][0]
    rows: list[tuple[str | float, ...]] = [
        (name, *figures, figures[0] / floor, figures[0] / ours) for name, figures in best_of.items()
    ]
    notes = tuple(f"{name}: not measured ({why})" for name, why in missing.items())
    return Table(
        f"{feed.kind.value}: {len(feed.frames)} depth frames, microseconds per frame",
        ("path", "median", "mean", "p99", "x floor", "x jackbot"),
        rows,
        notes,
    )


def measure_reads(feed: Feed) -> Table:
    """Top-N reads between updates, against sorting the side."""
    rows: list[tuple[str | float, ...]] = []
    for depth in (1, 10, 60, 600):
        step, _ = jackbot(feed)
        book = _book_of(step)
        ours: list[int] = []
        sorting: list[int] = []
        for number, frame in enumerate(feed.frames):
            step(frame)
            if number % 7 == 0:
                before = time.perf_counter_ns()
                top = book.top(depth)
                between = time.perf_counter_ns()
                naive = sorted(book.bids.items(), reverse=True)[:depth], sorted(book.asks.items())[:depth]
                sorting.append(time.perf_counter_ns() - between)
                ours.append(between - before)
                if top != naive:
                    raise InputError(f"top({depth}) differs from the sorted book at frame {number}")
        rows.append((f"top({depth}), both sides", statistics.median(ours) / 1e3, statistics.median(sorting) / 1e3))
    return Table(
        f"{feed.kind.value}: reading the best levels after every 7th frame, median microseconds",
        ("read", "jackbot", "sorting"),
        rows,
    )


def _book_of(step: Step) -> Any:
    for cell in step.__closure__ or ():
        if isinstance(cell.cell_contents, MarketData):
            return next(iter(cell.cell_contents.markets.values())).book
    raise AssertionError("not our path")


def run(options: Options) -> Report:
    return Report("book_path", list(_tables(options)), machine("msgspec", "ccxt", "cryptofeed", "order_book"))


def _tables(options: Options) -> Iterator[Table]:
    for kind in CAPTURES.values():
        feed = load(options, kind)
        yield measure(feed, options.rounds)
        yield measure_reads(feed)

"""The tables of the command language: verbs, short forms, price references, flags, units, options.

Parser, completion, help and docs/COMMANDS.md all read these. Verbs and short forms are public and stable: they are the
journal's format.
"""

from enum import Enum
from typing import Any

from msgspec import Struct

from jackbot_tui.algos.algorithm import Algorithm
from jackbot_tui.algos.parameters import Unit
from jackbot_tui.algos.registry import ALGORITHMS
from jackbot_tui.desk.commands import OffsetUnit, PriceRef


class Availability(Enum):
    NOW = "now"
    LATER = "later"
    SCREEN = "screen"


class Verb(Struct, frozen=True, kw_only=True):
    """One verb. ``synopsis`` is what follows it; ``later`` says with what it comes (``LATER`` only)."""

    name: str
    short: tuple[str, ...] = ()
    synopsis: str = ""
    meaning: str
    example: str
    group: str
    availability: Availability = Availability.NOW
    later: str = ""

    @property
    def usage(self) -> str:
        return f"{self.name} {self.synopsis}".rstrip()


def _now(group: str, name: str, short: str, synopsis: str, meaning: str, example: str) -> Verb:
    return Verb(name=name, short=tuple(short.split()), synopsis=synopsis, meaning=meaning, example=example, group=group)


def _later(name: str, short: str, synopsis: str, meaning: str, example: str, later: str) -> Verb:
    return Verb(
        name=name,
        short=tuple(short.split()),
        synopsis=synopsis,
        meaning=meaning,
        example=example,
        group="not in this version",
        availability=Availability.LATER,
        later=later,
    )


def _screen(name: str, synopsis: str, meaning: str, example: str) -> Verb:
    return Verb(
        name=name, synopsis=synopsis, meaning=meaning, example=example, group="screen", availability=Availability.SCREEN
    )


def _parent(algorithm: Algorithm[Any]) -> Verb:
    """A kind of parent order, said with its table."""
    words = []
    taking_over = any(parameter.name == "on" for parameter in algorithm.table)
    sides = "buy|sell SIZE | position [SIZE]" if taking_over else "buy|sell SIZE"
    sides = "long|short NUMx" if algorithm.sizes_itself else sides
    for parameter in algorithm.table:
        if parameter.hidden or parameter.unit is Unit.LEVERAGE:
            continue
        value = _UNIT_WORDS.get(parameter.unit) or "|".join(parameter.words)
        word = f"{parameter.name} {value}" if parameter.bare else f"{parameter.name}={value}"
        word = f"@ {value}" if parameter.name == "price" else word
        words.append(word if parameter.required else f"[{word}]")
    return Verb(
        name=algorithm.kind.value,
        short=algorithm.short,
        synopsis=f"{sides} [SYM] {' '.join(words)}",
        meaning=algorithm.title,
        example=algorithm.example,
        group="parent orders",
    )


_UNIT_WORDS = {
    Unit.PRICE: "PRICE",
    Unit.SIZE: "NUM",
    Unit.TICKS: "TICKS",
    Unit.TIME: "TIME",
    Unit.COUNT: "N",
    Unit.PERCENT: "NUM%",
    Unit.BASIS_POINTS: "NUMbp",
    Unit.SWITCH: "on|off",
    Unit.DISTANCE: "DISTANCE",
    Unit.LEVELS: "PRICE:SIZE…",
    Unit.LOCK: "PRICE:DISTANCE",
    Unit.MONEY: "MONEY",
    Unit.LEVERAGE: "NUMx",
}

_ORDER = "SIZE [SYM] [@ PRICE | mkt] [stop|take PRICE [last|mark]] [post] [ioc|fok|gtc] [reduce] [slip=TICKS]"
_ALGOS = "execution algorithms"

VERBS: tuple[Verb, ...] = (
    _now(
        "orders", "buy", "b", _ORDER, "buy: a limit order with @ PRICE, a market order without", "buy 0.5 @ bid+1t post"
    ),
    _now(
        "orders", "sell", "s", _ORDER, "sell: a limit order with @ PRICE, a market order without", "sell 1000$ @ 61500"
    ),
    _now(
        "orders",
        "cancel",
        "cx",
        "all|buys|sells|last|ID… [SYM]",
        "cancel working orders, of every instrument unless SYM is named; always allowed",
        "cancel 41 42",
    ),
    _now(
        "orders",
        "move",
        "mv",
        "ID|last PRICE|OFFSET [qty=NUM]",
        "give a working order a new price and/or total quantity; an offset counts from its own price",
        "move 41 +2t",
    ),
    *(_parent(each) for each in ALGORITHMS.values()),
    _now(
        "parent orders",
        "task",
        "",
        "list|pause|resume|cancel|finish|edit ID [qty=NUM] [NAME=VALUE…]",
        "steer a parent order (finish: take the rest at the market); pause and cancel always work, and take all as ID",
        "task edit 3 limit=60400",
    ),
    _now("parent orders", "parents", "pa", "", "parent orders: progress, what each does and why", "parents"),
    _now(
        "position",
        "close",
        "cl",
        "NUM%|SIZE|half|all [SYM]",
        "close that much of the position at market, reduce-only",
        "close 30%",
    ),
    _now(
        "position",
        "flatten",
        "fl",
        "[all|SYM]",
        "cancel the instrument's orders and close its position at market; all (typed in full): every instrument",
        "flatten",
    ),
    _now(
        "position",
        "reverse",
        "rv",
        "[SYM]",
        "cancel the instrument's orders and turn its position into the opposite, at market",
        "reverse",
    ),
    _now(
        "position",
        "leverage",
        "lev",
        "NUM [SYM]",
        "leverage of a perpetual: what its position and orders post is their value divided by it",
        "leverage 20",
    ),
    _now(
        "position",
        "margin",
        "",
        "isolated|cross [SYM]",
        "what answers for a perpetual: only what its position posted, or the whole wallet; while flat, without orders",
        "margin isolated",
    ),
    _now(
        "safety",
        "arm",
        "",
        "[TIME] [market]",
        "let order keys of this screen send at once (10m unless told); market keys only with market",
        "arm 10m market",
    ),
    _now("safety", "disarm", "", "", "every order asks for a confirm again", "disarm"),
    _now(
        "safety",
        "kill",
        "",
        "[flatten|reset]",
        "lock new orders, cancel everything, optionally flatten; reset (typed in full) unlocks",
        "kill",
    ),
    _now("safety", "take", "", "", "take the pen: only the screen that has it may place orders", "take"),
    _now("ticket", "sym", "", "SYM", "make an instrument the active one", "sym ETH/USDT:USDT"),
    _now("ticket", "size", "", "NUM", "set the quantity of order keys", "size 0.5"),
    _now("ticket", "preset", "", "1..5 [NUM]", "select a quantity preset; with NUM store it first", "preset 2 0.5"),
    _now("ticket", "group", "", "NUM", "ticks per ladder row, 1..10000", "group 5"),
    _now(
        "ticket", "slip", "", "TICKS", "bound market orders to the touch plus that many ticks; 0 = no bound", "slip 10t"
    ),
    _now("ticket", "post", "", "[on|off]", "make limit orders post-only unless they say ioc or fok", "post on"),
    _now("ticket", "reduce", "", "[on|off]", "make orders reduce-only", "reduce off"),
    _now("look", "positions", "pos", "", "positions with profit and loss", "positions"),
    _now("look", "orders", "o", "", "working orders", "orders"),
    _now("look", "fills", "f", "[NUM]", "newest fills", "fills 20"),
    _now(
        "look",
        "why",
        "",
        "[ID|FILL]",
        "why an order was filled, or one fill by its trade id, or the newest fill; and what it was worth afterwards",
        "why 41",
    ),
    _now(
        "look",
        "honesty",
        "",
        "",
        "this session's orders under every rule of filling side by side, and what paper fills rest on",
        "honesty",
    ),
    _now("look", "status", "st", "", "mode, books, feeds, arming, equity", "status"),
    _now("look", "book", "", "[NUM] [SYM]", "best levels of the order book", "book 5"),
    _now("look", "limits", "", "", "every limit of the risk gate and how much is used", "limits"),
    _now(
        "look",
        "reconcile",
        "",
        "[apply | adopt|close|ignore NO…]",
        "where our books and the venue's differ, on a live account; settle single ones, or all by the settings' rules",
        "reconcile adopt 2",
    ),
    _now("look", "account", "acc", "", "balances and positions of the account, valued in one currency", "account"),
    _now("look", "killed", "", "", "what the last kill is proven to have done, and what not yet", "killed"),
    _now("look", "connections", "conn", "", "sockets to the venue", "connections"),
    _now(
        "records",
        "journal",
        "",
        "note|tag TEXT",
        "write a note or a tag into the journal",
        "journal note faded the open",
    ),
    _now("records", "note", "", "PRICE TEXT", "write a note about a price", "note 61000 cpi"),
    _now("records", "export", "", "today", "write today's orders and fills to files", "export today"),
    _now("records", "record", "", "start|stop", "record raw market data to a capture file", "record start"),
    _now(
        "records",
        "replay",
        "",
        "pause|resume|step [NUM]|speed NUM|max",
        "control a replay (replay mode only)",
        "replay speed 10",
    ),
    _now(
        "engine", "set", "", "[OPTION VALUE]", "change an option of the guards; alone: list them", "set drift.limit 20"
    ),
    _now("engine", "paper", "", "", "say which mode orders are in", "paper"),
    _now("engine", "live", "", "", "let new orders go to the account, on an engine of --live or --live-sim", "live"),
    _now("engine", "help", "h ?", "[VERB|sizes|prices|flags]", "this list, or one verb", "help buy"),
    _now("engine", "quit", "", "", "end the engine in an orderly way", "quit"),
    _screen("center", "[auto|off]", "centre the ladder on the inside", "center"),
    _screen("theme", "NAME", "choose colours", "theme cvd"),
    _screen("keymap", "NAME", "choose a set of keys", "keymap dom"),
    _screen("keys", "", "list the keys that work now", "keys"),
    _screen("col", "+NAME|-NAME", "show or hide a ladder column", "col +delta"),
    _screen("layout", "save|load NAME", "store or restore the layout", "layout save scalp"),
    _screen("bind", "KEY COMMAND", "bind a key to a command", 'bind f11 "cancel buys"'),
    _screen("unbind", "KEY", "free a key", "unbind f11"),
    _later("swarm", "", "SIDE SIZE", "a market order in parts", "swarm buy 1", _ALGOS),
    _later("be", "", "[+TICKS]", "stop to break-even", "be +2t", "smart trades"),
    _later("convert", "", "ID maker|market", "turn an order into another kind", "convert 41 market", "smart trades"),
    _later("worker", "", "start|pause|stop NAME", "strategies", "worker start mm-btc", "strategies"),
    _later("alert", "", "PRICE [bell]", "price alerts", "alert 61200", "alerts"),
    _later("alias", "", "NAME COMMAND", "own verbs", 'alias panic "cancel all"', "aliases"),
)

BY_WORD: dict[str, Verb] = {word: verb for verb in VERBS for word in (verb.name, *verb.short)}

REFERENCES: dict[PriceRef, str] = {
    PriceRef.BID: "best bid",
    PriceRef.ASK: "best ask",
    PriceRef.MID: "middle of bid and ask",
    PriceRef.LAST: "last trade",
    PriceRef.MARK: "mark price (perpetuals)",
    PriceRef.ENTRY: "average entry of the position",
    PriceRef.CUR: "ladder cursor",
}

REFERENCE_WORDS: dict[str, PriceRef] = {ref.value: ref for ref in REFERENCES}

OFFSET_UNITS: dict[OffsetUnit, str] = {
    OffsetUnit.TICKS: "ticks",
    OffsetUnit.PERCENT: "percent of the reference",
    OffsetUnit.BASIS_POINTS: "basis points of the reference",
    OffsetUnit.PRICE: "price units",
}

SIZES: dict[str, str] = {
    "NUM": "base units: 0.5",
    "NUMk": "thousands of base units: 2k",
    "NUM$": "quote currency to spend, at the order's price: 1000$",
    "NUMk$": "thousands of quote currency: 5k$",
    "NUM%": "percent of equity (percent of the position in close): 10%",
    "$pos": "the size of the position",
    "half": "half the size of the position",
    "#1..#5": "a quantity preset: #2",
}

FLAGS: dict[str, str] = {
    "post": "post-only: rests or is not placed at all",
    "ioc": "fill at once what can be, cancel the rest",
    "fok": "fill all at once or nothing",
    "gtc": "rest until cancelled (the usual)",
    "reduce": "reduce-only: may only make the position smaller",
    "slip=": "market orders: bound to the touch plus that many ticks, slip=5t; with stop: to the trigger plus so many",
    "stop": "wait at the venue until the price is that bad: sell 0.5 stop 60000 reduce, sell 0.5 stop 60000 @ 59950",
    "take": "wait at the venue until the price is that good: sell 0.5 take 62000 reduce",
    "last": "the last trade triggers (the usual one, where the venue knows it)",
    "mark": "the mark price triggers (perpetuals)",
}

LATER_FLAGS: dict[str, str] = {"maker": "execution algorithms"}
SMART_FLAGS = ("tp", "sl", "trail")
"""Words that people say of an order and that belong to a smart trade."""

TIME_UNITS_NS: dict[str, int] = {
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}

MARKET_WORDS = ("mkt", "market")
PRESETS = 5
MAX_GROUP = 10_000
MAX_SLIP_TICKS = 100_000
MAX_ROWS = 1_000


class Option(Struct, frozen=True, kw_only=True):
    """One option of ``set``: whole numbers between ``low`` and ``high``."""

    name: str
    default: int
    low: int
    high: int
    unit: str
    meaning: str


OPTIONS: dict[str, Option] = {
    name: Option(name=name, default=default, low=low, high=high, unit=unit, meaning=meaning)
    for name, default, low, high, unit, meaning in (
        ("drift.market", 5, 0, 1000, "ticks", "move of the touch since you looked that makes a market order ask"),
        ("drift.limit", 10, 0, 1000, "ticks", "the same for limit orders"),
        ("idle", 120, 10, 3600, "s", "idle time that disarms"),
        ("glass", 250, 50, 5000, "ms", "age of the picture that disarms"),
        ("confirm", 15, 5, 60, "s", "life of a question; what it showed is what is sent"),
        ("duplicate", 10, 1, 60, "s", "an identical order within this time asks"),
    )
}

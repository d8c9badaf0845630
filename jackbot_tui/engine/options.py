"""Everything the engine needs to be told, as plain values.

The command line fills it from the settings; tests build it by hand. No setting is read anywhere below this.
"""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from jackbot_tui.engine.parents import ParentOptions
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.feeds.line import StreamPolicy
from jackbot_tui.model.enums import DifferenceRule, MarketKind, Mode
from jackbot_tui.risk.limits import RiskLimits


class DifferenceRules(Struct, frozen=True, kw_only=True):
    """What ``reconcile apply`` does about each kind of difference to the venue; nothing is done before it is said."""

    foreign_order: DifferenceRule = DifferenceRule.IGNORE
    revived_order: DifferenceRule = DifferenceRule.CLOSE
    position: DifferenceRule = DifferenceRule.ADOPT
    holding: DifferenceRule = DifferenceRule.ADOPT


class LiveOptions(Struct, frozen=True, kw_only=True):
    """``account`` names the key (``binance``, ``binance/second``), ``keys`` is the directory of the file of keys.

    ``addresses`` replaces addresses of the venue's private side, as ccxt names them (an embedded exchange's). The
    account is looked at across the private streams every ``poll_s`` seconds. ``dead_man_s``: the venue cancels working
    orders when it has not heard from us for so long, 0 = never. ``rules`` are those for differences. ``given`` holds
    the parts of an embedded exchange's test key, which is in no store.
    """

    account: str
    keys: Path
    addresses: dict[str, Any] | None = None
    poll_s: float = 15.0
    allow_withdrawals: bool = False
    dead_man_s: float = 0.0
    rules: DifferenceRules = DifferenceRules()
    given: dict[str, str] = field(default_factory=dict)


LogSink = Callable[[str, str, dict[str, object]], None]
"""``(level, event, fields)``: one structured log line. Levels: debug, info, warning, error."""


class ShutdownPolicy(StrEnum):
    """What happens to working orders when the engine ends in an orderly way."""

    LEAVE = "leave"  # they stay in the journal and rest again at the next start
    CANCEL = "cancel"
    FLATTEN = "flatten"  # cancel, then close every position at market


class ReplayOptions(Struct, frozen=True, kw_only=True):
    """A recorded session to play. ``speed`` 0 means as fast as possible."""

    paths: list[Path]
    kind: MarketKind
    speed: float = 1.0
    paused: bool = False


class EngineOptions(Struct, frozen=True, kw_only=True):
    """One engine process.

    ``symbols`` are unified symbols (``BTC/USDT``, ``BTC/USDT:USDT``); empty in replay = all in the capture.
    ``endpoints`` overrides URLs: ``spot.public``, ``spot.rest``, ``linear.public``, ``linear.market``, ``linear.rest``.
    ``journal_path`` None keeps the journal in memory (replay). ``socket_path`` None = no socket (embedded use).
    ``capture_dir`` None switches the ring capture off; ``record_path`` also writes one capture file.
    ``run_for_ns`` 0 = until told to stop. ``seed`` seeds every generator of the session.
    ``stream`` holds the time-outs of connections, ``parents`` what holds for parent orders. ``live`` is the real
    account (``Mode.LIVE``), or one of the embedded exchange (``Mode.SIM``).
    """

    mode: Mode
    venue: str
    symbols: list[str]
    endpoints: dict[str, str] = field(default_factory=dict)
    journal_path: Path | None = None
    socket_path: Path | None = None
    capture_dir: Path | None = None
    capture_bytes: int = 256 * 1024 * 1024
    record_path: Path | None = None
    seed: int = 1
    limits: RiskLimits = field(default_factory=RiskLimits)
    paper: PaperConfig = field(default_factory=PaperConfig)
    shutdown: ShutdownPolicy = ShutdownPolicy.LEAVE
    run_for_ns: int = 0
    replay: ReplayOptions | None = None
    stream: StreamPolicy = StreamPolicy()
    parents: ParentOptions = ParentOptions()
    live: LiveOptions | None = None
    log: LogSink | None = None

"""Engine and market data pipeline of a session whose inputs are recorded: each call from outside is a turn.

The runtime builds these in place of their plain parents, which tests and backtests use. Nothing here decides anything.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from jackbot_tui.algos.state import Action, ParentRequest
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.engine import inputs
from jackbot_tui.engine.answers import Asked, KillReport, Submitted
from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.engine.parents import ParentAnswer, ParentOptions, Parents
from jackbot_tui.engine.turns import Turns
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.orders import Order, OrderRequest
from jackbot_tui.venues.base import Codec, ConnectionPlan, HttpRequest


class RecordedMarketData(MarketData):
    """A ``MarketData`` whose every event from outside is a turn. Frames are in the capture already, see ``feeds``."""

    def __init__(self, codec: Codec, turns: Turns) -> None:
        super().__init__(codec)
        self._turns = turns
        self._heard: dict[str, int] = {}
        self._newly_heard: dict[str, int] = {}

    def on_frame(self, kind: MarketKind, raw: str | bytes, ts_recv: int) -> None:
        turns = self._turns
        now = turns.begin(ts_recv)
        try:
            super().on_frame(kind, raw, now)
        finally:
            turns.end()

    def on_connect(self, plan: ConnectionPlan, now: int) -> None:
        with self._turns.of(inputs.Connected(plan.conn, plan.kind, plan.book_keys)) as turn:
            super().on_connect(plan, turn.now_ns())

    def on_disconnect(self, plan: ConnectionPlan, reason: str, now: int) -> None:
        with self._turns.of(inputs.Disconnected(plan.conn, reason)) as turn:
            super().on_disconnect(plan, reason, turn.now_ns())

    def on_http(self, request: HttpRequest, body: str | bytes, ts_recv: int) -> None:
        with self._turns.of(inputs.Answered(request.key)) as turn:
            super().on_http(request, body, turn.now_ns())

    def on_http_failed(self, request: HttpRequest, reason: str, now: int) -> None:
        with self._turns.of(inputs.AnswerFailed(request.key, reason)) as turn:
            super().on_http_failed(request, reason, turn.now_ns())

    def on_resubscribed(self, key: str, now: int) -> None:
        with self._turns.of(inputs.Resubscribed(key)) as turn:
            super().on_resubscribed(key, turn.now_ns())

    def on_heard(self, conn: str, at: int) -> None:
        """Taken over with the next look at silent books, which is what it is for."""
        if self._heard.get(conn) != at:
            self._heard[conn] = self._newly_heard[conn] = at

    def check_silence(self, now: int) -> None:
        heard, self._newly_heard = self._newly_heard, {}
        with self._turns.of(inputs.Looked(heard)) as turn:
            for conn, at in heard.items():
                super().on_heard(conn, at)
            super().check_silence(turn.now_ns())


class RecordedParents(Parents):
    """Parent orders whose every command from outside is a turn."""

    def __init__(self, turns: Turns, engine: Engine, options: ParentOptions, poke: Callable[[], None]) -> None:
        super().__init__(engine, options, poke)
        self._turns = turns

    def start(self, request: ParentRequest) -> ParentAnswer:
        with self._turns.of(inputs.BeginParent(request)):
            return super().start(request)

    def steer(
        self, number: int, action: Action, quantity: Decimal | None, changes: Mapping[str, str], source: str
    ) -> ParentAnswer:
        with self._turns.of(inputs.SteerParent(number, action, quantity, dict(changes), source)):
            return super().steer(number, action, quantity, changes, source)

    def stop_matching(self, key: str | None, side: Side | None, source: str) -> list[int]:
        with self._turns.of(inputs.StopParents(key, side, source)):
            return super().stop_matching(key, side, source)


class RecordedEngine(Engine):
    """An ``Engine`` whose every call from outside that may change something is a turn."""

    def __init__(self, turns: Turns, **parts: Any) -> None:
        """``parts`` are those of ``Engine``."""
        super().__init__(clock=turns, **parts)
        self._turns = turns
        self.parents = RecordedParents(turns, self, parts.get("parents") or ParentOptions(), self._poke)

    def add_instrument(self, instrument: Instrument) -> InstrumentMarket:
        with self._turns.of(inputs.Followed(instrument)):
            return super().add_instrument(instrument)

    def advance(self, now: int) -> None:
        with self._turns.of(inputs.Advanced()) as turn:
            super().advance(turn.now_ns())

    def stop_orders(self, stopping: bool) -> None:
        """Take no new orders any more, or take them again."""
        with self._turns.of(inputs.Stopping(stopping)):
            self.stopping = stopping

    def end(self, reason: str) -> None:
        with self._turns.of(inputs.Ended(reason)):
            super().end(reason)

    def submit(self, request: OrderRequest, confirmed: bool = False) -> Submitted:
        with self._turns.of(inputs.Submit(request, confirmed)):
            return super().submit(request, confirmed)

    def cancel(self, client_id: str, source: str) -> Asked:
        with self._turns.of(inputs.Cancel(client_id, source)):
            return super().cancel(client_id, source)

    def amend(self, client_id: str, price: Decimal | None, quantity: Decimal | None, source: str) -> Asked:
        with self._turns.of(inputs.Amend(client_id, price, quantity, source)):
            return super().amend(client_id, price, quantity, source)

    def cancel_all(
        self, *, key: str | None = None, side: Side | None = None, owner: str | None = None, source: str
    ) -> list[Order]:
        with self._turns.of(inputs.CancelAll(key, side, owner, source)):
            return super().cancel_all(key=key, side=side, owner=owner, source=source)

    def flatten(self, key: str | None, source: str) -> list[Submitted]:
        with self._turns.of(inputs.Flatten(key, source)):
            return super().flatten(key, source)

    def reverse(self, key: str, source: str) -> Submitted | None:
        with self._turns.of(inputs.Reverse(key, source)):
            return super().reverse(key, source)

    def kill(self, source: str, flatten: bool = False) -> KillReport:
        with self._turns.of(inputs.Kill(source, flatten)):
            return super().kill(source, flatten)

    def reset_kill(self, source: str) -> int:
        with self._turns.of(inputs.ResetKill(source)):
            return super().reset_kill(source)

    def set_margin(self, key: str, mode: MarginMode | None, leverage: Decimal | None, source: str) -> Asked:
        with self._turns.of(inputs.ChooseMargin(key, mode, leverage, source)):
            return super().set_margin(key, mode, leverage, source)

    def note(self, topic: str, text: str) -> int:
        with self._turns.of(inputs.Noted(topic, text)):
            return super().note(topic, text)

    def log_command(self, source: str, line: str, seen: dict[str, str] | None = None) -> int:
        with self._turns.of(inputs.CommandLine(source, line, seen or {})):
            return super().log_command(source, line, seen)

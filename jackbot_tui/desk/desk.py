"""The one front door for people: a line comes in, is understood, guarded, carried out and answered once it is durable.

Owns the clients, the pen and arming, and the questions that are open. Knows no sockets and no widgets; everything that
moves money goes through the engine's own methods. Everything up to the wait for the journal happens without a pause, so
that lines never mix.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.desk import commands as c
from jackbot_tui.desk import guards
from jackbot_tui.desk.arming import Arming
from jackbot_tui.desk.clients import ClientState, Ticket
from jackbot_tui.desk.language import SymbolTable, SyntaxProblem, parse_with_spans
from jackbot_tui.desk.language.grammar import OPTIONS
from jackbot_tui.desk.language.parser import Parsed
from jackbot_tui.desk.parent_words import has_card, parent_problem
from jackbot_tui.desk.pictures import PictureMaker
from jackbot_tui.desk.planning import MoveStep, OrderStep, ParentStep, Plan, Planner, PlanProblem, Step
from jackbot_tui.desk.ports import EnginePort, HostPort
from jackbot_tui.desk.pricing import Touch
from jackbot_tui.desk.reference import unavailable_text
from jackbot_tui.desk.runner import Done, Runner, caret_of
from jackbot_tui.desk.views import ClientInfo, Context, Notice, Reply, Role, ScreenView, ViewRequest
from jackbot_tui.desk.words import preview_plan
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.errors import InputError

if TYPE_CHECKING:
    from jackbot_tui.engine.notices import EngineNotice
    from jackbot_tui.risk.refusal import Refusal

GLASS_NS = 3 * NS_PER_S
"""A client that took no picture for so long looks at nothing."""

DURABLE_S = 10.0
"""How long a reply waits for the journal before it says that it could not be sure."""

_NEEDS_PEN = (
    *c.RISK_CARRYING, c.SetLeverage, c.SetMarginMode, c.Arm, c.KillReset, c.GoLive, c.Settle, c.SetOption, c.Quit,
)  # fmt: skip


class _Question(Struct, frozen=True):
    """A line that was asked back or previewed: the plan it showed is what a confirm sends.

    ``touches`` are the prices it stood at where it trades at market: when they have moved too far it is asked again.
    """

    line: str
    key: str
    plan: Plan
    touches: dict[str, Touch]
    until_ns: int

    def answered_by(self, line: str, context: Context, now: int) -> bool:
        return self.line == line and self.key == context.key and now < self.until_ns


class Desk:
    """See the module's paragraph. ``host`` is the process around the engine, None where there is none (tests)."""

    def __init__(self, engine: EnginePort, host: HostPort | None = None) -> None:
        self.engine = engine
        self.host = host
        self.options = {name: option.default for name, option in OPTIONS.items()}
        self.arming = Arming(self._tell_mode)
        self._clients: dict[int, ClientState] = {}
        self._asked: dict[int, _Question] = {}
        self._previewed: dict[int, _Question] = {}
        self._next_client = 1
        self._symbols = SymbolTable()
        self._pictures = PictureMaker(engine, host, self.arming)
        engine.board.listen(self._on_notice)

    # ------------------------------------------------------------------ facts about the engine

    @property
    def mode(self) -> str:
        return self.engine.mode.value

    @property
    def version(self) -> str:
        return self.engine.version

    @property
    def instance(self) -> str:
        """Names this engine process: journal and session."""
        return f"{self.engine.journal.journal_id}-{self.engine.journal.session}"

    @property
    def notice_seq(self) -> int:
        return self.engine.board.seq

    def notices_after(self, seq: int) -> list[Notice]:
        """Notices still held with a higher number than ``seq``, oldest first."""
        return [_as_notice(notice) for notice in self.engine.board.after(seq)]

    def subscribe(self, callback: Callable[[Notice], None]) -> Callable[[], None]:
        """Call back for every notice to come, in order; returns what ends it."""
        return self.engine.board.listen(lambda notice: callback(_as_notice(notice)))

    # ------------------------------------------------------------------ clients

    def attach(self, role: Role, name: str) -> ClientInfo:
        """A client came. The first screen gets the pen; a further one disarms whoever was armed."""
        info = ClientInfo(self._next_client, role, name[:40])
        self._next_client += 1
        ticket = Ticket(key=next(iter(self.engine.data.markets), ""))
        self._clients[info.client_id] = ClientState(info, ticket, self.engine.clock.now_ns())
        if role is Role.SCREEN:
            if self.arming.pen is None:
                self.arming.give_pen(info.client_id, "")
            else:
                self.arming.disarm("another screen was attached")
        return info

    def detach(self, client: ClientInfo) -> None:
        """A client went. Its orders stay; its pen goes to the next screen, disarmed."""
        self._clients.pop(client.client_id, None)
        self._forget(client)
        if self.arming.pen == client.client_id:
            screens = (state.info for state in self._clients.values() if state.info.role is Role.SCREEN)
            heir = next(screens, None)
            self.arming.give_pen(None if heir is None else heir.client_id, "its screen went away")

    def heartbeat(self, client: ClientInfo, glass_age_ms: float) -> None:
        """A screen lives; ``glass_age_ms`` is how late its glass is (-1 unknown)."""
        state = self._state(client)
        now = self.engine.clock.now_ns()
        self.advance(now)
        state.last_beat_ns = now
        state.glass_age_ms = glass_age_ms
        self._check_glass(client, glass_age_ms)

    def advance(self, now: int) -> None:
        """Let arming run out. Called before anything that depends on it, and by the host a few times a second."""
        holder = self._clients.get(self.arming.pen) if self.arming.pen is not None else None
        if holder is None or not self.arming.armed:
            return
        self.arming.expire(
            now,
            last_line_ns=holder.last_line_ns,
            last_beat_ns=holder.last_beat_ns,
            idle_ns=self.options["idle"] * NS_PER_S,
        )
        market = self.engine.data.markets.get(self.arming.key)
        if market is not None and not market.live:
            self.arming.disarm(f"the {market.instrument.symbol} book is {market.state.value.upper()}")

    # ------------------------------------------------------------------ lines

    async def execute(self, client: ClientInfo, line: str, context: Context, confirmed: bool) -> Reply:
        """Carry out a line, or ask it back, or say why not. The answer comes when its records are durable."""
        state = self._state(client)
        now = self.engine.clock.now_ns()
        self.advance(now)
        state.last_line_ns = now
        self.arming.looked_at(client.client_id, context.key)
        if context.seen is not None:
            self._check_glass(client, context.seen.glass_age_ms)
        try:
            shown = self._shown_before(client, line, context, now) if confirmed else None
            moved = "" if shown is None else self._moved_since(client, shown)
            answered = shown is not None and not moved
            plan = self._plan_to_run(state, line, context, shown if answered else None)
        except SyntaxProblem as problem:
            return Reply(ok=False, lines=[problem.text], code=problem.code, caret=min(problem.caret, len(line)))
        except PlanProblem as problem:
            return _plan_problem(problem)
        except InputError as error:
            return Reply(ok=False, lines=[str(error)], code="not_allowed")
        if not answered:
            question = self._question(state, line, plan, context, now, moved)
            if question is not None:
                return question
        self._forget(client)
        done = Runner(self, state, context, confirmed=answered or client.role is not Role.SCREEN).run(plan)
        state.ticket = done.ticket
        return await self._answer(done)

    def preview(self, client: ClientInfo, line: str, context: Context) -> Reply:
        """What a line would send and whether it would be refused. A confirm of the same line sends exactly this."""
        state = self._state(client)
        now = self.engine.clock.now_ns()
        self.advance(now)
        try:
            parsed = self._parse(line)
            self._allowed(client, parsed)
            plan = Planner(self.engine, client, state.ticket, context).plan(parsed)
        except SyntaxProblem as problem:
            return Reply(ok=False, lines=[problem.text], code=problem.code, caret=min(problem.caret, len(line)))
        except PlanProblem as problem:
            return _plan_problem(problem)
        except InputError as error:
            return Reply(ok=False, lines=[str(error)], code="not_allowed")
        self._previewed[client.client_id] = self._remembered(line, context, plan, now)
        reply = self._shown(plan)
        questions = self._asks(state, plan, context)
        data = {**(reply.data or {}), "asks": questions}
        return Reply(ok=reply.ok, lines=[*reply.lines, *questions], code=reply.code, caret=reply.caret, data=data)

    async def kill(self, client: ClientInfo, flatten: bool) -> Reply:
        """The kill switch: acts before anything is waited for, whoever asks."""
        done = Done(Ticket())
        self.kill_now(client.source, flatten, done)
        return await self._answer(done)

    def kill_now(self, source: str, flatten: bool, done: Done) -> None:
        """Throw the kill switch and write what it did into ``done``."""
        self.arming.disarm("KILL")
        report = self.engine.kill(source, flatten)
        words = [f"KILLED: new orders are locked until kill reset; {len(report.cancels)} cancels sent"]
        if flatten:
            sent = [each.order for each in report.flattens if each.order is not None]
            refused = [each.refusal.message for each in report.flattens if each.refusal is not None]
            words.append(f"{len(sent)} closing orders sent" + (f", refused: {'; '.join(refused)}" if refused else ""))
        if report.unknown:
            words.append(f"fate unknown: {' '.join(f'#{order.number}' for order in report.unknown)}")
        data: dict[str, object] = {
            "cancels": [order.number for order in report.cancels],
            "closing": [each.order.number for each in report.flattens if each.order is not None],
            "unknown": [order.number for order in report.unknown],
        }
        done.add("; ".join(words) + "; 'killed' says what is proven", report.seq, data)

    def picture(self, client: ClientInfo, request: ViewRequest) -> ScreenView:
        """The newest picture for this client."""
        state = self._state(client)
        now = self.engine.clock.now_ns()
        self.advance(now)
        self.arming.looked_at(client.client_id, request.key)
        state.looked_at_key, state.looked_at_ns = request.key, now
        pen = self._clients.get(self.arming.pen) if self.arming.pen is not None else None
        return self._pictures.make(state, request, now, pen)

    def looked_at(self, now: int) -> set[str]:
        """Keys of the instruments on somebody's glass: their books come first when all are lost."""
        clients = self._clients.values()
        return {each.looked_at_key for each in clients if each.looked_at_ns > now - GLASS_NS}

    # ------------------------------------------------------------------ what runner needs

    def take_pen(self, state: ClientState) -> str:
        """Give the pen to a screen, disarmed."""
        if state.info.role is not Role.SCREEN:
            raise InputError("the pen is for screens: ctl lines need none")
        if self.arming.pen == state.info.client_id:
            return "this screen has the pen already"
        self.arming.give_pen(state.info.client_id, f"{state.label} took the pen")
        return "this screen has the pen now, DISARMED"

    def arm(self, state: ClientState, command: c.Arm, key: str) -> str:
        """Arm the screen that has the pen."""
        if state.info.role is not Role.SCREEN:
            raise InputError("arm works on a screen: lines of ctl are carried out at once anyway")
        if self.engine.killed:
            raise InputError("the kill switch is engaged: type kill reset first")
        market = self.engine.data.markets.get(key)
        if market is None or not market.live:
            what = "no instrument" if market is None else f"the {market.instrument.symbol} book is {market.state.value}"
            raise InputError(f"cannot arm: {what}")
        if state.glass_age_ms > self.options["glass"]:
            raise InputError(
                f"cannot arm: the picture is {state.glass_age_ms:.0f} ms old, {self.options['glass']} is the most"
            )
        now = self.engine.clock.now_ns()
        self.arming.arm(state.info.client_id, now, command.duration_ns, command.market, key)
        seconds = (self.arming.until_ns - now) // NS_PER_S
        return f"ARMED for {seconds // 60}m{seconds % 60:02d}s" + (", market keys too" if command.market else "")

    # ------------------------------------------------------------------ inside

    def _state(self, client: ClientInfo) -> ClientState:
        state = self._clients.get(client.client_id)
        if state is None:
            raise InputError(f"client {client.client_id} is not attached (any more): attach again")
        if not state.ticket.key:
            key = next(iter(self.engine.data.markets), "")
            state.ticket = replace(state.ticket, key=key)
        return state

    def _parse(self, line: str) -> list[Parsed]:
        markets = self.engine.data.markets
        if len(self._symbols.keys) != len(markets):
            self._symbols = SymbolTable(markets, {key: market.instrument.native for key, market in markets.items()})
        return parse_with_spans(line, self._symbols)

    def _shown_before(self, client: ClientInfo, line: str, context: Context, now: int) -> _Question | None:
        """What this line was shown as last, while that may still be confirmed."""
        shown = (self._asked.get(client.client_id), self._previewed.get(client.client_id))
        fitting = [each for each in shown if each is not None and each.answered_by(line, context, now)]
        return max(fitting, key=lambda question: question.until_ns, default=None)

    def _moved_since(self, client: ClientInfo, shown: _Question) -> str:
        """Why a confirm comes too late for the prices it was shown, "" when it does not or nobody looks at prices."""
        if client.role is not Role.SCREEN:
            return ""
        return guards.moved_question(shown.touches, self.engine, self.options["drift.market"])

    def _plan_to_run(self, state: ClientState, line: str, context: Context, shown: _Question | None) -> Plan:
        """The plan of the line: the one that was ``shown`` where a person confirms it, else made now."""
        parsed = self._parse(line) if shown is None else [step.parsed for step in shown.plan.steps]
        self._allowed(state.info, parsed)
        return Planner(self.engine, state.info, state.ticket, context).plan(parsed) if shown is None else shown.plan

    def _allowed(self, client: ClientInfo, parsed: list[Parsed]) -> None:
        """Who may say what. Raises before anything of the line runs."""
        takes = False
        for each in parsed:
            command = each.command
            takes = takes or isinstance(command, c.Take)
            if isinstance(command, c.Unavailable):
                raise SyntaxProblem(unavailable_text(command.verb), each.start, code="unavailable")
            if isinstance(command, c.ScreenOnly):
                message = f"{command.verb} is carried out by the screen: type it there, alone; nothing was done"
                raise SyntaxProblem(message, each.start, code="screen")
            if isinstance(command, c.GoLive) and not self.engine.executor.remote:
                message = f"this engine trades on {self.mode.upper()}: 'jackbot run --live VENUE' starts a live one"
                raise SyntaxProblem(message, each.start, code="unavailable")
            wanted = guards.not_typed_in_full(each.words, command)
            if wanted:
                raise SyntaxProblem(f"this must be typed in full: {wanted}", each.start, wanted, code="typed")
            if client.role is Role.KILL or (client.role is Role.WATCH and not isinstance(command, c.READ_ONLY)):
                raise InputError(f"a {client.role.value} client may only look: use jackbot ctl or a screen")
            if client.role is Role.SCREEN and isinstance(command, _NEEDS_PEN) and not takes:
                self._check_pen(client)

    def _check_pen(self, client: ClientInfo) -> None:
        if self.arming.pen == client.client_id:
            return
        holder = self._clients.get(self.arming.pen) if self.arming.pen is not None else None
        name = "nobody" if holder is None else holder.label
        raise InputError(f"read-only: {name} has the pen; type take to get it (cancel and kill always work)")

    def _check_glass(self, client: ClientInfo, glass_age_ms: float) -> None:
        if glass_age_ms > self.options["glass"] and self.arming.pen == client.client_id:
            self.arming.disarm(f"the picture is {glass_age_ms:.0f} ms old")

    def _asks(self, state: ClientState, plan: Plan, context: Context, moved: str = "") -> list[str]:
        """Why a person must look again before this plan is sent; [] when it may go. ``moved`` is known already."""
        if state.info.role is not Role.SCREEN:
            return []
        drift = moved or guards.drift_question(
            plan, context, self.engine, self.options["drift.market"], self.options["drift.limit"]
        )
        asks = [
            drift,
            guards.arming_question(plan, self.arming, state.info.client_id),
            guards.quit_question(plan, self.engine),
            guards.settling_question(plan),
        ]
        asks += [guards.repeat_question(step, self.engine) for step in plan.steps]
        return [ask for ask in asks if ask]

    def _question(
        self, state: ClientState, line: str, plan: Plan, context: Context, now: int, moved: str
    ) -> Reply | None:
        """Ask the line back where a guard wants that; a line that would be refused anyway says so instead."""
        asks = self._asks(state, plan, context, moved)
        if not asks and not any(isinstance(step, ParentStep) and has_card(step, self.engine) for step in plan.steps):
            return None
        shown = self._shown(plan)
        if not shown.ok:
            return shown
        self._asked[state.info.client_id] = self._remembered(line, context, plan, now)
        data = {**(shown.data or {}), "asks": asks, "expires_ns": now + self.options["confirm"] * NS_PER_S}
        return Reply(ok=False, lines=[*shown.lines, *asks], code="confirm", confirm=True, data=data)

    def _remembered(self, line: str, context: Context, plan: Plan, now: int) -> _Question:
        touches = guards.touches_shown(plan, self.engine)
        return _Question(line, context.key, plan, touches, now + self.options["confirm"] * NS_PER_S)

    def _forget(self, client: ClientInfo) -> None:
        """Something was carried out, or the client left: what was shown before is not to be confirmed any more."""
        self._asked.pop(client.client_id, None)
        self._previewed.pop(client.client_id, None)

    def _shown(self, plan: Plan) -> Reply:
        """The steps as a preview; not ok when the gate would refuse one of them."""
        previews = preview_plan(plan, self.engine)
        lines = [preview.line for preview in previews]
        data: dict[str, object] = {"steps": [preview.data for preview in previews]}
        for step in plan.steps:
            problem, code = parent_problem(step, self.engine) if isinstance(step, ParentStep) else ("", "")
            if problem:
                return Reply(False, [*lines, problem], code, step.parsed.start, data=data)
            refusal = _refusal_of(step, self.engine)
            if refusal is not None:
                caret = caret_of(step, refusal.code.value)
                data["refusal"] = {"code": refusal.code.value, "message": refusal.message, "nearest": refusal.nearest}
                return Reply(False, [*lines, refusal.message], refusal.code.value, caret, data=data)
        return Reply(ok=True, lines=lines, data=data)

    async def _answer(self, done: Done) -> Reply:
        """The reply, once everything it speaks of is durable."""
        for work in done.work:
            await work(done)
        if not await self._durable(done.seq):
            done.ok = False
            done.code = done.code or "not_durable"
            done.add(f"the journal did not confirm within {DURABLE_S:g} s: look at status and orders")
        done.refresh(self.engine.oms.orders)
        return Reply(ok=done.ok, lines=done.lines, code=done.code, caret=done.caret, data=done.data)

    async def _durable(self, seq: int) -> bool:
        """Wait for a journal record; False when it takes too long."""
        journal = self.engine.journal
        if seq <= journal.durable_seq:
            return True
        event = asyncio.Event()
        journal.when_durable(seq, event.set)
        try:
            async with asyncio.timeout(DURABLE_S):
                await event.wait()
        except TimeoutError:
            return False
        return True

    def _tell_mode(self, level: str, text: str) -> None:
        self.engine.board.publish(self.engine.clock.now_ns(), "mode", level, text)

    def _on_notice(self, notice: "EngineNotice") -> None:
        """An order that the venue rejected disarms; so do a liquidation, and a kill switch thrown from wherever."""
        if notice.kind == "rejected":
            self.arming.disarm("an order was rejected")
        elif notice.kind == "kill":
            self.arming.disarm("KILL")
        elif notice.kind == "liquidation":
            self.arming.disarm("a position was liquidated")


def _as_notice(notice: "EngineNotice") -> Notice:
    return Notice(notice.seq, notice.ts, notice.kind, notice.level, notice.text, notice.key, notice.number)


def _refusal_of(step: Step, engine: EnginePort) -> "Refusal | None":
    """Why the gate would refuse a step even when it was confirmed."""
    match step:
        case OrderStep():
            return engine.refusal_of(step.request, confirmed=True)
        case MoveStep(order=order) if order.price is not None:
            price = order.price if step.price is None else step.price
            quantity = order.quantity if step.quantity is None else step.quantity
            return engine.amend_refusal(order, price, quantity)
        case _:
            return None


def _plan_problem(problem: PlanProblem) -> Reply:
    objection = problem.objection
    text = f"{objection.message}   e.g. {objection.example}" if objection.example else objection.message
    return Reply(ok=False, lines=[text], code=objection.code, caret=problem.caret)

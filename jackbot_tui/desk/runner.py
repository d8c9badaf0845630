"""Carries out the steps of one plan through the engine, in order, until one fails. Synchronous but for file exports.

Every step that may change something is journaled as a canonical line before it is carried out.
"""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from jackbot_tui.desk import commands as c
from jackbot_tui.desk.clients import ClientState, Ticket
from jackbot_tui.desk.estimate import liquidation_text
from jackbot_tui.desk.language.grammar import OPTIONS
from jackbot_tui.desk.parent_words import parent_title, steered_words
from jackbot_tui.desk.planning import (
    CancelStep,
    MoveStep,
    OrderStep,
    ParentStep,
    PlainStep,
    Plan,
    PositionStep,
    SettleStep,
    SteerStep,
    Step,
)
from jackbot_tui.desk.reference import help_lines
from jackbot_tui.desk.reports import show
from jackbot_tui.desk.settling import settle
from jackbot_tui.desk.views import Context, Seen
from jackbot_tui.desk.why import why
from jackbot_tui.desk.words import data_of_order, matching, position_words, working_words
from jackbot_tui.execution.slip import why_limit
from jackbot_tui.model.enums import Mode, Side
from jackbot_tui.model.errors import InputError, JackbotError
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.numbers import text_of
from jackbot_tui.model.orders import Order

if TYPE_CHECKING:
    from jackbot_tui.desk.desk import Desk
    from jackbot_tui.engine.answers import Submitted
    from jackbot_tui.risk.refusal import Refusal


class Done:
    """What a line did: lines for people, data per step for programs, and the journal record to wait for."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.ok = True
        self.code = ""
        self.caret = -1
        self.lines: list[str] = []
        self.seq = 0
        self.work: list[Callable[[Done], Awaitable[None]]] = []
        self._results: list[dict[str, object]] = []
        self._sent: list[tuple[dict[str, object], str]] = []

    def add(self, line: str, seq: int = 0, data: dict[str, object] | None = None) -> None:
        self.lines.append(line)
        self.seq = max(self.seq, seq)
        if data is not None:
            self._results.append(data)

    def add_data(self, data: dict[str, object]) -> None:
        self._results.append(data)

    def add_order(self, line: str, order: Order, seq: int) -> None:
        """An order that was sent; its data is refreshed when the reply leaves."""
        data: dict[str, object] = {"order": data_of_order(order), "seq": seq}
        self._sent.append((data, order.client_id))
        self.add(line, seq, data)

    def refresh(self, orders: Mapping[str, Order]) -> None:
        """Bring the data of sent orders up to what is known of them now."""
        for data, client_id in self._sent:
            if client_id in orders:
                data["order"] = data_of_order(orders[client_id])

    def fail(self, line: str, code: str, caret: int = -1, data: dict[str, object] | None = None, seq: int = 0) -> None:
        self.ok = False
        self.code = code
        self.caret = caret
        self.add(line, seq, data)

    @property
    def data(self) -> dict[str, object] | None:
        """Data of the only step, or all of them under ``results``."""
        if len(self._results) == 1:
            return self._results[0]
        return {"results": list(self._results)} if self._results else None


class Runner:
    """Runs one plan for one client."""

    def __init__(self, desk: "Desk", state: ClientState, context: Context, *, confirmed: bool) -> None:
        self._desk = desk
        self._engine = desk.engine
        self._state = state
        self._source = state.info.source
        self._confirmed = confirmed
        self._seen = _seen(context.seen)
        self.done = Done(state.ticket)

    def run(self, plan: Plan) -> Done:
        """Stops at the first step that fails; the answer says what was not done."""
        for index, step in enumerate(plan.steps):
            try:
                self._run(step)
            except JackbotError as error:
                self.done.fail(str(error), "not_allowed", step.parsed.start)
            if not self.done.ok:
                rest = "; ".join(later.parsed.words for later in plan.steps[index + 1 :])
                if rest:
                    self.done.add(f"not done: {rest}")
                break
        return self.done

    def _run(self, step: Step) -> None:
        if not (isinstance(step, PlainStep) and isinstance(step.command, c.READ_ONLY)):
            self._wait_for(self._engine.log_command(self._source, step.canonical, self._seen))
        match step:
            case OrderStep():
                self._submit(step)
            case MoveStep():
                self._move(step)
            case CancelStep():
                self._cancel(step)
            case PositionStep():
                self._position(step)
            case ParentStep():
                self._start_parent(step)
            case SteerStep():
                self._steer_parent(step)
            case SettleStep():
                settle(step, self._engine, self._source, self.done)
            case PlainStep():
                self._plain(step)

    def _wait_for(self, seq: int) -> None:
        self.done.seq = max(self.done.seq, seq)

    # ------------------------------------------------------------------ orders

    def _submit(self, step: OrderStep) -> None:
        self._sent(step, self._engine.submit(step.request, self._confirmed))

    def _sent(self, step: OrderStep | PositionStep, submitted: "Submitted") -> None:
        self._wait_for(submitted.seq)
        if submitted.order is not None:
            order = submitted.order
            words = working_words(order, self._engine.data.markets[order.key].instrument)
            why = why_limit(step.request, order) if isinstance(step, OrderStep) else ""
            self.done.add_order(f"{words} {why or 'sent'}", order, submitted.seq)
        elif submitted.refusal is not None:
            self._refused(step, submitted.refusal)

    def _refused(self, step: Step, refusal: "Refusal") -> None:
        data: dict[str, object] = {
            "refusal": {
                "code": refusal.code.value,
                "message": refusal.message,
                "figure": refusal.figure,
                "limit": refusal.limit,
                "nearest": refusal.nearest,
            }
        }
        self.done.fail(refusal.message, refusal.code.value, caret_of(step, refusal.code.value), data)

    def _move(self, step: MoveStep) -> None:
        asked = self._engine.amend(step.order.client_id, step.price, step.quantity, self._source)
        if asked.refusal is not None:
            self._refused(step, asked.refusal)
        elif asked.problem:
            self.done.fail(asked.problem, "not_allowed", step.parsed.start)
        else:
            line = f"#{step.order.number} asked to move"
            order = asked.order or step.order
            self.done.add_order(line, order, asked.seq)

    def _start_parent(self, step: ParentStep) -> None:
        answer = self._engine.parents.start(step.request)
        self._wait_for(answer.seq)
        if answer.picture is None:
            self.done.fail(answer.problem, "parent", step.parsed.start)
            return
        line = f"p{answer.picture.number} {parent_title(step)} started: {answer.picture.why}"
        self.done.add(line, answer.seq, {"parent": answer.picture.number})

    def _steer_parent(self, step: SteerStep) -> None:
        parents = self._engine.parents
        numbers = [step.number] if step.number else [each.number for each in parents.pictures() if each.status.is_open]
        for number in numbers:
            answer = parents.steer(number, step.action, step.quantity, step.changes, self._source)
            self._wait_for(answer.seq)
            if answer.problem:
                self.done.fail(answer.problem, "parent", step.parsed.start)
            elif answer.picture is not None:
                line = steered_words(step.action, answer.picture)
                self.done.add(line, answer.seq, {"parent": number, "status": answer.picture.status.value})
        if not numbers:
            self.done.add("no parent order is at work")

    def _cancel(self, step: CancelStep) -> None:
        if step.orders is None:
            side = {"buys": Side.BUY, "sells": Side.SELL}.get(step.scope.value)
            stopped = self._engine.parents.stop_matching(step.key or None, side, self._source)
            if stopped:
                self.done.add(f"parent orders canceled: {' '.join(f'p{number}' for number in stopped)}")
        orders = list(step.orders) if step.orders is not None else matching(self._engine, step)
        asked, problems = [], []
        for order in orders:
            answer = self._engine.cancel(order.client_id, self._source)
            self._wait_for(answer.seq)
            if answer.problem:
                problems.append(answer.problem)
            else:
                asked.append(order)
        numbers = " ".join(f"#{order.number}" for order in asked)
        if asked or not problems:
            line = f"cancel sent for {numbers}" if asked else "nothing to cancel"
            self.done.add(line, 0, {"canceling": [order.number for order in asked]})
        if problems:
            self.done.fail("; ".join(problems), "not_allowed", step.parsed.start)

    def _position(self, step: PositionStep) -> None:
        if step.reverse:
            self._reverse(step)
            return
        working = len(self._engine.oms.open_orders(step.key or None))
        sent = self._engine.flatten(step.key or None, self._source)
        what = step.key.partition(":")[2] or "everything"
        self.done.add(
            f"flatten {what}: {working} cancels, {len(sent)} closing orders", 0, {"flatten": step.key or "all"}
        )
        for submitted in sent:
            self._sent(step, submitted)

    def _reverse(self, step: PositionStep) -> None:
        """Turn around what was shown; a position that has turned or grown since is another one."""
        symbol = step.key.partition(":")[2]
        held = self._engine.portfolio.position(step.key).quantity
        if held * step.held < 0 or abs(held) > abs(step.held):
            instrument = self._engine.data.markets[step.key].instrument
            now, then = position_words(held, instrument), position_words(step.held, instrument)
            message = f"{symbol} is {now} now, not {then}: nothing was reversed, say reverse again"
            self.done.fail(message, "position", step.parsed.start)
            return
        submitted = self._engine.reverse(step.key, self._source)
        if submitted is None:
            raise InputError(f"no position in {symbol} any more: nothing was reversed")
        if submitted.order is None and submitted.refusal is None:
            target = position_words(-held, self._engine.data.markets[step.key].instrument)
            self.done.add(f"reverse {symbol} to {target}: waits for its working orders to end", submitted.seq)
        self._sent(step, submitted)

    # ------------------------------------------------------------------ everything else

    def _plain(self, step: PlainStep) -> None:
        done, desk, engine = self.done, self._desk, self._engine
        match step.command:
            case c.SelectSymbol(key=key):
                desk.arming.looked_at(self._state.info.client_id, key)
                self._ticket(step, f"active instrument {key.partition(':')[2]}")
            case c.SetQuantity() | c.Preset():
                self._ticket(step, f"quantity {text_of(step.ticket.quantity)}")
            case c.Group():
                self._ticket(step, f"{step.ticket.group} ticks per row")
            case c.Slip():
                ticks = step.ticket.slip_ticks
                self._ticket(step, f"market orders bounded to the touch + {ticks}t" if ticks else "no slip bound")
            case c.SetLeverage(leverage=leverage):
                self._margin(step, None, leverage)
            case c.SetMarginMode(mode=mode):
                self._margin(step, mode, None)
            case c.Toggle(flag=flag):
                on = step.ticket.post if flag is c.FlagName.POST else step.ticket.reduce
                self._ticket(step, f"{flag.value} {'on' if on else 'off'}")
            case c.Arm() as arm:
                done.add(desk.arm(self._state, arm, step.key), 0, {"armed": True, "market": arm.market})
            case c.Disarm():
                was = desk.arming.disarm(f"by {self._state.label}")
                done.add("DISARMED" if was else "was not armed", 0, {"armed": False})
            case c.Take():
                done.add(desk.take_pen(self._state), 0, {"pen": self._state.info.client_id})
            case c.Kill(flatten=flatten):
                desk.kill_now(self._source, flatten, done)
            case c.KillReset():
                seq = engine.reset_kill(self._source)
                done.add("kill switch reset: orders are allowed again", seq, {"killed": False})
            case c.Show() as wanted:
                lines, data = show(wanted, desk, step.key)
                done.lines += lines
                done.add_data(data)
            case c.Why(fill=fill):
                lines, data = why(engine, fill)
                done.lines += lines
                done.add_data(data)
            case c.Help(topic=topic):
                done.lines += help_lines(topic)
            case c.Paper():
                real = engine.mode is Mode.LIVE
                there = "the real account" if real else f"account {engine.executor.holder} of the embedded exchange"
                fills = f"they go to {there}" if engine.executor.remote else "fills are simulated"
                done.add(f"orders are in {desk.mode.upper()} mode: {fills}", 0, {"mode": desk.mode})
            case c.GoLive():
                seq = engine.go_live(self._source)
                done.add(f"LIVE: new orders go to the account {engine.executor.holder}", seq, {"live": True})
            case c.JournalNote(text=text):
                done.add("noted", engine.note("note", text), {"note": text})
            case c.JournalTag(text=text):
                done.add("tagged", engine.note("tag", text), {"tag": text})
            case c.PriceNote() as note:
                at = f"{step.key} {text_of(note.price)}: {note.text}"
                done.add(f"noted at {text_of(note.price)}", engine.note("price", at), {"note": at})
            case c.SetOption() as option:
                self._option(option)
            case _:
                self._host(step)

    def _ticket(self, step: PlainStep, line: str) -> None:
        self.done.ticket = step.ticket
        ticket = step.ticket
        data: dict[str, object] = {
            "key": ticket.key,
            "quantity": text_of(ticket.quantity),
            "preset": ticket.preset,
            "presets": [text_of(preset) for preset in ticket.presets],
            "group": ticket.group,
            "slip_ticks": ticket.slip_ticks,
            "post_only": ticket.post,
            "reduce_only": ticket.reduce,
        }
        self.done.add(line, 0, {"ticket": data})

    def _margin(self, step: PlainStep, mode: MarginMode | None, leverage: Decimal | None) -> None:
        """Choose how a perpetual is margined, and say what that makes of its liquidation."""
        asked = self._engine.set_margin(step.key, mode, leverage, self._source)
        if asked.problem:
            self.done.fail(asked.problem, "margin", step.parsed.start)
            return
        market = self._engine.data.markets[step.key]
        view = self._engine.executor.margin(step.key, self._engine.clock.now_ns())
        assert view is not None
        long = self._engine.portfolio.position(step.key).quantity > 0
        liquidation = liquidation_text(view, market.instrument, long=long)
        chosen = view.setting
        line = f"{market.instrument.symbol} {chosen.mode.value} {text_of(chosen.leverage)}x now"
        line += f", liquidation at ~{liquidation}" if liquidation else ""
        data: dict[str, object] = {
            "key": step.key,
            "margin": chosen.mode.value,
            "leverage": text_of(chosen.leverage),
            "liquidation": liquidation or None,
        }
        self.done.add(line, asked.seq, data)

    def _option(self, command: c.SetOption) -> None:
        options = self._desk.options
        if command.name:
            options[command.name] = command.value
            self.done.add(f"{command.name} is {command.value} {OPTIONS[command.name].unit} now")
        else:
            self.done.lines += [
                f"{option.name} {options[option.name]} {option.unit}  ({option.low}..{option.high}) {option.meaning}"
                for option in OPTIONS.values()
            ]
        self.done.add_data({"options": dict(options)})

    def _host(self, step: PlainStep) -> None:
        host, done = self._desk.host, self.done
        if host is None:
            raise InputError(f"{step.parsed.words} works only in a running engine process")
        match step.command:
            case c.Replay(action=action, value=value):
                done.add(host.replay(action, value))
            case c.Record(start=start):
                done.add(host.record(start))
            case c.Export():
                done.work.append(self._export)
            case c.Quit():
                host.stop(f"quit by {self._state.label}")
                done.add("the engine ends", 0, {"quit": True})
            case _:
                raise InputError(f"{step.parsed.words} cannot be carried out here")

    async def _export(self, done: Done) -> None:
        host = self._desk.host
        assert host is not None
        try:
            done.add(await host.export_today())
        except JackbotError as error:
            done.fail(str(error), "not_allowed")


_WORD_OF_REFUSAL = {
    "tick": "price",
    "price_range": "price",
    "band": "price",
    "collar": "price",
    "mark_collar": "price",
    "far": "price",
    "lot": "size",
    "min_qty": "size",
    "max_qty": "size",
    "min_notional": "size",
    "max_notional": "size",
    "order_qty": "size",
    "order_notional": "size",
    "position": "size",
}


def caret_of(step: Step, code: str) -> int:
    """Column of the word that a refusal is about, the verb where it is about none."""
    spans = step.parsed.spans
    return spans.get(_WORD_OF_REFUSAL.get(code, "verb"), spans["verb"])[0]


def _seen(seen: Seen | None) -> dict[str, str]:
    """What was on the glass, as the journal keeps it."""
    if seen is None:
        return {}
    ages = {"book_age_ms": seen.book_age_ms, "glass_age_ms": seen.glass_age_ms}
    return {"bid": seen.bid, "ask": seen.ask} | {name: f"{age:.0f}" for name, age in ages.items() if age >= 0}

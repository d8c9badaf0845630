"""From commands to steps: instruments, prices and quantities filled in, nothing done yet.

A plan is made of the whole line before any of it runs, and it is what a question shows and a confirm sends. Ticket
words (``sym``, ``preset``…) count for the words behind them in the same line.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.algos.parameters import Unit
from jackbot_tui.algos.registry import ALGORITHMS
from jackbot_tui.algos.state import Action, ParentPicture, ParentRequest
from jackbot_tui.desk import commands as c
from jackbot_tui.desk.clients import Ticket
from jackbot_tui.desk.language.amounts import price as price_of
from jackbot_tui.desk.language.explain import explain
from jackbot_tui.desk.language.parents import PRICE_NAMES
from jackbot_tui.desk.language.parser import Parsed
from jackbot_tui.desk.ports import EnginePort
from jackbot_tui.desk.pricing import (
    Holdings,
    Objection,
    Touch,
    Where,
    book_trouble,
    resolve_price,
    resolve_size,
)
from jackbot_tui.desk.settling import chosen_settlements
from jackbot_tui.desk.views import ClientInfo, Context
from jackbot_tui.engine.answers import Settlement
from jackbot_tui.model.enums import OrderType, Side, TimeInForce, TriggerBy
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import ZERO, decimal_of, round_down, text_of
from jackbot_tui.model.orders import Order, OrderRequest

if TYPE_CHECKING:
    from jackbot_tui.book.market import InstrumentMarket


class OrderStep(Struct, frozen=True):
    """An order to submit. ``canonical`` is the line for the journal."""

    parsed: Parsed
    canonical: str
    request: OrderRequest


class MoveStep(Struct, frozen=True):
    parsed: Parsed
    canonical: str
    order: Order
    price: Decimal | None
    quantity: Decimal | None


class CancelStep(Struct, frozen=True):
    """``orders`` None: whatever matches scope and ``key`` ("" = every instrument) at the moment it runs."""

    parsed: Parsed
    canonical: str
    scope: c.CancelScope
    orders: tuple[Order, ...] | None
    key: str


class PositionStep(Struct, frozen=True):
    """Flatten or reverse. ``key`` "" is every instrument (flatten only).

    ``held`` is the signed position that a reverse was planned for, base units: it turns around no other and no larger.
    """

    parsed: Parsed
    canonical: str
    reverse: bool
    key: str
    held: Decimal = ZERO


class ParentStep(Struct, frozen=True):
    """A parent order to start; its prices are resolved."""

    parsed: Parsed
    canonical: str
    request: ParentRequest


class SteerStep(Struct, frozen=True):
    """Something to do with the running parent order ``number`` (0: all) of ``key``."""

    parsed: Parsed
    canonical: str
    action: Action
    number: int
    key: str
    quantity: Decimal | None = None
    changes: dict[str, str] = {}


class SettleStep(Struct, frozen=True):
    """What is to become of differences to the venue, as they were shown."""

    parsed: Parsed
    canonical: str
    wanted: tuple[Settlement, ...]


class PlainStep(Struct, frozen=True):
    """Everything that needs no prices. ``key`` is the active instrument here ("" = none), ``ticket`` as it is after."""

    parsed: Parsed
    canonical: str
    command: c.Command
    key: str
    ticket: Ticket


Step = OrderStep | MoveStep | CancelStep | PositionStep | ParentStep | SteerStep | SettleStep | PlainStep


STOPPING = (Action.PAUSE, Action.CANCEL)
"""What may always be done with a parent order: it sends nothing new."""


class Plan(Struct, frozen=True):
    """All steps of a line."""

    steps: tuple[Step, ...]

    @property
    def carries_risk(self) -> bool:
        return any(
            isinstance(step, OrderStep | MoveStep | PositionStep | ParentStep)
            or (isinstance(step, SteerStep) and step.action not in STOPPING)
            for step in self.steps
        )


class PlanProblem(Exception):
    """An objection with the statement it belongs to, so that the caret can be placed."""

    def __init__(self, parsed: Parsed, objection: Objection) -> None:
        super().__init__(objection.message)
        self.parsed = parsed
        self.objection = objection

    @property
    def caret(self) -> int:
        return self.parsed.spans.get(self.objection.word, (self.parsed.start, 0))[0]


def touch_of(market: "InstrumentMarket", now: int) -> Touch:
    """Prices of one instrument at ``now``, as Decimal."""
    bid = market.book.best_bid() if market.live else None
    ask = market.book.best_ask() if market.live else None
    last = market.trades.last_price
    return Touch(
        state=market.state,
        reason=market.sequencer.reason,
        bid=None if bid is None else decimal_of(bid[0]),
        ask=None if ask is None else decimal_of(ask[0]),
        last=None if not last else decimal_of(last),
        mark=market.fresh_mark(now),
    )


class Planner:
    """Makes the plan of one line for one client."""

    def __init__(self, engine: EnginePort, client: ClientInfo, ticket: Ticket, context: Context) -> None:
        self._engine = engine
        self._client = client
        self._context = context
        self._ticket = ticket
        self._active = context.key if context.key in engine.data.markets else ticket.key

    def plan(self, parsed: list[Parsed]) -> Plan:
        """Raises PlanProblem for the first thing that cannot be."""
        steps = []
        for each in parsed:
            try:
                steps.append(self._step(each))
            except Objection as objection:
                raise PlanProblem(each, objection) from None
        return Plan(tuple(steps))

    def _step(self, parsed: Parsed) -> Step:
        command = parsed.command
        match command:
            case c.PlaceOrder():
                filled = replace(command, key=self._key(command.key))
                return OrderStep(parsed, explain(filled), self._order(filled))
            case c.Close():
                closing = replace(command, key=self._key(command.key))
                return OrderStep(parsed, explain(closing), self._closing(closing))
            case c.Move():
                return self._move(parsed, command)
            case c.Cancel():
                return self._cancel(parsed, command)
            case c.Flatten(everything=True):
                return PositionStep(parsed, explain(command), False, "")
            case c.Flatten():
                key = self._key(command.key)
                return PositionStep(parsed, explain(replace(command, key=key)), False, key)
            case c.Reverse():
                key = self._key(command.key)
                return PositionStep(parsed, explain(replace(command, key=key)), True, key, self._held(key))
            case c.StartParent():
                begun = replace(command, key=self._key(command.key))
                return ParentStep(parsed, explain(begun), self._parent(begun))
            case c.SteerParent():
                return self._steer(parsed, command)
            case c.StopParent():
                key = self._parent_picture(command.number).key if command.number else ""
                return SteerStep(parsed, explain(command), command.action, command.number, key)
            case c.Settle():
                return SettleStep(parsed, explain(command), chosen_settlements(command, self._engine))
            case c.SetLeverage() | c.SetMarginMode():
                chosen = replace(command, key=self._key(command.key))
                return PlainStep(parsed, explain(chosen), chosen, chosen.key, self._ticket)
            case _:
                self._change_ticket(command)
                return PlainStep(parsed, explain(command), command, self._active, self._ticket)

    # ------------------------------------------------------------------ instruments and holdings

    def _key(self, named: str) -> str:
        key = named or self._active
        if key in self._engine.data.markets:
            return key
        if not self._engine.data.markets:
            raise Objection("no instrument is followed yet: wait for the venue's list", "verb", code="no_symbol")
        raise Objection("no active instrument: name one or say sym first", "verb", "sym BTC/USDT", code="no_symbol")

    def _market(self, key: str) -> "InstrumentMarket":
        return self._engine.data.markets[key]

    def _touch(self, market: "InstrumentMarket") -> Touch:
        return touch_of(market, self._engine.clock.now_ns())

    def _held(self, key: str) -> Decimal:
        quantity = self._engine.portfolio.position(key).quantity
        if not quantity:
            symbol = self._market(key).instrument.symbol
            raise Objection(f"no position in {symbol}: nothing was done", "verb", code="flat")
        return quantity

    def _holdings(self, key: str) -> Holdings:
        portfolio = self._engine.portfolio
        return Holdings(
            position=portfolio.position(key).quantity,
            equity=portfolio.equity(self._engine.mark_of),
            presets=self._ticket.presets,
        )

    def _where(self, key: str, own: Decimal | None = None) -> Where:
        return Where(self._engine.portfolio.position(key).average_entry, self._context.cursor, own)

    # ------------------------------------------------------------------ orders

    def _order(self, command: c.PlaceOrder) -> OrderRequest:
        market = self._market(command.key)
        instrument, touch = market.instrument, self._touch(market)
        price = None
        if command.price is not None:
            price = resolve_price(command.price, command.side, instrument, touch, self._where(command.key))
        trigger = self._trigger(command)
        worth = price if price is not None else trigger if trigger is not None else touch.far(command.side)
        if worth is None:
            raise Objection(book_trouble(instrument, touch), "verb", code="book_not_live")
        quantity = resolve_size(command.size, instrument, worth, self._holdings(command.key), closing=False)
        waits = trigger is not None
        rests = price is not None and not waits
        post = rests and (command.post or (self._ticket.post and command.tif is TimeInForce.GTC))
        usual = 0 if waits else self._ticket.slip_ticks  # a stop must get out: it is bounded only where it says so
        slip = usual if command.slip_ticks is None else command.slip_ticks
        by = command.trigger_by or next(iter(self._engine.executor.triggers(instrument)), TriggerBy.LAST)
        return OrderRequest(
            key=command.key,
            side=command.side,
            quantity=quantity,
            type=OrderType.MARKET if price is None else OrderType.LIMIT,
            price=price,
            tif=command.tif,
            post_only=post,
            reduce_only=command.reduce or self._ticket.reduce,
            limit_slip_ticks=slip if price is None else 0,
            source=self._client.source,
            trigger_price=trigger,
            trigger_by=by if waits else TriggerBy.LAST,
            take_profit=command.take_profit,
        )

    def _trigger(self, command: c.PlaceOrder) -> Decimal | None:
        """The price that an order waits for; an objection to it points at its own word."""
        if command.trigger is None:
            return None
        market = self._market(command.key)
        try:
            return resolve_price(
                command.trigger, command.side, market.instrument, self._touch(market), self._where(command.key)
            )
        except Objection as objection:
            word = "trigger" if objection.word == "price" else objection.word
            raise Objection(objection.message, word, objection.example, objection.code) from None

    def _parent(self, command: c.StartParent) -> ParentRequest:
        market = self._market(command.key)
        instrument, touch = market.instrument, self._touch(market)
        side = command.side
        if side is None:
            side = Side.SELL if self._held(command.key) > 0 else Side.BUY
        values = {name: self._value(name, text, side, command.key) for name, text in command.values if text != "none"}
        if command.side is None:
            values["on"] = "position"
        if ALGORITHMS[command.kind].sizes_itself:
            return self._sized(command, side, values)
        table = ALGORITHMS[command.kind].table
        prices = [values[each.name] for each in table if each.unit is Unit.PRICE and each.name in values]
        worth = Decimal(prices[0]) if prices else touch.far(side)
        if worth is None:
            raise Objection(book_trouble(instrument, touch), "verb", code="book_not_live")
        return ParentRequest(
            kind=command.kind,
            key=command.key,
            side=side,
            quantity=resolve_size(
                command.size, instrument, worth, self._holdings(command.key), closing=command.side is None
            ),
            values=values,
            source=self._client.source,
        )

    def _sized(self, command: c.StartParent, side: Side, values: dict[str, str]) -> ParentRequest:
        """A parent whose size follows from its parameters and the market."""
        asked = ParentRequest(
            kind=command.kind, key=command.key, side=side, quantity=ZERO, values=values, source=self._client.source
        )
        try:
            return self._engine.parents.completed(asked)
        except InputError as error:
            raise Objection(str(error), "verb", code="parent") from None

    def _value(self, name: str, text: str, side: Side, key: str) -> str:
        """The text of a value with a price resolved."""
        if name not in PRICE_NAMES or text == "none":
            return text
        market = self._market(key)
        price = resolve_price(price_of(text, 0), side, market.instrument, self._touch(market), self._where(key))
        return text_of(price)

    def _parent_picture(self, number: int) -> ParentPicture:
        picture = self._engine.parents.picture(number)
        if picture is None:
            raise Objection(f"no parent order p{number} here: parents lists them", "id", "parents", code="no_parent")
        return picture

    def _steer(self, parsed: Parsed, command: c.SteerParent) -> SteerStep:
        picture = self._parent_picture(command.number)
        changes = {name: self._value(name, text, picture.side, picture.key) for name, text in command.values}
        return SteerStep(
            parsed, explain(command), command.action, command.number, picture.key, command.quantity, changes
        )

    def _closing(self, command: c.Close) -> OrderRequest:
        market = self._market(command.key)
        instrument = market.instrument
        held = self._held(command.key)
        side = Side.SELL if held > 0 else Side.BUY
        worth = self._touch(market).far(side)
        quantity = resolve_size(command.size, instrument, worth, self._holdings(command.key), closing=True)
        if quantity > abs(held):
            most = round_down(abs(held), instrument.lot)
            message = f"the position is only {text_of(abs(held))} {instrument.base}: close {text_of(most)} or close all"
            raise Objection(message, "size", "close all", code="position")
        return OrderRequest(
            key=command.key,
            side=side,
            quantity=quantity,
            type=OrderType.MARKET,
            tif=TimeInForce.IOC,
            reduce_only=instrument.is_perpetual,
            limit_slip_ticks=self._ticket.slip_ticks,
            source=self._client.source,
            tag="close",
        )

    def _open(self, number: int) -> Order:
        oms = self._engine.oms
        if not number:
            working = oms.open_orders()
            if not working:
                raise Objection("no working order", "id", code="no_order")
            return max(working, key=lambda order: order.number)
        order = oms.by_number(number)
        if order is None:
            raise Objection(f"no order #{number} here: orders lists them", "id", "orders", code="no_order")
        if not order.is_open:
            raise Objection(f"order #{number} is already {order.status.value}", "id", "orders", code="no_order")
        return order

    def _move(self, parsed: Parsed, command: c.Move) -> MoveStep:
        order = self._open(command.number)
        market = self._engine.data.markets.get(order.key)
        if market is None:
            raise Objection(f"{order.key} is not followed now: #{order.number} can only be cancelled", "id")
        price = None
        if command.price is not None:
            where = self._where(order.key, order.price)
            price = resolve_price(command.price, order.side, market.instrument, self._touch(market), where)
        return MoveStep(parsed, explain(replace(command, number=order.number)), order, price, command.quantity)

    def _cancel(self, parsed: Parsed, command: c.Cancel) -> CancelStep:
        if command.scope is c.CancelScope.NUMBERS:
            orders = tuple(self._open(number) for number in command.numbers)
            return CancelStep(parsed, explain(command), command.scope, orders, "")
        if command.scope is c.CancelScope.LAST:
            working = self._engine.oms.open_orders(command.key or None)
            newest = tuple(sorted(working, key=lambda order: order.number)[-1:])
            return CancelStep(parsed, explain(command), command.scope, newest, command.key)
        return CancelStep(parsed, explain(command), command.scope, None, command.key)

    # ------------------------------------------------------------------ ticket

    def _change_ticket(self, command: c.Command) -> None:
        ticket = self._ticket
        match command:
            case c.SelectSymbol():
                self._active = command.key
                ticket = replace(ticket, key=command.key)
            case c.SetQuantity():
                ticket = replace(ticket, quantity=command.quantity, preset=0)
            case c.Preset():
                presets = list(ticket.presets)
                if command.quantity is not None:
                    presets[command.number - 1] = command.quantity
                quantity = presets[command.number - 1]
                ticket = replace(ticket, presets=tuple(presets), quantity=quantity, preset=command.number)
            case c.Group():
                ticket = replace(ticket, group=command.ticks)
            case c.Slip():
                ticket = replace(ticket, slip_ticks=command.ticks)
            case c.Toggle(flag=c.FlagName.POST):
                ticket = replace(ticket, post=not ticket.post if command.on is None else command.on)
            case c.Toggle():
                ticket = replace(ticket, reduce=not ticket.reduce if command.on is None else command.on)
            case _:
                pass
        self._ticket = ticket

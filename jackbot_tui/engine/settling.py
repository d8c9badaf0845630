"""Carries out what a person says about differences to the venue: adopt, close, ignore. Nothing happens by itself.

Each application is journaled first and begins when that is durable. The venue is asked once more before anything is
taken over, so that what is adopted is what is there: executions are neither lost nor counted twice. What came of it is
a note in the journal and a line in the log.
"""

from collections.abc import Coroutine, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jackbot_tui.engine.answers import Asked, ListedDifference, Settlement
from jackbot_tui.engine.reconcile import OVER, POSSIBLE, Difference, DifferenceKind, Reconciliation
from jackbot_tui.execution.live.failures import VenueFailure
from jackbot_tui.execution.live.foreign import ForeignAffairs, ForeignOrder, Standing
from jackbot_tui.execution.live.statements import OrderWord
from jackbot_tui.execution.live.tracker import ADOPTED
from jackbot_tui.model.accounting import adopted, currencies_of
from jackbot_tui.model.enums import DifferenceRule, OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO, round_down, text_of
from jackbot_tui.model.orders import Order, OrderFilled, OrderRequest, Position
from jackbot_tui.model.records import DifferenceSettled, PositionAdopted

if TYPE_CHECKING:
    from collections.abc import Callable

    from jackbot_tui.engine.core import Engine
    from jackbot_tui.execution.live.executor import LiveExecutor

OWNER = "reconcile"
"""Who owns the orders that close what a person does not want to have."""

K = DifferenceKind
R = DifferenceRule

SETTLED_OTHERWISE = (OVER, R.ADOPT, R.CLOSE)
"""What the journal keeps of a difference that is not ignored (any more)."""


class Settler:
    """See the module's paragraph (``answers.Settling``). ``look`` compares anew, after something has changed."""

    def __init__(
        self, engine: "Engine", executor: "LiveExecutor", reconciliation: Reconciliation, look: "Callable[[], None]"
    ) -> None:
        self._engine = engine
        self._executor = executor
        self._reconciliation = reconciliation
        self._look = look
        self._foreign = ForeignAffairs(executor)
        self._busy: set[tuple[str, str]] = set()
        self._until: dict[str, int] = {}

    def recall(self, settled: Sequence[tuple[str, str, str]]) -> None:
        """What the journal knows of earlier sessions (``Recovered.settled``)."""
        for kind, subject, amount in settled:
            if kind == ADOPTED:
                self._until[subject] = int(amount)
            elif amount not in SETTLED_OTHERWISE:
                self._reconciliation.ignored[kind, subject] = amount

    # ------------------------------------------------------------------ what people say

    def listed(self) -> list[ListedDifference]:
        return self._reconciliation.listed(self._busy)

    def problem_of(self, wanted: Settlement) -> str:
        """Why the rule cannot be applied to that difference now, "" when it can be."""
        shown, rule = wanted.shown, wanted.rule
        each = self._reconciliation.shown((shown.kind, shown.subject))
        if each is None:
            return f"{shown.number} is no difference any more"
        if (each.ours, each.venue) != (shown.ours, shown.venue):
            return f"{shown.number} is another one now, ours {each.ours}, venue {each.venue}: look again"
        if each.place in self._busy:
            return f"{shown.number} is being settled already"
        possible = POSSIBLE[each.kind]
        if not possible:
            return f"{shown.number} settles itself: the venue is being asked"
        if rule not in possible:
            words = " or ".join(possible)
            reason = "the venue has less than our books" if each.kind is K.HOLDING else "it was ours already"
            return f"{shown.number} cannot be settled by {rule.value}, {reason}: say {words}"
        if rule is R.CLOSE and each.kind is K.POSITION:
            return self._uncloseable(each)
        return ""

    def settle(self, wanted: Sequence[Settlement], source: str) -> list[Asked]:
        return [self._settle(each, source) for each in wanted]

    def _settle(self, wanted: Settlement, source: str) -> Asked:
        problem = self.problem_of(wanted)
        if problem:
            return Asked(problem, 0)
        each = self._reconciliation.shown((wanted.shown.kind, wanted.shown.subject))
        assert each is not None
        engine, rule = self._engine, wanted.rule
        seq = engine.append(
            DifferenceSettled(
                ts=engine.clock.now_ns(), kind=each.kind.value, subject=each.subject, rule=rule.value, ours=each.ours,
                venue=each.venue, source=source, amount=each.apart,
            )
        )  # fmt: skip
        if not seq:
            return Asked(f"the journal did not take it: {wanted.shown.number} stays as it is", 0)
        if rule is R.IGNORE:
            self._reconciliation.ignore(each)
            words = f"ignored: {each.words}"
            engine.publish_durable(seq, engine.clock.now_ns(), "note", "info", words)
            return Asked("", seq)
        self._busy.add(each.place)
        engine.journal.when_durable(seq, lambda: self._begin(each, rule, source))
        return Asked("", seq)

    def _begin(self, each: Difference, rule: DifferenceRule, source: str) -> None:
        work: Coroutine[Any, Any, None]
        match each.kind, rule:
            case (K.FOREIGN_ORDER, R.ADOPT):
                work = self._adopt_order(each, source)
            case (K.FOREIGN_ORDER | K.REVIVED_ORDER, _):
                work = self._close_order(each)
            case _:
                work = self._settle_position(each, rule, source)
        self._executor.spawn(self._done(each, work), f"{rule.value} {each.subject}")

    async def _done(self, each: Difference, work: Coroutine[Any, Any, None]) -> None:
        """Carry it out and say what went wrong, whatever it was; then compare anew."""
        try:
            await work
        except VenueFailure as failure:
            self._say("bad", f"not done, {failure.reason}: {each.kind.value} {each.subject}")
        finally:
            self._busy.discard(each.place)
        self._look()

    # ------------------------------------------------------------------ orders

    async def _adopt_order(self, each: Difference, source: str) -> None:
        found = await self._foreign.order(each.symbol, each.venue_id, waits=each.waits)
        self._merge()
        problem = self._not_adoptable(found, each)
        if problem:
            self._say("warn", f"not adopted, {problem}: {each.words}")
            return
        engine, said = self._engine, found.said
        assert said.side is not None and said.quantity is not None
        now = engine.clock.now_ns()
        oldest = min((trade.ts for trade in found.trades if trade.ts), default=now)
        order, seq = engine.take_in(
            Order(
                number=0,
                client_id="",
                key=f"{engine.venue}:{each.symbol}",
                side=said.side,
                quantity=said.quantity,
                type=OrderType.LIMIT,
                price=said.price,
                tif=TimeInForce.GTC,
                post_only=False,
                reduce_only=False,
                owner=ADOPTED,
                source=source,
                parent_id="",
                tag=ADOPTED,
                created_ns=min(now, oldest),
                updated_ns=now,
                status=OrderStatus.NEW,
                venue_order_id=each.venue_id,
            ),
            now,
        )
        self._executor.remember([order])
        for trade in found.trades:
            self._executor.hear_trade(trade)
        self._executor.hear_order(said)
        self._merge()
        words = f"adopted as #{order.number}: {each.words}"
        engine.publish_durable(seq, now, "note", "good", words, key=order.key, number=order.number)
        engine.note("reconcile", words)

    def _not_adoptable(self, found: ForeignOrder, each: Difference) -> str:
        said = found.said
        if not self._engine.journal.healthy:
            return f"the journal cannot be written, {self._engine.journal.problem}"
        if self._executor.tracker.name_of(said):
            return "it is ours already"
        if said.word is not OrderWord.OPEN:
            return "it is over at the venue"
        if said.waits or (each.waits and said.waits is None):
            return "it waits for its trigger, which the venue alone keeps: close or ignore it"
        if said.side is None or said.quantity is None or said.price is None:
            return "the venue does not say side, quantity and price"
        return ""

    async def _close_order(self, each: Difference) -> None:
        ours = each.subject if each.kind is K.REVIVED_ORDER else ""
        said = await self._foreign.cancel(each.symbol, each.venue_id, ours, waits=each.waits)
        self._executor.tracker.forget(each.symbol, each.venue_id)
        self._merge()
        if said is None:
            end = "the venue knows it no more"
        elif said.word is OrderWord.CLOSED:
            end = "it was filled before it could be canceled"
        else:
            filled = f" after {text_of(said.filled)} were filled" if said.filled else ""
            end = f"{said.word.value if said.word else 'over'} at the venue{filled}"
        self._say("good" if said is None or said.word is not OrderWord.CLOSED else "warn", f"{end}: {each.words}")

    # ------------------------------------------------------------------ positions and holdings

    async def _settle_position(self, each: Difference, rule: DifferenceRule, source: str) -> None:
        key = each.subject
        standing = await self._foreign.standing(key)
        self._merge()
        doubt = next((order for order in self._engine.oms.open_orders(key) if self._is_open_question(order)), None)
        if doubt is not None:
            self._say("warn", f"not done, the fate of #{doubt.number} is being asked about: {each.words}")
            return
        ours = self._engine.portfolio.position(key)
        held, entry = self._theirs(standing, ours)
        if held == ours.quantity:
            return  # what was asked for just now has cleared it up: looking again says so
        if entry is None:
            self._say("warn", f"not done, neither the venue nor the market tells a price for it: {each.words}")
            return
        record = PositionAdopted(
            ts=self._engine.clock.now_ns(), key=key, quantity=held, average_entry=entry, realized=ours.realized,
            until=standing.until, source=source,
        )  # fmt: skip
        if rule is R.ADOPT:
            self._take_over(record)
            self._say("good", f"adopted {text_of(held)} at {text_of(entry)}, ours was {text_of(ours.quantity)}: {key}")
        else:
            self._close_position(each, record, ours)

    def _close_position(self, each: Difference, record: PositionAdopted, ours: Position) -> None:
        """What is not ours becomes ours and is closed at once, so that our books follow its fills."""
        engine, key = self._engine, record.key
        request, problem = self._closing(key, record.quantity, ours.quantity, record.source)
        if request is not None:
            after = adopted(ours, record.quantity, record.average_entry, record.realized, record.ts)
            refusal = engine.refusal_of(request, confirmed=True, at=after)
            problem = "" if refusal is None else refusal.message
        if request is None or problem:
            self._say("bad", f"not closed, {problem}: {each.words}")
            return
        self._take_over(record)
        sent = engine.submit(request, confirmed=True)
        if sent.order is None:
            why = sent.refusal.message if sent.refusal else "refused"
            self._say("bad", f"adopted and not closed, {why}: {key} {text_of(record.quantity)}")
        else:
            self._say("good", f"closing {text_of(request.quantity)} with #{sent.order.number}: {each.words}")

    def _uncloseable(self, each: Difference) -> str:
        _, problem = self._closing(each.subject, Decimal(each.venue), Decimal(each.ours), "")
        return problem

    def _closing(self, key: str, held: Decimal, ours: Decimal, source: str) -> tuple[OrderRequest | None, str]:
        """The order that brings the venue's ``held`` back to ``ours``, or why there is none that only reduces."""
        foreign = held - ours
        market = self._engine.data.markets.get(key)
        if market is None:
            return None, f"{key} is not followed here: close it at the venue"
        if foreign * held <= ZERO or abs(foreign) > abs(held):
            return None, "the venue holds less than our books, closing cannot bring it back: say adopt or ignore"
        quantity = round_down(abs(foreign), market.instrument.lot)
        if not quantity:
            return None, f"{text_of(abs(foreign))} is less than a lot: say adopt or ignore"
        request = OrderRequest(
            key=key,
            side=Side.SELL if foreign > ZERO else Side.BUY,
            quantity=quantity,
            type=OrderType.MARKET,
            tif=TimeInForce.IOC,
            reduce_only=market.instrument.is_perpetual,
            owner=OWNER,
            source=source or "engine",
            tag="close",
        )
        return request, ""

    def _is_open_question(self, order: Order) -> bool:
        unknown = order.status in (OrderStatus.PENDING_NEW, OrderStatus.PENDING_UNKNOWN)
        return unknown or self._executor.tracker.missing(order.client_id)

    def _theirs(self, standing: Standing, ours: Position) -> tuple[Decimal, Decimal | None]:
        """What the venue holds, and at which entry price; None where nobody tells one. On spot it stays ours."""
        key, currencies = ours.key, currencies_of(ours.key)
        if currencies.is_perpetual:
            said = standing.position(key.partition(":")[2])
            held, entry = (ZERO, ZERO) if said is None else (said.quantity, said.entry)
        else:
            totals = {each.currency: each.total for each in standing.account.balances}
            held, entry = totals.get(currencies.base, ZERO), ours.average_entry
        if not held:
            return ZERO, ZERO
        return held, entry or ours.average_entry or self._engine.mark_of(key)

    def _take_over(self, record: PositionAdopted) -> None:
        self._engine.append(record)
        self._engine.portfolio.adopt(record)
        self._until[record.key] = record.until

    def after_fill(self, order: Order, fill: OrderFilled, before: Position) -> None:
        """A fill from before the position was adopted is in it already: it counts in its order alone."""
        until = self._until.get(order.key, 0)
        if order.owner != ADOPTED or fill.ts > until:
            return
        self._take_over(
            PositionAdopted(
                ts=self._engine.clock.now_ns(), key=order.key, quantity=before.quantity,
                average_entry=before.average_entry, realized=before.realized, until=until, source="engine",
            )
        )  # fmt: skip

    # ------------------------------------------------------------------ inside

    def _merge(self) -> None:
        """Bring what the executor has heard into our books."""
        self._engine.apply_all(self._executor.advance(self._engine.clock.now_ns()))

    def _say(self, level: str, text: str) -> None:
        engine = self._engine
        engine.publish_durable(engine.note("reconcile", text), engine.clock.now_ns(), "note", level, text)

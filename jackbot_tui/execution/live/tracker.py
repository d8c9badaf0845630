"""Merges what the venue says about our orders into order events: forward only, each fill once, nothing assumed.

Sans-I/O, called by the live executor with statements from answers, private streams and polls in whatever order they
come. An order's end is told only when all fills that the venue counted in it are known here; until then ``missing``
names it and the executor asks for its trades. What belongs to no order of ours is kept apart, as foreign.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal

from msgspec import Struct, field

from jackbot_tui.execution.live.statements import OrderStatement, OrderWord, TradeStatement
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderAmended,
    OrderAmendRejected,
    OrderCanceled,
    OrderCancelRejected,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
    OrderUnknown,
)

MOST_EARLY_TRADES = 1_000
"""Trades of venue ids that are not known yet (a fill before its acknowledgement); the oldest go first, counted."""

MOST_FOREIGN = 1_000
MOST_ENDED = 1_000
"""Orders that are over and still followed, for what is told late; the oldest are forgotten first."""


ADOPTED = "adopted"
"""Owner of an order that was placed elsewhere and taken over: the venue does not know it by our client id."""

NEW, CANCEL, AMEND = "new", "cancel", "amend"
"""Requests whose answer may be lost."""


class Tracked(Struct):
    """What is known of one of our orders at the venue. ``told`` is the filled quantity that the venue has spoken of,
    ``counted`` that of the trades known here. ``doubt`` says what request is unanswered, "" = none.
    """

    client_id: str
    key: str
    quantity: Decimal
    price: Decimal | None
    sent_ns: int
    venue_id: str = ""
    old_ids: set[str] = field(default_factory=set)
    accepted: bool = False
    named: bool = False  # our own side was told that it was accepted
    told: Decimal = ZERO
    counted: Decimal = ZERO
    trade_ids: set[str] = field(default_factory=set)
    word_ns: int = 0  # the venue's time of its newest statement
    end_ns: int = 0  # the venue's time of the order's end, 0 = it never was there
    heard_ns: int = 0  # our own time of the newest statement
    ending: OrderWord | None = None
    ended: bool = False
    doubt: str = ""
    canceling: bool = False
    amend: tuple[Decimal, Decimal] | None = None
    waits: bool = False  # for its trigger, as far as we know
    adopted: bool = False  # asked about and canceled by the venue's id alone


class TrackerCounters(Struct):
    """``repeated`` trades seen before; ``early`` trades lost from the buffer; ``revived``: the venue works an order
    that we hold to be over, a difference for reconciliation.
    """

    repeated: int = 0
    early_lost: int = 0
    revived: int = 0


class Tracker:
    """See the module's paragraph. ``key_of`` turns a unified symbol into our key."""

    def __init__(self, key_of: Callable[[str], str]) -> None:
        self.orders: dict[str, Tracked] = {}
        self.foreign: OrderedDict[str, OrderStatement] = OrderedDict()
        """Open orders of the account that are not ours, by symbol and venue id."""
        self.revived: dict[str, OrderStatement] = {}
        """Orders that we hold to be over and the venue still works, by client id."""
        self.counters = TrackerCounters()
        self._key_of = key_of
        self._by_venue_id: dict[tuple[str, str], str] = {}
        self._over: deque[str] = deque()
        self._early: OrderedDict[tuple[str, str, str], TradeStatement] = OrderedDict()

    # ------------------------------------------------------------------ our own doing

    def add(self, order: Order, trade_ids: Iterable[str] = ()) -> Tracked:
        """Follow an order: one about to be sent, or one of an earlier session with the fills counted in it."""
        tracked = Tracked(
            client_id=order.client_id,
            key=order.key,
            quantity=order.quantity,
            price=order.price,
            sent_ns=order.created_ns,
            accepted=bool(order.venue_order_id),
            named=bool(order.venue_order_id),
            told=order.filled,
            counted=order.filled,
            trade_ids=set(trade_ids),
            ended=not order.is_open,
            waits=order.is_waiting,
            adopted=order.owner == ADOPTED,
        )
        self.orders[order.client_id] = tracked
        if tracked.ended:
            tracked.end_ns = order.updated_ns
            self._remember_over(tracked)
        if order.venue_order_id and order.venue_order_id != order.client_id:
            self._name(tracked, order.venue_order_id)
        if tracked.adopted:
            self.foreign.pop(f"{order.key.partition(':')[2]} {order.venue_order_id}", None)
        return tracked

    def in_doubt(self, client_id: str, what: str, reason: str, now: int) -> list[OrderEvent]:
        """The answer to a request was lost."""
        tracked = self.orders[client_id]
        if tracked.ended:
            return []
        tracked.doubt = what
        return [OrderUnknown(client_id, now, reason)]

    def refused(self, client_id: str, code: str, reason: str, now: int) -> list[OrderEvent]:
        """The venue refused the order: it was never placed."""
        tracked = self.orders[client_id]
        if tracked.accepted or tracked.ended or tracked.counted:
            return []
        tracked.ended, tracked.doubt = True, ""
        self._remember_over(tracked)
        return [OrderRejected(client_id, now, code, reason)]

    # ------------------------------------------------------------------ what the venue says

    def on_order(self, said: OrderStatement, now: int) -> list[OrderEvent]:
        """An order as some answer, push or poll shows it."""
        tracked = self._find(said.client_id, said.symbol, said.venue_id)
        if tracked is None:
            self._foreign(said)
            return []
        events: list[OrderEvent] = []
        replaced = self._meet(tracked, said)
        tracked.heard_ns = max(tracked.heard_ns, now)
        if tracked.ended and not replaced:
            self._look_for_revival(tracked, said)
        if said.word is OrderWord.REJECTED and not tracked.accepted and not said.filled and not tracked.counted:
            return self.refused(tracked.client_id, "rejected", "the venue rejected it", now)
        if not tracked.ended and (not tracked.accepted or tracked.doubt == NEW):
            # Whatever names the order proves that it arrived.
            tracked.accepted = True
            tracked.doubt = "" if tracked.doubt == NEW else tracked.doubt
            if not tracked.doubt:
                tracked.named = True
                events.append(OrderAccepted(tracked.client_id, said.ts or now, tracked.venue_id))
        events += self._woken(tracked, said, now)
        for trade in (*said.trades, *self._take_early(tracked)):
            events += self._count(tracked, trade, now)
        if replaced:
            return events + self._finish(tracked, now)
        if said.filled is not None:
            tracked.told = max(tracked.told, said.filled)
        if said.word is not None and said.word.ended and tracked.ending is None:
            tracked.ending = said.word
            if said.filled is None and said.word is OrderWord.CLOSED:
                tracked.told = max(tracked.told, tracked.quantity)
        events += self._changed(tracked, said, now)
        tracked.word_ns = max(tracked.word_ns, said.ts)
        return events + self._finish(tracked, now)

    def on_trade(self, trade: TradeStatement, now: int) -> list[OrderEvent]:
        """An execution; one of an order that is not known yet waits for it."""
        tracked = self._find(trade.client_id, trade.symbol, trade.venue_id)
        if tracked is None:
            self._early[trade.symbol, trade.venue_id, trade.trade_id] = trade
            if len(self._early) > MOST_EARLY_TRADES:
                self._early.popitem(last=False)
                self.counters.early_lost += 1
            return []
        if not tracked.venue_id:
            self._name(tracked, trade.venue_id)
        tracked.heard_ns = max(tracked.heard_ns, now)
        return self._count(tracked, trade, now) + self._finish(tracked, now)

    def settled(self, said: OrderStatement, now: int) -> list[OrderEvent]:
        """The answer to a question that was asked after the doubt began: it ends the doubt."""
        events = self.on_order(said, now)
        tracked = self._find(said.client_id, said.symbol, said.venue_id)
        if tracked is None or tracked.ended or not tracked.doubt:
            return events
        if tracked.ending is not None:  # over at the venue, some fills still to be fetched
            return events
        if tracked.doubt == CANCEL and tracked.canceling:  # it is asked for until it is done
            return events
        doubt, tracked.doubt = tracked.doubt, ""
        amend, tracked.amend = tracked.amend, None
        if doubt == AMEND and amend is not None:
            return [*events, OrderAmendRejected(tracked.client_id, now, "the venue did not do it")]
        if doubt == CANCEL and tracked.named:
            return [*events, OrderCancelRejected(tracked.client_id, now, "the venue still works the order")]
        tracked.named = True
        return [*events, OrderAccepted(tracked.client_id, now, tracked.venue_id)]

    def proven_absent(self, client_id: str, now: int) -> list[OrderEvent]:
        """Asked by id, in the open orders and in the trades, late enough: the venue has no such order."""
        tracked = self.orders[client_id]
        if tracked.ended:
            return []
        tracked.doubt = ""
        if not tracked.accepted and not tracked.counted:
            return self.refused(client_id, "never_arrived", "it never reached the venue", now)
        tracked.ending = tracked.ending or OrderWord.CANCELED
        tracked.told = tracked.counted
        return self._finish(tracked, now)

    def working(self, key: str) -> list[Tracked]:
        """Our orders in one instrument that are not over."""
        return [tracked for tracked in self.orders.values() if tracked.key == key and not tracked.ended]

    def drop_foreign(self, symbol: str, shown: Collection[str]) -> None:
        """A poll showed these venue ids as open in one market: foreign orders that are not among them are over."""
        for place, said in list(self.foreign.items()):
            if said.symbol == symbol and said.venue_id not in shown:
                del self.foreign[place]
        for client_id, said in list(self.revived.items()):
            if said.symbol == symbol and said.venue_id not in shown:
                del self.revived[client_id]

    def forget(self, symbol: str, venue_id: str) -> None:
        """An order that was none of ours, or held to be over, is over at the venue as well."""
        self.foreign.pop(f"{symbol} {venue_id}", None)
        for client_id, said in list(self.revived.items()):
            if (said.symbol, said.venue_id) == (symbol, venue_id):
                del self.revived[client_id]

    def name_of(self, said: OrderStatement) -> str:
        """Our client id of the order that a statement is about, "" for a foreign one."""
        tracked = self._find(said.client_id, said.symbol, said.venue_id)
        return "" if tracked is None else tracked.client_id

    def missing(self, client_id: str) -> bool:
        """True while the venue counts more in this order than the trades known here."""
        tracked = self.orders.get(client_id)
        return tracked is not None and tracked.told > tracked.counted

    # ------------------------------------------------------------------ inside

    def _find(self, client_id: str, symbol: str, venue_id: str) -> Tracked | None:
        named = self._by_venue_id.get((self._key_of(symbol), venue_id), "")
        return self.orders.get(client_id) or self.orders.get(named)

    def _name(self, tracked: Tracked, venue_id: str) -> None:
        if venue_id:
            tracked.venue_id = venue_id
            self._by_venue_id[tracked.key, venue_id] = tracked.client_id

    def _meet(self, tracked: Tracked, said: OrderStatement) -> bool:
        """Take the venue's id. True when the statement is of an order that ours has replaced: only its fills count."""
        if not said.venue_id or said.venue_id == tracked.venue_id:
            return False
        if said.venue_id in tracked.old_ids:
            return True
        if tracked.venue_id and said.ts < tracked.word_ns:
            tracked.old_ids.add(said.venue_id)
            self._by_venue_id[tracked.key, said.venue_id] = tracked.client_id
            return True
        if tracked.venue_id:
            tracked.old_ids.add(tracked.venue_id)
        self._name(tracked, said.venue_id)
        return False

    def _count(self, tracked: Tracked, trade: TradeStatement, now: int) -> list[OrderEvent]:
        if trade.trade_id in tracked.trade_ids:
            self.counters.repeated += 1
            return []
        events: list[OrderEvent] = []
        if tracked.waits:
            tracked.waits = False
            events.append(OrderTriggered(tracked.client_id, trade.ts or now))
        tracked.trade_ids.add(trade.trade_id)
        tracked.end_ns = max(tracked.end_ns, trade.ts)
        tracked.counted += trade.quantity
        events.append(
            OrderFilled(
                client_id=tracked.client_id,
                ts=trade.ts or now,
                trade_id=trade.trade_id,
                price=trade.price,
                quantity=trade.quantity,
                liquidity=trade.liquidity,
                fee=trade.fee,
                fee_currency=trade.fee_currency or tracked.key.rpartition("/")[2].partition(":")[0],
            )
        )
        return events

    def _woken(self, tracked: Tracked, said: OrderStatement, now: int) -> list[OrderEvent]:
        """Its trigger was reached, and at some venues another order has followed from it."""
        if said.follower and said.follower != tracked.venue_id and said.follower not in tracked.old_ids:
            tracked.old_ids.add(tracked.venue_id)
            self._name(tracked, said.follower)
        if not tracked.waits or tracked.ended or not (said.waits is False or said.filled):
            return []
        tracked.waits = False
        return [OrderTriggered(tracked.client_id, said.ts or now)]

    def _take_early(self, tracked: Tracked) -> list[TradeStatement]:
        """Trades that came before their order could be named."""
        if not self._early:
            return []
        ids = {tracked.venue_id, *tracked.old_ids}
        mine = [
            place
            for place, trade in self._early.items()
            if trade.venue_id in ids and self._key_of(trade.symbol) == tracked.key
        ]
        return [self._early.pop(place) for place in mine]

    def _changed(self, tracked: Tracked, said: OrderStatement, now: int) -> list[OrderEvent]:
        """Price or quantity are not what we knew: an amend was done, ours or one made elsewhere."""
        if said.price is None or said.quantity is None or tracked.price is None or tracked.ended:
            return []
        as_known = (said.price, said.quantity) == (tracked.price, tracked.quantity)
        if said.ts < tracked.word_ns or (as_known and tracked.amend != (said.price, said.quantity)):
            return []
        if said.word is not OrderWord.OPEN and (said.price, said.quantity) != tracked.amend:
            return []  # some venues cut the quantity of an order that is over down to what was filled
        tracked.price, tracked.quantity = said.price, said.quantity
        if tracked.doubt == AMEND:
            tracked.doubt = ""
        tracked.amend = None
        return [OrderAmended(tracked.client_id, said.ts or now, said.price, said.quantity)]

    def _finish(self, tracked: Tracked, now: int) -> list[OrderEvent]:
        """Tell the order's end, once it has one and every fill of it is counted."""
        if tracked.ended or tracked.told > tracked.counted:
            return []
        complete = tracked.counted >= tracked.quantity
        undecided = bool(tracked.doubt) or tracked.amend is not None
        if tracked.ending is None and (undecided or not complete):
            return []
        tracked.ended = True
        tracked.end_ns = max(tracked.end_ns, tracked.word_ns)
        self._remember_over(tracked)
        doubt, tracked.doubt = tracked.doubt, ""
        amend, tracked.amend = tracked.amend, None
        if complete:
            # The fills close the order, but for one whose total was undecided: that takes the venue's word.
            if doubt:
                return [OrderAccepted(tracked.client_id, now, tracked.venue_id)]
            return [] if amend is None else [OrderAmendRejected(tracked.client_id, now, "it was filled before")]
        match tracked.ending:
            case OrderWord.CANCELED:
                return [OrderCanceled(tracked.client_id, now, "" if tracked.canceling else "canceled at the venue")]
            case OrderWord.EXPIRED:
                return [OrderExpired(tracked.client_id, now, "the venue ended it")]
            case OrderWord.REJECTED:
                return [OrderRejected(tracked.client_id, now, "rejected", "the venue rejected it")]
            case _:
                return [OrderExpired(tracked.client_id, now, "the venue closed it with a rest")]

    def _look_for_revival(self, tracked: Tracked, said: OrderStatement) -> None:
        """The venue says something of an order that is over here; what is older than the end means nothing."""
        if said.word is OrderWord.OPEN and said.ts > tracked.end_ns:
            self.counters.revived += tracked.client_id not in self.revived
            self.revived[tracked.client_id] = said
        elif said.word is not None and said.word.ended:
            self.revived.pop(tracked.client_id, None)

    def _remember_over(self, tracked: Tracked) -> None:
        self._over.append(tracked.client_id)
        while len(self._over) > MOST_ENDED:
            oldest = self.orders.pop(self._over.popleft(), None)
            if oldest is not None:
                for venue_id in (oldest.venue_id, *oldest.old_ids):
                    self._by_venue_id.pop((oldest.key, venue_id), None)

    def _foreign(self, said: OrderStatement) -> None:
        place = f"{said.symbol} {said.venue_id}"
        if said.word is OrderWord.OPEN:
            self.foreign[place] = said
            while len(self.foreign) > MOST_FOREIGN:
                self.foreign.popitem(last=False)
        elif said.word is not None:
            self.foreign.pop(place, None)

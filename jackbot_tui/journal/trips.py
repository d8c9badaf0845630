"""Round trips: fills grouped into trades as a trader counts them, from flat to flat, and statistics over them.

Where spot buys pay their fee in base units, a sale of whole lots leaves dust behind: such a trade counts as closed when
less than ``DUST`` of what was entered is left, and the dust goes into the next one.

Pure functions over rows of the journal. ``report`` reads the rows, the journal screen and the ``journal`` command show
the results. Nothing is stored: a round trip is a way of looking at fills.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.journal.projection import FundingPayment, JournalFill
from jackbot_tui.model.accounting import currencies_of
from jackbot_tui.model.enums import Side
from jackbot_tui.model.errors import JournalError
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.model.transitions import EXACT, PRICE_PLACES

MIXED = "mixed"

DUST = Decimal("0.01")
"""Part of the entered quantity."""


class TradedFill(Struct, frozen=True):
    """A fill with what its order says about intent: ``type`` (limit, market), ``tag``, ``owner``."""

    fill: JournalFill
    type: str
    tag: str
    owner: str


class AdoptedAt(Struct, frozen=True):
    """Record ``seq``: the position was set to ``quantity``, what the venue held (signed base units)."""

    seq: int
    ts: int
    key: str
    quantity: Decimal


class TagNote(Struct, frozen=True):
    """A tag the trader gave at ``ts``."""

    ts: int
    text: str


class RoundTrip(Struct, frozen=True, kw_only=True):
    """A trade from flat to flat; a fill that turns the position ends one and begins the next.

    ``side`` BUY = long. ``quantity`` is all that was entered (base units), ``open_quantity`` what is left. ``entry``
    and ``exit`` are mean prices, ``exit`` None before the first exit. ``realized`` is price profit, with ``fees`` and
    ``funding`` (positive = received) apart; quote currency. ``closed_ns`` is None while it is open. ``kind`` is the
    type of the entering orders, ``entry_liquidity`` and ``exit_liquidity`` maker, taker or mixed. ``orders`` are their
    numbers; ``tags`` those of the orders and those given while the trade was open.
    """

    key: str
    side: Side
    quantity: Decimal
    open_quantity: Decimal
    entry: Decimal
    exit: Decimal | None
    realized: Decimal
    fees: Decimal
    funding: Decimal
    opened_ns: int
    closed_ns: int | None
    fills: int
    orders: tuple[int, ...]
    kind: str
    owner: str
    entry_liquidity: str
    exit_liquidity: str
    tags: tuple[str, ...]

    @property
    def net(self) -> Decimal:
        """Result after fees and funding; of an open trade, what is closed of it so far."""
        return EXACT.add(EXACT.subtract(self.realized, self.fees), self.funding)

    @property
    def currency(self) -> str:
        return currencies_of(self.key).quote

    def held_ns(self, now: int) -> int:
        """How long the position was (or is, at ``now``) open."""
        return (now if self.closed_ns is None else self.closed_ns) - self.opened_ns


class Statistics(Struct, frozen=True, kw_only=True):
    """Results of closed round trips in one quote ``currency``.

    ``profit_factor`` is gross profit over gross loss (None without losses); ``max_drawdown`` the deepest fall of the
    running net result below its highest point, as a positive amount. Rates are fractions. Times are nanoseconds.
    """

    currency: str
    trades: int
    wins: int
    losses: int
    win_rate: float
    net: Decimal
    gross_profit: Decimal
    gross_loss: Decimal
    profit_factor: Decimal | None
    average: Decimal
    average_win: Decimal
    average_loss: Decimal
    best: Decimal
    worst: Decimal
    max_drawdown: Decimal
    average_held_ns: int


Event = TradedFill | FundingPayment | AdoptedAt


def round_trips(events: Iterable[Event], tags: Iterable[TagNote] = ()) -> Iterator[RoundTrip]:
    """Round trips of ``events`` (in log order): closed ones as they close, then those still open.

    Every instrument must start flat. JournalError when it does not. A position taken over from the venue ends the trade
    that was open, at what is known of it; what was entered elsewhere is in no trade, and so are its exits.
    """
    notes = list(tags)
    trips: dict[str, _Trip] = {}
    dust: dict[str, Decimal] = {}
    for event in events:
        if isinstance(event, FundingPayment):
            if event.key in trips:
                trips[event.key].funding = EXACT.add(trips[event.key].funding, event.amount)
            continue
        if isinstance(event, AdoptedAt):
            ended = trips.pop(event.key, None)
            if ended is not None:
                yield ended.result(event.ts, notes)
            dust[event.key] = event.quantity
            continue
        fill = event.fill
        trip = trips.get(fill.key)
        kept_back = _kept_back(fill)
        change = EXACT.multiply(fill.quantity, Decimal(fill.side.sign))
        before = EXACT.add(EXACT.subtract(fill.position, change), kept_back)
        if before != (dust.get(fill.key, ZERO) if trip is None else trip.held):
            raise JournalError(f"fill {fill.trade_id} of {fill.key} does not follow from the fills before it")
        closing = min(fill.quantity, abs(before)) if before * change < ZERO else ZERO
        exit_fee = _share(fill.fee_quote, closing, fill.quantity)
        if trip is not None and closing:
            trip.leave(event, closing, exit_fee)
            if trip.is_over:
                yield trip.result(fill.ts, notes)
                del trips[fill.key]
                trip = None
        entering = EXACT.subtract(fill.quantity, closing)
        if entering:
            if trip is None:
                trip = trips[fill.key] = _Trip(fill, dust.pop(fill.key, ZERO))
            trip.enter(event, entering, EXACT.subtract(fill.fee_quote, exit_fee), ZERO if closing else fill.realized)
        if trip is None:
            dust[fill.key] = fill.position
        else:
            trip.holds(fill.position, kept_back)
    for trip in trips.values():
        yield trip.result(None, notes)


def statistics(trips: Iterable[RoundTrip]) -> list[Statistics]:
    """Statistics of the closed trips, one row per quote currency, by name. ``trips`` come in the order of their end."""
    tallies: dict[str, _Tally] = {}
    for trip in trips:
        if trip.closed_ns is not None:
            tallies.setdefault(trip.currency, _Tally()).count(trip)
    return [tallies[currency].result(currency) for currency in sorted(tallies)]


def net_by(trips: Iterable[RoundTrip], group: Callable[[RoundTrip], Iterable[str]]) -> dict[str, Decimal]:
    """Net result of closed trips per group; a trip counts in every group that ``group`` names for it."""
    result: dict[str, Decimal] = {}
    for trip in trips:
        if trip.closed_ns is not None:
            for name in group(trip):
                result[name] = EXACT.add(result.get(name, ZERO), trip.net)
    return result


class _Trip:
    """A round trip under construction."""

    def __init__(self, first: JournalFill, dust: Decimal) -> None:
        self.key = first.key
        self.side = first.side
        self.opened_ns = first.ts
        self.held = dust
        self.open_quantity = abs(dust)
        self._kept_back = ZERO
        self.funding = ZERO
        self._entered = self._entered_value = ZERO
        self._left = self._left_value = ZERO
        self._realized = self._fees = ZERO
        self._fills: set[int] = set()
        self._orders: dict[int, None] = {}
        self._kinds: dict[str, None] = {}
        self._owners: dict[str, None] = {}
        self._tags: dict[str, None] = {}
        self._entry_liquidity: dict[str, None] = {}
        self._exit_liquidity: dict[str, None] = {}

    @property
    def is_over(self) -> bool:
        """Nothing is left, or only what fees in base units made impossible to sell."""
        dust = EXACT.multiply(self._entered, DUST) if self._kept_back else ZERO
        return self.open_quantity == ZERO or self.open_quantity < dust

    def holds(self, position: Decimal, kept_back: Decimal) -> None:
        """The signed ``position`` after a fill whose fee took ``kept_back`` out of it."""
        self.held = position
        self.open_quantity = EXACT.abs(position)
        self._kept_back = EXACT.add(self._kept_back, kept_back)

    def enter(self, traded: TradedFill, quantity: Decimal, fee: Decimal, realized: Decimal) -> None:
        self.open_quantity = EXACT.add(self.open_quantity, quantity)
        self._entered = EXACT.add(self._entered, quantity)
        self._entered_value = EXACT.fma(traded.fill.price, quantity, self._entered_value)
        self._kinds[traded.type] = None
        self._entry_liquidity[traded.fill.liquidity] = None
        self._count(traded, fee, realized)

    def leave(self, traded: TradedFill, quantity: Decimal, fee: Decimal) -> None:
        self.open_quantity = EXACT.subtract(self.open_quantity, quantity)
        self._left = EXACT.add(self._left, quantity)
        self._left_value = EXACT.fma(traded.fill.price, quantity, self._left_value)
        self._exit_liquidity[traded.fill.liquidity] = None
        self._count(traded, fee, traded.fill.realized)

    def _count(self, traded: TradedFill, fee: Decimal, realized: Decimal) -> None:
        self._fees = EXACT.add(self._fees, fee)
        self._realized = EXACT.add(self._realized, realized)
        self._fills.add(traded.fill.seq)
        self._orders[traded.fill.number] = None
        self._owners[traded.owner] = None
        if traded.tag:
            self._tags[traded.tag] = None

    def result(self, closed_ns: int | None, notes: list[TagNote]) -> RoundTrip:
        given = (
            note.text for note in notes if self.opened_ns <= note.ts and (closed_ns is None or note.ts <= closed_ns)
        )
        return RoundTrip(
            key=self.key,
            side=self.side,
            quantity=self._entered,
            open_quantity=self.open_quantity,
            entry=_mean(self._entered_value, self._entered),
            exit=_mean(self._left_value, self._left) if self._left else None,
            realized=self._realized,
            fees=self._fees,
            funding=self.funding,
            opened_ns=self.opened_ns,
            closed_ns=closed_ns,
            fills=len(self._fills),
            orders=tuple(self._orders),
            kind=_one_of(self._kinds),
            owner=_one_of(self._owners),
            entry_liquidity=_one_of(self._entry_liquidity),
            exit_liquidity=_one_of(self._exit_liquidity),
            tags=tuple(dict.fromkeys([*self._tags, *given])),
        )


class _Tally:
    """Statistics of one currency under construction."""

    def __init__(self) -> None:
        self._trades = self._wins = self._losses = 0
        self._profit = self._loss = ZERO
        self._best: Decimal | None = None
        self._worst: Decimal | None = None
        self._net = self._highest = self._drawdown = ZERO
        self._held_ns = 0

    def count(self, trip: RoundTrip) -> None:
        net = trip.net
        self._trades += 1
        if net > ZERO:
            self._wins += 1
            self._profit = EXACT.add(self._profit, net)
        elif net < ZERO:
            self._losses += 1
            self._loss = EXACT.subtract(self._loss, net)
        self._best = net if self._best is None else max(self._best, net)
        self._worst = net if self._worst is None else min(self._worst, net)
        self._net = EXACT.add(self._net, net)
        self._highest = max(self._highest, self._net)
        self._drawdown = max(self._drawdown, EXACT.subtract(self._highest, self._net))
        self._held_ns += trip.held_ns(0)

    def result(self, currency: str) -> Statistics:
        return Statistics(
            currency=currency,
            trades=self._trades,
            wins=self._wins,
            losses=self._losses,
            win_rate=self._wins / self._trades,
            net=self._net,
            gross_profit=self._profit,
            gross_loss=self._loss,
            profit_factor=_mean(self._profit, self._loss) if self._loss else None,
            average=_mean(self._net, Decimal(self._trades)),
            average_win=_mean(self._profit, Decimal(self._wins or 1)),
            average_loss=EXACT.minus(_mean(self._loss, Decimal(self._losses or 1))),
            best=self._best or ZERO,
            worst=self._worst or ZERO,
            max_drawdown=self._drawdown,
            average_held_ns=self._held_ns // self._trades,
        )


def _kept_back(fill: JournalFill) -> Decimal:
    """What the fill's fee took out of the holding itself: spot, paid in base units."""
    currencies = currencies_of(fill.key)
    return fill.fee if fill.fee_currency == currencies.base and not currencies.is_perpetual else ZERO


def _mean(total: Decimal, count: Decimal) -> Decimal:
    return EXACT.divide(total, count).quantize(PRICE_PLACES, context=EXACT)


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """``part`` of ``whole`` of ``amount``; exact at both ends."""
    if part == whole:
        return amount
    return _mean(EXACT.multiply(amount, part), whole) if part else ZERO


def _one_of(names: Iterable[str]) -> str:
    """The only name, ``mixed`` for several, "" for none."""
    all_names = list(names)
    return all_names[0] if len(all_names) == 1 else MIXED if all_names else ""

"""Finds by trying which prices a venue takes: tiny post-only orders that cannot fill, canceled at once.

Up to four edges are looked for: lowest and highest price of a buy and of a sell, as multiples of a reference price.
Far on the market's other side a post-only order is refused for crossing where its price passes, and for its price
where it does not; both ways nothing trades. Each edge is bracketed between the furthest price that passed and the
nearest that did not, then halved. Called by the command ``range probe``; it never runs by itself.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from enum import StrEnum
from math import sqrt

from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.execution.live.client import VenueClient
from jackbot_tui.execution.live.failures import VenueFailure
from jackbot_tui.execution.live.statements import OrderStatement, OrderWord
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.enums import OrderType, Side, TimeInForce
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.model.ids import client_order_id
from jackbot_tui.model.instrument import Instrument, PriceBand
from jackbot_tui.model.numbers import ONE, ZERO, round_down, round_up, text_of
from jackbot_tui.model.orders import Order
from jackbot_tui.venues.bands import MOVES_PRICES, is_band_refusal
from jackbot_tui.venues.errors import ErrorKind

OWNER = "probe"
MOST_ORDERS = 200
"""Orders of one probe, all edges together."""

RESOLUTION = Decimal("0.0002")
"""An edge is known when the furthest price that passed and the nearest that did not are this share apart."""

LEAST_NOISE = Decimal("0.0001")
AVERAGE_NOISE = Decimal("0.003")
"""A venue's own average price is not told by any stream: the last trade stands for it, and may be so far from it."""

FAR_LOW = (Decimal("0.01"), Decimal("0.04"), Decimal("0.2"), Decimal("0.5"))
FAR_HIGH = (Decimal(20), Decimal(6), Decimal(2), Decimal("1.3"))
"""How far out an edge is looked for, as multiples of the reference; the nearer ones where money does not reach."""

NEAREST = Decimal("0.003")
"""So near to the own touch an order must pass; a resting one is never nearer than that."""

TRIES = 5
PAUSE_S = 0.3
NO_MONEY = ("balance", "margin", "funds", "insufficient")
CROSSES = ("post-only", "post only", "postonly", "post_only", "as maker", "immediately match", "would take", "crossing")


class Edge(StrEnum):
    """What is looked for; also the fields of ``PriceBand``."""

    BUY_DOWN = "buy_down"
    BUY_UP = "buy_up"
    SELL_DOWN = "sell_down"
    SELL_UP = "sell_up"

    @property
    def side(self) -> Side:
        return Side.BUY if self in (Edge.BUY_DOWN, Edge.BUY_UP) else Side.SELL

    @property
    def upwards(self) -> bool:
        return self in (Edge.BUY_UP, Edge.SELL_UP)


class ProbeStopped(JackbotError):
    """It cannot go on; the reason in one line. Nothing of it is left at the venue that it knows of."""


class Around(Struct, frozen=True):
    """The market at one moment: the band's reference, and the best prices."""

    reference: Decimal
    bid: Decimal
    ask: Decimal


class EdgeFound(Struct, frozen=True, kw_only=True):
    """``multiplier`` 0: not limited as far as was tried, or not known (``problem``). ``inside`` and ``outside`` bracket
    it: the furthest multiple of the reference that passed, the nearest that did not."""

    multiplier: Decimal = ZERO
    inside: Decimal = ZERO
    outside: Decimal = ZERO
    orders: int = 0
    problem: str = ""


class RangeFound(Struct, frozen=True, kw_only=True):
    """What a probe found. ``noise``: how far the reference was off while it went on, as a share."""

    key: str
    reference: str
    edges: dict[Edge, EdgeFound]
    noise: Decimal
    orders: int
    at_ns: int

    @property
    def band(self) -> PriceBand:
        """The rule that the edges make; a side that is not known counts as not limited."""
        return PriceBand(self.reference, **{edge.value: found.multiplier for edge, found in self.edges.items()})

    @property
    def complete(self) -> bool:
        return not any(found.problem for found in self.edges.values())


class RangeProbe:
    """See the module's paragraph. ``around`` tells the market now, or raises ProbeStopped; ``pause`` waits seconds.

    ``tag`` (4 letters and digits) makes its client ids its own. ``tell`` hears one line per edge.
    """

    def __init__(
        self,
        client: VenueClient,
        instrument: Instrument,
        reference: str,
        around: Callable[[Side], Around],
        clock: Clock,
        pause: Callable[[float], Awaitable[None]],
        *,
        tag: str,
        tell: Callable[[str], None] = lambda _: None,
        most_orders: int = MOST_ORDERS,
    ) -> None:
        self._client = client
        self._instrument = instrument
        self._reference = reference
        self._around = around
        self._clock = clock
        self._pause = pause
        self._tag = tag
        self._tell = tell
        self._most = most_orders
        self._noise = LEAST_NOISE if reference != "average" else AVERAGE_NOISE
        self.orders = 0

    async def run(self) -> RangeFound:
        """Look for all four edges. ProbeStopped when an order filled, or the venue cannot be asked."""
        edges = {}
        for edge in Edge:
            before = self.orders
            found = await self._edge(edge)
            edges[edge] = replace(found, orders=self.orders - before)
            self._tell(f"{edge.value}: {edge_words(edges[edge])}")
        return RangeFound(
            key=self._instrument.key,
            reference=self._reference,
            edges=edges,
            noise=self._noise,
            orders=self.orders,
            at_ns=self._clock.now_ns(),
        )

    # ------------------------------------------------------------------ one edge

    async def _edge(self, edge: Edge) -> EdgeFound:
        try:
            inside = await self._first_inside(edge)
            outside = await self._first_outside(edge)
            if outside is None:
                return EdgeFound(inside=inside)
            while self._apart(inside, outside) > RESOLUTION:
                middle = Decimal(repr(round(sqrt(float(inside * outside)), 8)))
                passed, at = await self._passes(edge, middle)
                if at in (inside, outside):
                    break  # a tick is wider than what is looked for
                if passed:
                    inside = at
                else:
                    outside = at
        except _EdgeUnknown as unknown:
            return EdgeFound(problem=str(unknown))
        return EdgeFound(multiplier=self._figure(inside, outside), inside=inside, outside=outside)

    def _apart(self, inside: Decimal, outside: Decimal) -> Decimal:
        return abs(outside - inside) / min(inside, outside)

    async def _first_inside(self, edge: Edge) -> Decimal:
        """A price near the touch, where an order rests (or would cross), must pass."""
        now = self._around(edge.side)
        near = now.ask if edge.upwards else now.bid
        wanted = near * (ONE + NEAREST if edge.upwards else ONE - NEAREST) / now.reference
        passed, at = await self._passes(edge, wanted)
        if not passed:
            raise _EdgeUnknown(f"even {text_of(round(at, 4))} times the reference is refused")
        return at

    async def _first_outside(self, edge: Edge) -> Decimal | None:
        """The furthest price that is worth trying, when it is refused; None when it passes: not limited."""
        problem = ""
        for multiple in FAR_HIGH if edge.upwards else FAR_LOW:
            try:
                passed, at = await self._passes(edge, multiple)
            except _EdgeUnknown as unknown:
                problem = str(unknown)
                continue
            return None if passed else at
        raise _EdgeUnknown(problem)

    def _figure(self, inside: Decimal, outside: Decimal) -> Decimal:
        """The shortest figure within the bracket, widened by what the reference was off: venues write rules short."""
        low, high = sorted((inside, outside))
        low, high = low * (1 - self._noise), high * (1 + self._noise)
        for places in range(1, 8):
            step = ONE.scaleb(-places)
            shortest = [each for each in (round_up(low, step), round_down(high, step)) if low <= each <= high]
            if shortest:
                middle = (low + high) / 2
                return min(shortest, key=lambda each: abs(each - middle)).normalize() + ZERO
        return inside

    # ------------------------------------------------------------------ one order

    async def _passes(self, edge: Edge, multiple: Decimal) -> tuple[bool, Decimal]:
        """Whether the venue takes a price of about ``multiple`` times the reference, and the multiple it was."""
        last = "no answer"
        for _ in range(TRIES):
            before = self._around(edge.side)
            price = self._price(edge, multiple * before.reference)
            try:
                passed = await self._try(edge.side, price)
            except _Again as again:
                last = str(again)
                await self._pause(PAUSE_S)
                continue
            after = self._around(edge.side)
            self._noise = max(self._noise, abs(after.reference - before.reference) / before.reference)
            return passed, round(price / before.reference, 8)
        raise ProbeStopped(f"the venue cannot be asked: {last}")

    def _price(self, edge: Edge, price: Decimal) -> Decimal:
        """On the tick and within the venue's lowest and highest price, rounded towards the market."""
        instrument = self._instrument
        lowest = max(instrument.min_price, instrument.tick)
        price = max(price, lowest)
        if instrument.max_price:
            price = min(price, instrument.max_price)
        tick = instrument.tick_at(price)
        return round_down(price, tick) if edge.upwards else round_up(price, tick)

    async def _try(self, side: Side, price: Decimal) -> bool:
        """Send one order and take it back. True when its price passed."""
        if self.orders >= self._most:
            raise ProbeStopped(f"{self._most} orders were not enough: it gave up")
        self.orders += 1
        order = self._order(side, price)
        symbol = self._instrument.symbol
        try:
            said = await self._client.create(order, symbol)
        except VenueFailure as failure:
            return await self._refused(order, failure)
        return await self._taken_back(order, said)

    async def _refused(self, order: Order, failure: VenueFailure) -> bool:
        low = failure.reason.lower()
        if is_band_refusal(self._instrument.venue, failure.reason, failure.code):
            return False
        if any(word in low for word in CROSSES) or "OrderImmediatelyFillable" in failure.code:
            return True
        if failure.done is None:
            await self._clear(order)
            raise _Again(failure.reason)
        if failure.kind in (ErrorKind.RETRYABLE, ErrorKind.CLOCK):
            raise _Again(failure.reason)
        if any(word in low for word in NO_MONEY):
            raise _EdgeUnknown(f"it cannot be tried: {failure.reason}")
        raise ProbeStopped(f"the venue refused {text_of(order.price or ZERO)} for another reason: {failure.reason}")

    async def _taken_back(self, order: Order, said: OrderStatement) -> bool:
        """Cancel what was taken, see that nothing filled, and whether the venue moved the price to its edge."""
        price = order.price
        if not (said.word is not None and said.word.ended):
            said = await self._clear(order, said.venue_id) or said
        shown = await self._shown(order, said)
        if shown.filled:
            raise ProbeStopped(f"an order of the probe filled {text_of(shown.filled)} at about {price}: look after it")
        if shown.word is OrderWord.REJECTED and price is not None and not self._crosses(order.side, price):
            raise ProbeStopped(f"the venue rejected {text_of(price)} without a reason")
        if shown.price is None and (self._instrument.venue, self._instrument.kind) in MOVES_PRICES:
            raise ProbeStopped("the venue moves prices to its edge, and does not say what became of this one")
        return shown.price is None or shown.price == price

    async def _shown(self, order: Order, said: OrderStatement) -> OrderStatement:
        """The order as the venue has it in the end, as far as it still says."""
        try:
            return await self._client.order(order.client_id, self._instrument.symbol, said.venue_id)
        except VenueFailure:
            return said

    async def _clear(self, order: Order, venue_id: str = "") -> OrderStatement | None:
        """Cancel until the venue says that there is nothing to cancel; ProbeStopped when it never does."""
        last = ""
        for _ in range(TRIES):
            try:
                if not venue_id and not self._client.dialect.cancel_id:
                    mine = [
                        each
                        for each in await self._client.open_orders(self._instrument.symbol)
                        if each.client_id == order.client_id
                    ]
                    if not mine:
                        return None
                    venue_id = mine[0].venue_id
                return await self._client.cancel(order.client_id, self._instrument.symbol, venue_id)
            except VenueFailure as failure:
                if failure.kind in (ErrorKind.RESYNC, ErrorKind.SETTLED):
                    return None
                last = failure.reason
                await self._pause(PAUSE_S)
        raise ProbeStopped(
            f"order {order.client_id} of the probe could not be canceled ({last}): look after it by hand"
        )

    def _crosses(self, side: Side, price: Decimal) -> bool:
        now = self._around(side)
        return price >= now.ask if side is Side.BUY else price <= now.bid

    def _order(self, side: Side, price: Decimal) -> Order:
        instrument, now = self._instrument, self._clock.now_ns()
        least = max(round_up(instrument.min_qty, instrument.lot), instrument.lot)
        if instrument.min_notional:
            least = max(least, round_up(instrument.min_notional * Decimal("1.02") / price, instrument.lot))
        if instrument.max_qty and least > instrument.max_qty:
            raise _EdgeUnknown(f"no order is both large enough and small enough at {text_of(price)}")
        return Order(
            number=self.orders,
            client_id=client_order_id(OWNER, self._tag, self.orders),
            key=instrument.key,
            side=side,
            quantity=least,
            type=OrderType.LIMIT,
            price=price,
            tif=TimeInForce.GTC,
            post_only=True,
            reduce_only=False,
            owner=OWNER,
            source=OWNER,
            parent_id="",
            tag="",
            created_ns=now,
            updated_ns=now,
        )


class _Again(JackbotError):
    """This one order has to be tried again."""


class _EdgeUnknown(JackbotError):
    """This edge cannot be found; the others may be."""


def edge_words(found: EdgeFound) -> str:
    """One edge for people."""
    if found.problem:
        return f"not known: {found.problem}"
    if not found.multiplier:
        return f"not limited as far as was tried ({found.orders} orders)"
    return (
        f"{text_of(found.multiplier)} times the reference: {text_of(round(found.inside, 5))} passed,"
        f" {text_of(round(found.outside, 5))} did not ({found.orders} orders)"
    )

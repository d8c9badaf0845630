"""What the trader has set up on the trade screen: cursor, axis, grouping, quantity, what is asked, what was said.

Pure state over a ``Glass``; the controller changes it, the panels read it. Knows no link and no widget.
"""

from decimal import Decimal
from enum import Enum

from msgspec import Struct

from jackbot_tui.desk.views import Context, OwnOrderView, Reply
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.enums import Side
from jackbot_tui.tui.glass import Freshness, Glass
from jackbot_tui.tui.view.account import Tab
from jackbot_tui.tui.view.axis import LadderAxis
from jackbot_tui.tui.view.ladder import LadderModel, inside_of
from jackbot_tui.tui.view.text import PriceScale

NS_PER_S = 1_000_000_000
QUESTION_NS = 15 * NS_PER_S
MESSAGE_NS = 6 * NS_PER_S
CURSOR_REST_NS = 1_500_000_000
QUANTITY_NS = 2 * NS_PER_S
FILL_SHARE = 0.5
LEAST_SPAN = 1e-4
"""At the first sight of a book, prices are grouped until the rows on the near side span this share of the price (less
than that comes and goes within a second) and until ``FILL_SHARE`` of them have a size."""


class Focus(Enum):
    LADDER = "ladder"
    ORDERS = "orders"


class Question(Struct, frozen=True):
    """A line that waits for Enter. ``reply`` None: the engine has not answered yet, so there is nothing to confirm."""

    line: str
    context: Context
    asked_ns: int
    reply: Reply | None = None

    @property
    def until_ns(self) -> int:
        return self.asked_ns + QUESTION_NS


class Grab(Struct, frozen=True):
    """A working order in the hand: moved with the cursor, amended with Enter."""

    number: int
    side: str
    quantity: str
    price: str
    shown: Reply | None = None
    line: str = ""


class Message(Struct, frozen=True):
    text: str
    level: str
    until_ns: int


class TradeState:
    """One per screen."""

    def __init__(self, glass: Glass, clock: Clock) -> None:
        self.glass = glass
        self.clock = clock
        self.axis = LadderAxis()
        self.ladder = LadderModel()
        self.cursor: int | None = None  # in ticks
        self.side = Side.BUY
        self.focus = Focus.LADDER
        self.tab = Tab.ORDERS
        self.selected: int | None = None
        self.question: Question | None = None
        self.grab: Grab | None = None
        self.message: Message | None = None
        self.tape_times = 0
        self.groups: dict[str, int] = {}
        self.wanted_key = ""
        self._key = ""
        self._cursor_moved_ns = 0
        self._quantity: tuple[str, int, int] = ("", 0, 0)  # text, preset, until

    # ------------------------------------------------------------------ each frame

    @property
    def group(self) -> int:
        return self.groups.get(self.glass.key, 1)

    def new_picture(self, now: int) -> None:
        """Follow what the picture changed: instrument, inside, orders, fills."""
        book = self.glass.book
        if book is None:
            return
        if book.key != self._key:
            self._key = book.key
            self.cursor = None
            self.grab = None
            self.axis.reset()
            if self.question is not None and self.question.context.key != book.key:
                self.drop_question()
        if book.group != self.group:
            return
        bid, ask = inside_of(book)
        if bid is None and ask is None:
            return
        inside = bid if bid is not None else ask
        assert inside is not None
        if book.key not in self.groups:
            sized = [level.index for level in book.bids if level.size > 0]
            self.groups[book.key] = fitting_group(book.group, sized, self.axis.rows)
            if self.groups[book.key] != book.group:
                return
        if self.cursor is None:
            self.cursor = inside * book.group
        self.axis.follow(inside, now, self.pinned(now))
        for price, _ in self.glass.new_fills:
            if self.scale is not None:
                self.ladder.mark_fill(self.scale.ticks(price) // book.group, now)

    def pinned(self, now: int) -> bool:
        """Whether somebody is about to act on a row, so that the axis must not move."""
        busy = self.question is not None or self.grab is not None
        return busy or now - self._cursor_moved_ns < CURSOR_REST_NS

    def tick(self, now: int) -> None:
        """Let questions and messages run out."""
        if self.question is not None and now >= self.question.until_ns:
            self.drop_question()
            self.say("not sent: 15 s without an answer", "warn")
        if self.message is not None and now >= self.message.until_ns:
            self.message = None

    # ------------------------------------------------------------------ cursor and axis

    @property
    def scale(self) -> PriceScale | None:
        return self.ladder.scale

    @property
    def cursor_index(self) -> int | None:
        """Row index of the cursor's price at the present grouping."""
        return None if self.cursor is None else self.cursor // self.group

    @property
    def cursor_price(self) -> str:
        """The price the cursor is bound to, as text; "" before the first book."""
        book = self.glass.book
        if self.cursor is None or book is None:
            return ""
        return f"{Decimal(book.tick) * self.cursor:.{book.price_places}f}"

    def move_cursor(self, rows: int) -> None:
        """By rows, up positive. The window follows the cursor and holds."""
        index = self.cursor_index
        if index is not None:
            self.put_cursor(index + rows)

    def put_cursor(self, index: int) -> None:
        self.cursor = max(1, index) * self.group
        self._cursor_moved_ns = self.clock.now_ns()
        self.axis.reveal(max(1, index))

    def cursor_inside(self) -> None:
        """To the best price of the chosen side."""
        book = self.glass.book
        if book is None:
            return
        bid, ask = inside_of(book)
        best = bid if self.side is Side.BUY else ask
        if best is not None:
            self.put_cursor(best)

    def centre(self) -> None:
        book = self.glass.book
        if book is None:
            return
        bid, ask = inside_of(book)
        inside = bid if bid is not None else ask
        if inside is not None:
            self.axis.centre_on(inside, self.clock.now_ns())

    def set_group(self, group: int) -> None:
        self.groups[self.glass.key] = group
        if self.cursor is not None:
            self.cursor = self.cursor // group * group
        self.axis.reset()

    @property
    def anchor(self) -> str:
        """Price to ask the book around: "" while the inside is near, the centre of a held axis otherwise."""
        book = self.glass.book
        if book is None or not self.axis.held or self.axis.centre is None:
            return ""
        return f"{Decimal(book.tick) * self.axis.centre * self.group:.{book.price_places}f}"

    # ------------------------------------------------------------------ quantity

    @property
    def quantity(self) -> str:
        """The quantity on the glass: what was just chosen, until the engine's picture says the same."""
        text, _, until = self._quantity
        header = self.glass.view.header if self.glass.view is not None else None
        if text and (header is None or (self.clock.now_ns() < until and header.quantity != text)):
            return text
        return header.quantity if header is not None else ""

    @property
    def preset(self) -> int:
        text, preset, until = self._quantity
        header = self.glass.view.header if self.glass.view is not None else None
        if text and header is not None and self.clock.now_ns() < until and header.quantity != text:
            return preset
        return header.preset if header is not None else 0

    def expect_quantity(self, text: str, preset: int = 0) -> None:
        self._quantity = (text, preset, self.clock.now_ns() + QUANTITY_NS)

    def forget_quantity(self) -> None:
        self._quantity = ("", 0, 0)

    @property
    def tape_least(self) -> float:
        return float(self.quantity or 0) * self.tape_times

    # ------------------------------------------------------------------ orders

    def orders_at_cursor(self) -> list[OwnOrderView]:
        index = self.cursor_index
        return [order for order in self.glass.own_orders() if order.price and order.index == index]

    def chosen_order(self) -> OwnOrderView | None:
        view = self.glass.view
        if view is None or self.selected is None:
            return None
        return next((order for order in view.orders if order.number == self.selected), None)

    def select(self, step: int) -> None:
        """Choose another order in the list (newest first)."""
        view = self.glass.view
        numbers = sorted((order.number for order in view.orders), reverse=True) if view is not None else []
        if not numbers:
            self.selected = None
            return
        place = numbers.index(self.selected) if self.selected in numbers else -1
        self.selected = numbers[min(len(numbers) - 1, max(0, place + step))]

    # ------------------------------------------------------------------ talk

    def say(self, text: str, level: str = "info") -> None:
        """One line for the person at the keyboard."""
        self.message = Message(text, level, self.clock.now_ns() + MESSAGE_NS)

    def drop_question(self) -> None:
        self.question = None

    def context(self) -> Context:
        """Where a line is said, and what was seen."""
        now = self.clock.now_ns()
        return Context(key=self.glass.key, cursor=self.cursor_price, seen=self.glass.seen(now))

    @property
    def fresh(self) -> bool:
        return self.glass.freshness(self.clock.now_ns()) is not Freshness.STALE


def fitting_group(group: int, indices: list[int], rows: int) -> int:
    """A grouping at which the near side of a sparse book fills the ladder: 1, 2, 5, 10 … times ``group``."""
    near = rows // 2
    if near < 2 or len(indices) < near:
        return group
    best = indices[0]
    factors = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    for factor in factors:
        if near * factor < best * LEAST_SPAN:
            continue
        rows_down = [best // factor - index // factor for index in indices]
        deep_enough = rows_down[-1] >= near
        filled = len({row for row in rows_down if row < near})
        if not deep_enough or filled >= near * FILL_SHARE:
            return group * factor
    return group * factors[-1]

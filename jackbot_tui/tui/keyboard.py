"""What each action does, in terms of the controller: the table behind the keys. Nothing here talks to the engine."""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from jackbot_tui.desk.views import BookView, HeaderView, ScreenView
from jackbot_tui.model.enums import Mode, Side
from jackbot_tui.model.numbers import text_of
from jackbot_tui.tui import lines
from jackbot_tui.tui.actions import Act
from jackbot_tui.tui.lines import NothingToSay
from jackbot_tui.tui.trade import Focus, Grab
from jackbot_tui.tui.view.account import Tab

if TYPE_CHECKING:
    from jackbot_tui.tui.controller import Controller

PAGE_ROWS = 10
TAPE_TIMES = (0, 1, 5)
REPLAY_SPEEDS = ("0.1", "0.25", "0.5", "1", "2", "5", "10", "20", "50", "100", "max")
PAGES = {
    Act.SCREEN_JOURNAL: "journal",
    Act.SCREEN_ORDERS: "orders",
    Act.SCREEN_CHART: "chart",
    Act.SCREEN_CONNECTIONS: "connections",
    Act.SCREEN_LOG: "log",
    Act.SCREEN_HONESTY: "honesty",
    Act.SCREEN_PARENTS: "parents",
    Act.SCREEN_ACCOUNT: "account",
}


class Keyboard:
    """One method per kind of key."""

    def __init__(self, controller: "Controller") -> None:
        self.controller = controller
        self.state = controller.state

    # ------------------------------------------------------------------ facts

    @property
    def view(self) -> ScreenView:
        view = self.state.glass.view
        if view is None:
            raise NothingToSay("no picture from the engine yet")
        return view

    @property
    def header(self) -> HeaderView:
        return self.view.header

    @property
    def book(self) -> BookView:
        book = self.view.book
        if book is None:
            raise NothingToSay("no book yet")
        return book

    # ------------------------------------------------------------------ moving

    def move(self, rows: int) -> None:
        if self.state.focus is Focus.ORDERS:
            self.state.select(-rows)
            return
        self.state.move_cursor(rows)
        self.controller.preview_grab()

    def side(self, side: Side) -> None:
        self.state.side = side

    def group(self, coarser: bool) -> None:
        self.state.set_group(lines.next_group(self.state.group, coarser))

    def next_panel(self) -> None:
        state = self.state
        if state.focus is Focus.LADDER:
            state.focus, state.tab = Focus.ORDERS, Tab.ORDERS
            state.select(0)
        elif state.tab is Tab.ORDERS:
            state.tab, state.selected = Tab.FILLS, None
        else:
            state.focus, state.tab = Focus.LADDER, Tab.ORDERS

    def symbol(self, number: int) -> None:
        symbols = self.view.symbols
        if number > len(symbols):
            raise NothingToSay(f"there are only {len(symbols)} instruments")
        self.controller.choose_symbol(symbols[number - 1].key)

    # ------------------------------------------------------------------ quantity

    def preset(self, number: int) -> None:
        presets = self.header.presets
        if number > len(presets):
            raise NothingToSay(f"preset {number} is empty: preset {number} 0.5 sets it")
        self.state.expect_quantity(presets[number - 1], number)
        self.controller.send(f"preset {number}")

    def quantity(self, text: str) -> None:
        self.state.expect_quantity(text)
        self.controller.send(f"size {text}")

    def scale(self, factor: str) -> None:
        self.quantity(lines.scaled_quantity(self.state.quantity, Decimal(factor), self.book.qty_places))

    def quantity_position(self) -> None:
        held = abs(self.state.glass.position())
        if not held:
            raise NothingToSay("no position to take the quantity from")
        self.quantity(text_of(held))

    def quantity_best(self) -> None:
        """What a taker of the chosen side finds at the best price."""
        book = self.book
        size = book.best_ask_size if self.state.side is Side.BUY else book.best_bid_size
        if not size:
            raise NothingToSay("nothing at the best price")
        self.quantity(text_of(Decimal(size)))

    # ------------------------------------------------------------------ orders

    def limit(self, side: Side) -> None:
        price = self.state.cursor_price
        if not price:
            raise NothingToSay("no cursor yet: Home puts it to the inside")
        header = self.header
        line = lines.limit_line(side, self.state.quantity, price, header.post_only, header.reduce_only)
        self.controller.order(line)

    def market(self, side: Side) -> None:
        self.controller.order(lines.market_line(side, self.state.quantity, self.header))

    def join(self, side: Side) -> None:
        self.controller.order(lines.join_line(side, self.state.quantity, self.book, self.header))

    def improve(self, side: Side) -> None:
        self.controller.order(lines.improve_line(side, self.state.quantity, self.book, self.header))

    def position(self, verb: str) -> None:
        self.controller.order(lines.position_line(verb, self.state.glass.position()))

    def enter(self) -> None:
        state = self.state
        if self.controller.confirm():
            return
        if state.grab is not None:
            self.controller.amend()
            return
        own = state.orders_at_cursor()
        if own and state.focus is Focus.LADDER:
            numbers = " ".join(f"#{order.number}" for order in own)
            state.say(f"{numbers} here: x cancels, e moves, t opens a ticket")
            return
        self.controller.surface.open_ticket(state.cursor_price, again=False)

    def grab(self) -> None:
        state = self.state
        order = state.chosen_order() if state.focus is Focus.ORDERS else next(iter(state.orders_at_cursor()), None)
        if order is None or not order.price:
            raise NothingToSay("no order of yours here to move: put the cursor on it, or Tab and choose it")
        if order.key != state.glass.key:
            raise NothingToSay(f"#{order.number} is on another instrument: choose that one first")
        state.focus = Focus.LADDER
        state.grab = Grab(order.number, order.side, order.remaining, order.price)
        state.put_cursor(order.index)

    def cancel_here(self) -> None:
        state = self.state
        if state.focus is Focus.ORDERS:
            chosen = state.chosen_order()
            orders = [chosen] if chosen is not None else []
        else:
            orders = state.orders_at_cursor()
        self.controller.send(lines.cancel_here_line(orders))

    def cancel_symbol(self) -> None:
        self.controller.send(f"cancel all {self.book.key}")

    # ------------------------------------------------------------------ view

    def cumulative(self) -> None:
        ladder = self.state.ladder
        look = ladder.look
        ladder.look = type(look)(not look.cumulative, look.volume, look.bars, look.flash, look.large_times)
        ladder.forget()

    def volume_mode(self) -> None:
        ladder = self.state.ladder
        look = ladder.look
        ladder.look = type(look)(look.cumulative, look.volume.following(), look.bars, look.flash, look.large_times)
        ladder.forget()

    def tape_filter(self) -> None:
        times = TAPE_TIMES[(TAPE_TIMES.index(self.state.tape_times) + 1) % len(TAPE_TIMES)]
        if times and not self.state.quantity:
            raise NothingToSay("the tape filter follows the quantity: choose one first")
        self.state.tape_times = times

    def strategies(self) -> None:
        raise NothingToSay("the strategies screen comes with strategies; nothing runs now")

    def yank(self) -> None:
        question = self.state.question
        line = question.line if question is not None else self.controller.last_order
        if not line:
            raise NothingToSay("no order line yet to yank")
        self.controller.surface.copy(line)
        self.controller.surface.open_command(line)

    def drop(self) -> None:
        state = self.state
        self.controller.chord.break_off()
        if state.question is not None:
            state.drop_question()
            state.say("dropped, nothing was sent")
        elif state.grab is not None:
            state.grab = None
            state.say("let go, the order stays where it is")
        elif not self.controller.surface.close_top() and state.focus is not Focus.LADDER:
            state.focus, state.tab, state.selected = Focus.LADDER, Tab.ORDERS, None

    def replay(self, line: str) -> None:
        if self.header.mode != Mode.REPLAY:
            raise NothingToSay(f"this key controls a replay; this is {self.header.mode.upper()}")
        self.controller.send(line)

    def replay_pause(self) -> None:
        paused = self.header.replay.upper().startswith("PAUSE")
        self.replay("replay resume" if paused else "replay pause")

    def replay_speed(self, step: int) -> None:
        words = self.header.replay.replace("×", "x").split()
        now = next((word[1:] for word in words if word[:1] == "x"), "1")
        place = REPLAY_SPEEDS.index(now) if now in REPLAY_SPEEDS else REPLAY_SPEEDS.index("1")
        self.replay(f"replay speed {REPLAY_SPEEDS[min(len(REPLAY_SPEEDS) - 1, max(0, place + step))]}")


def bindings_of(controller: "Controller") -> dict[Act, Callable[[], None]]:
    """What to call for every action of the registry."""
    keys = Keyboard(controller)
    state = controller.state

    table: dict[Act, Callable[[], None]] = {
        Act.CURSOR_UP: lambda: keys.move(1),
        Act.CURSOR_DOWN: lambda: keys.move(-1),
        Act.PAGE_UP: lambda: keys.move(PAGE_ROWS),
        Act.PAGE_DOWN: lambda: keys.move(-PAGE_ROWS),
        Act.CURSOR_INSIDE: state.cursor_inside,
        Act.CENTRE: state.centre,
        Act.SIDE_BUY: lambda: keys.side(Side.BUY),
        Act.SIDE_SELL: lambda: keys.side(Side.SELL),
        Act.COARSER: lambda: keys.group(True),
        Act.FINER: lambda: keys.group(False),
        Act.NEXT_PANEL: keys.next_panel,
        Act.TYPE_QUANTITY: lambda: controller.surface.open_command("size "),
        Act.HALVE: lambda: keys.scale("0.5"),
        Act.DOUBLE: lambda: keys.scale("2"),
        Act.QUANTITY_POSITION: keys.quantity_position,
        Act.QUANTITY_BEST: keys.quantity_best,
        Act.POST_ONLY: lambda: controller.send("post"),
        Act.REDUCE_ONLY: lambda: controller.send("reduce"),
        Act.BUY_LIMIT: lambda: keys.limit(Side.BUY),
        Act.SELL_LIMIT: lambda: keys.limit(Side.SELL),
        Act.BUY_MARKET: lambda: keys.market(Side.BUY),
        Act.SELL_MARKET: lambda: keys.market(Side.SELL),
        Act.JOIN_BID: lambda: keys.join(Side.BUY),
        Act.JOIN_ASK: lambda: keys.join(Side.SELL),
        Act.IMPROVE_BID: lambda: keys.improve(Side.BUY),
        Act.IMPROVE_ASK: lambda: keys.improve(Side.SELL),
        Act.ENTER: keys.enter,
        Act.TICKET: lambda: controller.surface.open_ticket(state.cursor_price, again=False),
        Act.TICKET_LAST: lambda: controller.surface.open_ticket(state.cursor_price, again=True),
        Act.GRAB: keys.grab,
        Act.CANCEL_HERE: keys.cancel_here,
        Act.CANCEL_SYMBOL: keys.cancel_symbol,
        Act.CANCEL_LAST: lambda: controller.send("cancel last"),
        Act.REDUCE_HALF: lambda: keys.position("close half"),
        Act.FLATTEN: lambda: keys.position("flatten"),
        Act.REVERSE: lambda: keys.position("reverse"),
        Act.BREAK_EVEN: lambda: keys.position("be +2t"),
        Act.CUMULATIVE: keys.cumulative,
        Act.VOLUME_MODE: keys.volume_mode,
        Act.TAPE_FILTER: keys.tape_filter,
        Act.SCREEN_TRADE: lambda: controller.surface.open_page("trade"),
        Act.SCREEN_STRATEGIES: keys.strategies,
        Act.COMMAND: lambda: controller.surface.open_command(""),
        Act.REPEAT: controller.repeat,
        Act.YANK: keys.yank,
        Act.HELP: lambda: controller.surface.open_help(),
        Act.PALETTE: lambda: controller.surface.open_palette(),
        Act.REDRAW: lambda: controller.surface.redraw(),
        Act.ARM: lambda: controller.send("arm 10m"),
        Act.KILL: controller.kill,
        Act.DROP: keys.drop,
        Act.LEAVE: lambda: controller.surface.leave(),
        Act.REPLAY_PAUSE: keys.replay_pause,
        Act.REPLAY_STEP: lambda: keys.replay("replay step"),
        Act.REPLAY_SLOWER: lambda: keys.replay_speed(-1),
        Act.REPLAY_FASTER: lambda: keys.replay_speed(1),
    }

    def with_number(call: Callable[[int], None], number: int) -> Callable[[], None]:
        return lambda: call(number)

    for number, act in enumerate((Act.PRESET_1, Act.PRESET_2, Act.PRESET_3, Act.PRESET_4, Act.PRESET_5), 1):
        table[act] = with_number(keys.preset, number)
    for number, act in enumerate((Act.SYMBOL_1, Act.SYMBOL_2, Act.SYMBOL_3, Act.SYMBOL_4), 1):
        table[act] = with_number(keys.symbol, number)

    def with_page(page: str) -> Callable[[], None]:
        return lambda: controller.surface.open_page(page)

    for act, page in PAGES.items():
        table[act] = with_page(page)
    return table

"""A made-up market behind the link's face, for screen tests, paint benchmarks and pictures; never offered for trading.

Seeded and driven only by the clock it is given, so the same seed and the same moments give the same pictures. It keeps
the engine's manners (asks back while DISARMED, counts what it was told) but none of its rules: no risk gate, no queue.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from decimal import Decimal

from msgspec.structs import asdict, replace

from jackbot_tui.desk import commands as c
from jackbot_tui.desk.language import SymbolTable, SyntaxProblem, explain, parse
from jackbot_tui.desk.views import (
    ConnectionView,
    Context,
    FillView,
    HeaderView,
    KeptView,
    LimitView,
    LogLine,
    Notice,
    OwnOrderView,
    ParentView,
    PositionView,
    Reply,
    ScreenView,
    SymbolView,
    ViewRequest,
)
from jackbot_tui.link.face import NO_CONTEXT
from jackbot_tui.link.messages import PROTOCOL, Welcome
from jackbot_tui.model.clock import NS_PER_S, Clock
from jackbot_tui.model.enums import Mode, Side
from jackbot_tui.model.errors import LinkError
from jackbot_tui.model.numbers import text_of
from jackbot_tui.tui.synthetic_book import SyntheticBook

EVENTS_PER_S = 120
MOST_EVENTS = 600


class SyntheticLink:
    """The link's face on made-up books. ``lines`` is every line that was executed, as (line, confirmed)."""

    def __init__(self, clock: Clock, seed: int = 7, mode: Mode = Mode.PAPER, replay: str = "") -> None:
        self.clock = clock
        self.seed = seed
        self.books = {
            book.key: book
            for book in (
                SyntheticBook("binance:BTC/USDT:USDT", "0.5", 1, 3, 61000.0, seed),
                SyntheticBook("binance:ETH/USDT:USDT", "0.01", 2, 3, 2640.0, seed),
                SyntheticBook("binance:SOL/USDT", "0.01", 2, 2, 154.2, seed),
            )
        }
        self.lines: list[tuple[str, bool]] = []
        self.previews: list[str] = []
        self.contexts: list[Context] = []
        self.kills: list[bool] = []
        self.beats: list[float] = []
        self.state = "live"
        self.age_ms = 14.0
        self.gone = ""
        self.frozen = False
        self.active = next(iter(self.books))
        self.orders: list[OwnOrderView] = []
        self.fills: list[FillView] = []
        self.parents: list[ParentView] = []
        self.kept: list[KeptView] = []
        self.position: dict[str, tuple[Decimal, Decimal]] = {}
        self.log: list[LogLine] = []
        self._notices: deque[Notice] = deque(maxlen=1000)
        self._picture: ScreenView | None = None
        self._attached = False
        self._number = 38
        self._sequence = 0
        self._stepped = clock.now_ns()
        self._started = clock.now_ns()
        self._noticed = asyncio.Event()
        self._header = HeaderView(
            mode=mode.value,
            venue="binance",
            session=3,
            now_ns=clock.now_ns(),
            md_ms=14.0,
            ord_ms=31.0,
            loop_lag_ms=0.4,
            frames_per_s=180.0,
            dropped_frames=0,
            unknown_frames=0,
            equity="10482.10",
            day_pnl="41.10",
            armed=False,
            armed_market=False,
            armed_until_ns=0,
            armed_client="",
            killed=False,
            replay=replay,
            quantity="0.5",
            presets=["0.1", "0.5", "1", "2", "5"],
            preset=2,
            slip_ticks=10,
        )

    # ------------------------------------------------------------------ the face

    @property
    def connected(self) -> bool:
        return self._attached and not self.gone

    @property
    def trouble(self) -> str:
        return self.gone

    @property
    def picture(self) -> ScreenView | None:
        return self._picture

    async def connect(self, timeout_s: float = 5.0) -> Welcome:
        self._check()
        self._attached = True
        return Welcome(PROTOCOL, 1, self._header.mode, "synthetic", f"synthetic-{self.seed}", 0)

    async def pull(self, view: ViewRequest, timeout_s: float = 5.0) -> ScreenView:
        self._check()
        self.advance()
        key = view.key or self.active
        book = self.books[key]
        now = self.clock.now_ns()
        self._sequence += 1
        group = max(1, view.group)
        self._picture = ScreenView(
            seq=self._sequence,
            header=self._header_now(key, now),
            symbols=[self._symbol(each) for each in self.books.values()],
            book=book.view(view, self.state, self.age_ms),
            tape=[line for line in book.tape if line.seq > view.tape_after],
            cvd=book.cvd,
            orders=[self._placed(order, group) for order in self.orders],
            positions=[self._position(each) for each in self.position],
            fills=list(reversed(self.fills))[:50],
            log=[line for line in self.log if line.seq > view.log_after],
            limits=self._limits(key),
            connections=[
                ConnectionView("binance.linear.public", "up", 812.0, 1, 120_412, 96.4, 12.0, 14.0),
                ConnectionView("binance.linear.market", "up", 812.0, 0, 33_120, 41.0, 12.5, 20.0),
                ConnectionView("binance.spot.public", "up", 812.0, 0, 51_002, 55.1, 11.0, 9.0),
            ],
            parents=self.parents if view.parents else None,
            kept=self.kept,
        )
        return self._picture

    async def execute(
        self, line: str, context: Context = NO_CONTEXT, confirmed: bool = False, timeout_s: float = 10.0
    ) -> Reply:
        self._check()
        self.lines.append((line, confirmed))
        self.contexts.append(context)
        try:
            commands = parse(line, SymbolTable(self.books))
        except SyntaxProblem as problem:
            return Reply(False, [problem.text], problem.code, problem.caret)
        risky = any(isinstance(command, c.RISK_CARRYING) for command in commands)
        if risky and not confirmed and not self._header.armed:
            asks = "DISARMED: Enter sends, Esc drops"
            return Reply(False, [*(self._said(command) for command in commands), asks], "confirm", confirm=True)
        said = [self._run(command, context) for command in commands]
        data: dict[str, object] = {"fills": [asdict(fill) for fill in reversed(self.fills)]}
        return Reply(True, [text for lines in said for text in lines], data=data)

    async def preview(self, line: str, context: Context = NO_CONTEXT, timeout_s: float = 5.0) -> Reply:
        self._check()
        self.previews.append(line)
        try:
            commands = parse(line, SymbolTable(self.books))
        except SyntaxProblem as problem:
            return Reply(False, [problem.text], problem.code, problem.caret)
        return Reply(True, [self._said(command) for command in commands])

    async def kill(self, flatten: bool = False, timeout_s: float = 10.0) -> Reply:
        self.kills.append(flatten)
        count = len(self.orders)
        self.orders.clear()
        self._header = replace(self._header, killed=True, armed=False)
        self._say("bad", f"KILLED: new orders are locked until kill reset; {count} cancels sent")
        return Reply(True, [self.log[-1].text])

    async def heartbeat(self, glass_age_ms: float = -1.0) -> None:
        self.beats.append(glass_age_ms)

    async def notices(self) -> AsyncIterator[Notice]:
        while True:
            while self._notices:
                yield self._notices.popleft()
            if not self._attached:
                return
            self._noticed.clear()
            await self._noticed.wait()

    async def close(self) -> None:
        self._attached = False
        self._noticed.set()

    # ------------------------------------------------------------------ for whoever drives it

    def advance(self) -> None:
        """Let the markets run up to the clock's time; nothing moves while ``frozen``."""
        now = self.clock.now_ns()
        passed = now - self._stepped
        count = min(MOST_EVENTS, passed * EVENTS_PER_S // NS_PER_S)
        if count <= 0:
            return
        start = self._stepped
        self._stepped = now
        if self.frozen:
            return
        for number in range(count):
            at = start + passed * (number + 1) // count
            for book in self.books.values():
                book.step(at)

    def warm_up(self, events: int, spread_s: int) -> None:
        """Give the books a past of ``events`` each over the last ``spread_s`` seconds."""
        now = self.clock.now_ns()
        for number in range(events):
            at = now - spread_s * NS_PER_S + spread_s * NS_PER_S * number // events
            for book in self.books.values():
                book.step(at)

    def change_header(self, **changes: object) -> None:
        """Set fields of the header."""
        self._header = replace(self._header, **changes)

    def lose(self, reason: str) -> None:
        """The engine goes away."""
        self.gone = reason

    def come_back(self) -> None:
        self.gone = ""
        self._attached = False

    # ------------------------------------------------------------------ inside

    def _check(self) -> None:
        if self.gone:
            raise LinkError(f"no connection to the engine: {self.gone}")

    def _header_now(self, key: str, now: int) -> HeaderView:
        book = self.books[key]
        perpetual = ":" in key.partition(":")[2]
        price = book.price(book.last)
        return replace(
            self._header,
            now_ns=now,
            mark=price if perpetual else "",
            index=price if perpetual else "",
            funding_rate="0.0001" if perpetual else "",
            next_funding_ns=self._started + 11_520 * NS_PER_S,
        )

    def _symbol(self, book: SyntheticBook) -> SymbolView:
        change = (book.last - book.opened) / book.opened * 100
        held = text_of(self.position.get(book.key, (Decimal(0), Decimal(0)))[0])
        working = sum(1 for order in self.orders if order.key == book.key)
        symbol = book.key.partition(":")[2]
        return SymbolView(book.key, symbol, "binance", self.state, book.price(book.last), change, held, working)

    def _placed(self, order: OwnOrderView, group: int) -> OwnOrderView:
        if not order.price:
            return order
        ticks = int(Decimal(order.price) / self.books[order.key].tick)
        return replace(order, index=ticks // group if order.side == "buy" else -(-ticks // group))

    def _position(self, key: str) -> PositionView:
        quantity, entry = self.position[key]
        book = self.books[key]
        mark = book.tick * book.last
        profit = (mark - entry) * quantity
        ticks = (mark - entry) / book.tick * (1 if quantity > 0 else -1)
        return PositionView(
            key=key,
            quantity=text_of(quantity),
            average_entry=f"{entry:.{book.places}f}",
            mark=f"{mark:.{book.places}f}",
            unrealized=f"{profit:.2f}",
            realized="12.40",
            fees="3.05",
            funding="-0.12",
            net="9.23",
            ticks=f"{ticks:.1f}",
            break_even=f"{entry * Decimal('1.0004'):.{book.places}f}",
            liquidation=f"{entry * Decimal('0.904'):.{book.places}f}",
            margin_mode="cross",
            leverage="10",
            margin=f"{abs(quantity) * mark / 10:.2f}",
            maintenance=f"{abs(quantity) * mark / 200:.2f}",
            behind="10000.00",
            next_funding=f"{-quantity * mark / 10_000:.2f}",
            next_funding_ns=self._started + 11_520 * NS_PER_S,
        )

    def _limits(self, key: str) -> list[LimitView]:
        held = abs(self.position.get(key, (Decimal(0), Decimal(0)))[0])
        return [
            LimitView("order", "0.5", "1.0 max", 0.5),
            LimitView("pos", text_of(held), "2.0 max", float(held) / 2),
            LimitView("day", "+41", "-300 max", 0.0),
            LimitView("rate", "2", "10 per s", 0.2),
            LimitView("open", str(len(self.orders)), "40", len(self.orders) / 40),
        ]

    def _said(self, command: c.Command) -> str:
        text = explain(command).upper()
        return f"{text}  ~30 499.25 USDT  fee ~6.10 maker  after: LONG 1 BTC" if "@" in text else text

    def _say(self, level: str, text: str) -> None:
        self.log.append(LogLine(len(self.log) + 1, self.clock.now_ns(), level, text))

    def _run(self, command: c.Command, context: Context) -> list[str]:
        key = context.key or self.active
        match command:
            case c.PlaceOrder():
                return [self._place(command, key)]
            case c.Cancel():
                kept = [order for order in self.orders if not self._meant(command, order)]
                gone = len(self.orders) - len(kept)
                self.orders = kept
                return [f"{gone} cancelled"]
            case c.Move(price=price) if price is not None:
                self.orders = [
                    replace(order, price=text_of(price.value)) if order.number == command.number else order
                    for order in self.orders
                ]
                return [f"#{command.number} moved"]
            case c.Flatten() | c.Reverse() | c.Close():
                self.position.pop(key, None)
                return ["flat"]
            case c.Arm():
                until = self.clock.now_ns() + (command.duration_ns or 600 * NS_PER_S)
                self.change_header(armed=True, armed_market=command.market, armed_until_ns=until)
                return ["ARMED for 10m00s"]
            case c.Disarm():
                self.change_header(armed=False)
                return ["DISARMED"]
            case c.SetQuantity():
                self.change_header(quantity=text_of(command.quantity), preset=0)
                return [f"quantity {text_of(command.quantity)}"]
            case c.Preset():
                chosen = self._header.presets[command.number - 1]
                self.change_header(quantity=chosen, preset=command.number)
                return [f"quantity {chosen}"]
            case c.Toggle(flag=c.FlagName.POST):
                self.change_header(post_only=not self._header.post_only)
                return [f"post-only {'on' if self._header.post_only else 'off'}"]
            case c.Toggle():
                self.change_header(reduce_only=not self._header.reduce_only)
                return [f"reduce-only {'on' if self._header.reduce_only else 'off'}"]
            case c.SelectSymbol():
                self.active = command.key
                return [f"active: {command.key}"]
            case c.Show():
                return [f"{command.topic.value} line {number}" for number in range(1, 13)]
            case _:
                return [explain(command)]

    def _meant(self, command: c.Cancel, order: OwnOrderView) -> bool:
        match command.scope:
            case c.CancelScope.NUMBERS:
                return order.number in command.numbers
            case c.CancelScope.LAST:
                return order is max(self.orders, key=lambda each: each.number)
            case c.CancelScope.BUYS | c.CancelScope.SELLS:
                return command.scope.value == f"{order.side}s"
            case c.CancelScope.ALL:
                return not command.key or order.key == command.key

    def _place(self, command: c.PlaceOrder, key: str) -> str:
        book = self.books[key]
        self._number += 1
        now = self.clock.now_ns()
        if command.price is None:
            price = book.price(min(book.asks) if command.side is Side.BUY else max(book.bids))
            return self.fill(key, command.side, command.size.value, price, "taker")
        flags = "POST" if command.post else ""
        quantity = text_of(command.size.value)
        order = OwnOrderView(
            number=self._number,
            client_id=f"js0000{self._number:08d}",
            key=key,
            side=command.side.value,
            type="limit",
            quantity=quantity,
            price=f"{command.price.value:.{book.places}f}",
            filled="0",
            remaining=quantity,
            status="new",
            flags=flags,
            owner="manual",
            created_ns=now,
            queue_ahead=3.1,
        )
        self.orders.append(order)
        self._say("good", f"#{order.number} {order.side.upper()} {quantity} @ {order.price} accepted in 31 ms")
        return self.log[-1].text

    def fill(self, key: str, side: Side, quantity: Decimal, price: str, liquidity: str) -> str:
        """Book a fill: position, fills, log, notice."""
        held, entry = self.position.get(key, (Decimal(0), Decimal(0)))
        total = held + quantity * side.sign
        average = (entry * held + Decimal(price) * quantity * side.sign) / total if total else Decimal(0)
        self.position[key] = (total, average)
        number = len(self.fills) + 1
        now = self.clock.now_ns()
        self.fills.append(
            FillView(
                now, self._number, key, side.value, text_of(quantity), price, liquidity, "3.05", "USDT", f"t{number}"
            )
        )
        self._say("good", f"FILL {side.value.upper()} {text_of(quantity)} @ {price} {liquidity}, fee 3.05")
        self._notices.append(Notice(number, now, "filled", "good", self.log[-1].text, key, self._number))
        self._noticed.set()
        return self.log[-1].text


def busy_link(clock: Clock, seed: int = 7, mode: Mode = Mode.PAPER, replay: str = "") -> SyntheticLink:
    """A link in the middle of a trading day: a past on the tape, a position, working orders, a log."""
    link = SyntheticLink(clock, seed, mode, replay)
    link.warm_up(6000, 1500)
    book = link.books[link.active]
    best_bid, best_ask = max(book.bids), min(book.asks)
    link.fill(book.key, Side.BUY, Decimal("0.250"), book.price(best_bid - 36), "maker")
    link.fill(book.key, Side.BUY, Decimal("0.250"), book.price(best_bid - 37), "maker")
    for side, ticks, post in (
        (Side.BUY, best_bid - 2, True),
        (Side.SELL, best_ask + 1, True),
        (Side.BUY, best_bid - 40, False),
    ):
        price = c.Price(c.PriceRef.NONE, book.tick * ticks)
        order = c.PlaceOrder(side=side, size=c.Size(c.SizeUnit.BASE, Decimal("0.5")), price=price, post=post)
        link._place(order, book.key)
    link._say("warn", "feed: gap at update 88123, resync in 210 ms (order keys were held)")
    return link

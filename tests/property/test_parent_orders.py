"""Every kind of parent order in random markets: totals exact, never overfilled, limits kept, always ends."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from jackbot_tui.algos.registry import ALGORITHMS
from jackbot_tui.algos.state import Action, Kind, ParentStatus
from jackbot_tui.engine.parents import RestartPolicy
from jackbot_tui.model.enums import Liquidity, Side
from jackbot_tui.model.instrument import PriceBand
from jackbot_tui.model.records import OrderSubmitted
from tests.desk_world import PERP, instrument
from tests.parents_world import BUY, SELL, ParentsWorld, restarted

D = Decimal
TICK = D("0.5")
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""A story is hundreds of engine steps: shrinking one takes longer than reading it."""


class Case(Struct, frozen=True):
    """How a kind is begun at 100.0 / 100.5; ``exits``: it takes off again what it entered."""

    kind: Kind
    values: dict[str, str]
    exits: bool = False
    band: PriceBand | None = None


EDGE = PriceBand("mark", buy_up=D("1.01"), buy_down=D("0.99"), sell_up=D("1.01"), sell_down=D("0.99"))
CASES = {
    "maker": Case(Kind.MAKER, {"interval": "500ms"}),
    "maker always": Case(Kind.MAKER, {"interval": "300ms", "requeue": "always", "improve": "1"}),
    "maker limit": Case(Kind.MAKER, {"interval": "500ms", "limit": "100"}),
    "chase": Case(Kind.CHASE, {"every": "100ms"}),
    "chase patience": Case(Kind.CHASE, {"patience": "2s", "slip": "60"}),
    "iceberg": Case(Kind.ICEBERG, {"limit": "100", "show": "0.3"}),
    "scale": Case(Kind.SCALE, {"into": "3", "from": "100", "to": "99", "post": "off"}),
    "bracket": Case(Kind.BRACKET, {"entry": "100"}, exits=True),
    "oco": Case(Kind.OCO, {}),
    "smart": Case(Kind.SMART, {"price": "100", "be": "1", "trail": "3"}, exits=True),
    "smart market": Case(Kind.SMART, {"take": "cross", "trailtp": "1%:1", "time": "20s"}, exits=True),
    "twap": Case(Kind.TWAP, {"over": "5s", "slices": "5"}),
    "twap take": Case(Kind.TWAP, {"over": "6s", "slices": "4", "style": "take", "curve": "walk", "slip": "60"}),
    "vwap": Case(Kind.VWAP, {"over": "5s", "slices": "5"}),
    "vwap limit": Case(Kind.VWAP, {"over": "6s", "slices": "4", "style": "take", "limit": "100.5"}),
    "share of volume": Case(Kind.VWAP, {"over": "5s", "slices": "5", "pov": "20", "cap": "40"}),
    "prophet": Case(Kind.PROPHET, {"margin": "5"}, band=EDGE),
    "prophet pull": Case(Kind.PROPHET, {"back": "pull", "post": "on", "wake": "2"}, band=EDGE),
}


class Move(Struct, frozen=True):
    """One thing that happens. ``amount`` is ticks for the book, size for trades, percent for edits."""

    what: str
    amount: int = 0


MOVES = st.lists(
    st.one_of(
        st.builds(Move, st.just("book"), st.integers(-6, 6)),
        st.builds(Move, st.sampled_from(("trade buy", "trade sell")), st.integers(1, 40)),
        st.builds(Move, st.just("wait"), st.sampled_from((10, 50, 200, 700, 1500))),
        st.builds(
            Move, st.sampled_from(("lose", "find", "pause", "resume", "hand", "spread", "widen", "jump in flight"))
        ),
        st.builds(Move, st.just("edit"), st.integers(40, 200)),
    ),
    min_size=3,
    max_size=25,
)


def values_of(case: Case, side: Side, quantity: str) -> dict[str, str]:
    """Values of a case that depend on the side, around the first market of 100.0 / 100.5."""
    values = dict(case.values)
    up, down = ("102", "98.5") if side is BUY else ("98.5", "102")
    if case.kind is Kind.BRACKET:
        values |= {"target": up, "stop": down}
    if case.kind is Kind.OCO:
        values |= {"target": down, "stop": up}
    if case.kind is Kind.PROPHET:
        values["price"] = down
    if case.kind is Kind.SMART:
        near, far = ("101.5", "97.5") if side is BUY else ("98", "102.5")
        values |= {"tp": f"{near}:50%,{up if side is BUY else '97.5'}", "sl": f"{down}:50%,{far}"}
    if case.kind is Kind.ICEBERG:
        values["show"] = min(values["show"], quantity, key=D)
    return values


class Story:
    """Plays moves on one parent order and checks after each what must always hold."""

    def __init__(self, case: Case, side: Side, quantity: str) -> None:
        self.case = case
        self.side = side
        values = values_of(case, side, quantity)
        self.limit = values.get("limit") or values.get("price")
        self.world = ParentsWorld(listed=replace(instrument(PERP), band=case.band))
        self.number = self.world.begin(case.kind, side, quantity, **values)
        self.most = D(quantity)
        self.bid, self.spread = D(100), 1
        self.finished = False

    def play(self, move: Move) -> None:
        world, picture = self.world, self.world.look(self.number)
        match move.what:
            case "book":
                self.bid = max(D(80), self.bid + move.amount * TICK)
                self.show()
            case "spread" | "widen":
                self.spread = 1 if move.what == "spread" else 4
                self.show()
            case "jump in flight":
                world.step(10)
                self.bid -= TICK * 3
                self.show()
            case "trade buy":
                world.trade(BUY, str(self.bid + self.spread * TICK), str(D(move.amount) / 4))
            case "trade sell":
                world.trade(SELL, str(self.bid), str(D(move.amount) / 4))
            case "wait":
                world.step(move.amount)
            case "lose" if world.market.live:
                world.lose_book()
            case "find" if not world.market.live:
                world.find_book(str(self.bid), str(self.bid + self.spread * TICK))
            case "pause":
                world.steer(self.number, Action.PAUSE)
            case "resume":
                world.steer(self.number, Action.RESUME)
            case "hand" if picture.orders:
                order = world.engine.oms.by_number(picture.orders[0])
                assert order is not None
                world.engine.cancel(order.client_id, "hand")
            case "edit":
                total = (picture.quantity * move.amount / 100).quantize(D("0.001"))
                if total > 0 and not world.steer(self.number, Action.EDIT, str(total)):
                    self.most = max(self.most, total)
            case _:
                pass
        self.check()

    def show(self) -> None:
        if self.world.market.live:
            self.world.book(str(self.bid), str(self.bid + self.spread * TICK))

    def check(self) -> None:
        world, picture = self.world, self.world.look(self.number)
        children = [order for order in world.engine.oms.orders.values() if order.parent_id == picture.parent_id]
        entry = [order for order in children if order.tag.startswith("e")]
        exits = [order for order in children if order.tag.startswith("x")]
        assert picture.filled == sum((order.filled for order in entry), D(0))
        assert picture.exited == sum((order.filled for order in exits), D(0))
        assert world.position() == (picture.filled - picture.exited) * self.side.sign
        resting = sum((order.remaining for order in entry if order.is_open), D(0))
        assert picture.filled + resting <= self.most
        assert picture.exited + sum((order.remaining for order in exits if order.is_open), D(0)) <= picture.filled
        if self.case.kind is Kind.MAKER:
            assert sum(order.is_open for order in children) <= 1
            assert self.finished or world.taken() == 0
        cap = self.case.values.get("cap")
        if cap is not None and not self.finished:  # a person who finishes it asks for the rest whatever trades
            assert picture.filled <= world.market.trades.volume * D(cap) / 100
        assert picture.wake_ns == 0 or picture.wake_ns > world.clock.now_ns()
        if not picture.status.is_open:
            assert not any(order.is_open for order in children)

    def end(self, action: Action) -> None:
        """A person ends it; whatever happened before, it ends, with nothing left at the venue."""
        world = self.world
        if not world.market.live:
            world.find_book(str(self.bid), str(self.bid + self.spread * TICK))
        if world.look(self.number).status.is_open:
            self.finished = self.finished or action is Action.FINISH
            world.steer(self.number, action)
        limit = self.limit
        if action is Action.FINISH and limit is not None:
            self.bid, self.spread = D(limit) - self.side.sign * 2 * TICK, 1
        for turn in range(200):  # new liquidity comes, as it does; without it nothing could be finished
            self.bid += TICK if turn % 2 else -TICK
            self.show()
            world.step(50)
            if not world.look(self.number).status.is_open:
                break
        assert not world.look(self.number).status.is_open, world.look(self.number)
        self.check()
        if action is Action.FINISH and not self.case.exits:
            picture = world.look(self.number)
            if picture.filled > picture.quantity:  # an edit to less crossed a fill on the way
                assert "before the smaller total reached the venue" in world.told()[-1]
                assert picture.filled <= self.most
            else:
                assert picture.filled == picture.quantity, (picture, world.told())
            assert picture.status is ParentStatus.DONE

    def limit_was_kept(self) -> None:
        limit = self.limit
        if limit is None:
            return
        for record in self.world.records(OrderSubmitted):
            assert isinstance(record, OrderSubmitted)
            price = record.order.price
            assert price is not None
            if record.order.tag.startswith("x"):
                continue  # exits have prices of their own
            assert (price - D(limit)) * self.side.sign <= 0


@pytest.mark.parametrize("name", CASES)
@given(moves=MOVES, side=st.sampled_from(Side), size=st.integers(3, 3000), action=st.sampled_from(("finish", "cancel")))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=PHASES)
def test_totals_are_exact_and_it_always_ends(name: str, moves: list[Move], side: Side, size: int, action: str) -> None:
    story = Story(CASES[name], side, str(D(size) / 1000))
    for move in moves:
        story.play(move)
    story.end(Action(action))
    story.limit_was_kept()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("policy", RestartPolicy)
def test_a_crash_at_every_journal_record_loses_and_doubles_nothing(name: str, policy: RestartPolicy) -> None:
    case = CASES[name]
    story = Story(case, BUY, "0.9")
    script: tuple[Move, ...] = (
        Move("wait", 700), Move("trade sell", 5), Move("book", 2), Move("wait", 700), Move("jump in flight"),
        Move("wait", 300), Move("lose"), Move("wait", 200), Move("find"), Move("wait", 700), Move("trade sell", 6),
        Move("edit", 120), Move("wait", 700),
    )  # fmt: skip
    if case.kind is Kind.PROPHET:  # into the range and out again
        script = (*script[:4], Move("book", -5), *script[4:7], Move("trade sell", 2), Move("book", 4), *script[7:])
    for move in script:
        story.play(move)
    assert story.world.engine.oms.orders
    for upto in range(1, len(story.world.journal.records) + 1):
        after = restarted(story.world, upto, policy)
        pictures = after.parents.pictures()
        if not pictures:
            continue
        number = pictures[0].number
        if policy is RestartPolicy.WAIT:
            assert after.look(number).status in (ParentStatus.WAITING, ParentStatus.PAUSED, ParentStatus.STOPPING)
            before = len(after.engine.oms.orders)
            after.step(1_000)
            assert len(after.engine.oms.orders) == before
            after.steer(number, Action.FINISH)
        elif policy is RestartPolicy.RESUME:
            after.step(1_000)
            after.steer(number, Action.FINISH)
        for turn in range(200):
            after.book(*(("98.0", "98.5") if turn % 2 else ("97.5", "98.0")))
            after.step(50)
            if not after.look(number).status.is_open:
                break
        picture = after.look(number)
        entry = sum((order.filled for order in after.engine.oms.orders.values() if order.tag.startswith("e")), D(0))
        assert picture.filled == entry <= picture.quantity
        assert after.position() == picture.filled - picture.exited
        assert after.open_orders() == []
        if policy is not RestartPolicy.CANCEL and not case.exits:
            assert picture.filled == picture.quantity, (upto, picture)


def test_every_kind_is_tried_here_or_has_stories_of_its_own() -> None:
    assert {case.kind for case in CASES.values()} | {Kind.JACKPOT} == set(ALGORITHMS)


def test_two_runs_of_the_same_story_write_the_same_journal() -> None:
    def digest() -> str:
        story = Story(CASES["maker"], SELL, "0.7")
        for move in (Move("wait", 700), Move("book", -2), Move("wait", 700), Move("trade buy", 9), Move("wait", 500)):
            story.play(move)
        story.end(Action.FINISH)
        assert any(fill.liquidity is Liquidity.MAKER for fill in story.world.fills()) or story.world.fills()
        return story.world.journal.digest()

    assert digest() == digest()

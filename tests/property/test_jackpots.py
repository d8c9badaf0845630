"""Jackpots in random markets: no more than the ticket is lost without gaps, no more than margin and fees with any."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from jackbot_tui.algos.state import Action
from jackbot_tui.engine.parents import RestartPolicy
from jackbot_tui.model.enums import Side
from jackbot_tui.model.errors import InputError
from tests.jackpots_world import JackpotWorld, again
from tests.parents_world import BUY, SELL

D = Decimal
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""A story is hundreds of engine steps: shrinking one takes longer than reading it."""

STEP = 6.0
"""The largest move of a path without gaps, quote currency: a basis point."""

TERMS = st.fixed_dictionaries(
    {"leverage": st.sampled_from(("5", "20", "50", "100", "120")), "ticket": st.sampled_from(("10", "50", "400"))},
    optional={"trail": st.sampled_from(("0.1%", "0.5%")), "slip": st.sampled_from(("0", "3", "8"))},
)


class Move(Struct, frozen=True):
    """One thing that happens. ``amount`` is steps for the market, milliseconds for time."""

    what: str
    amount: int = 0


CALM = st.one_of(
    st.builds(Move, st.just("walk"), st.integers(-40, 40)),
    st.builds(Move, st.just("wait"), st.sampled_from((10, 50, 200, 1500))),
    st.builds(Move, st.sampled_from(("pause", "resume", "lose", "find", "edit", "crash", "cut"))),
)
FAR = st.integers(-1500, 1500)
WILD = st.one_of(
    CALM,
    st.builds(Move, st.sampled_from(("book", "mark", "both")), st.one_of(FAR, st.integers(-80, 80))),
    st.builds(Move, st.just("split"), st.integers(0, 1500)),
    st.builds(Move, st.sampled_from(("thin", "stale"))),
)


class Story:
    """A jackpot and what happens to it. ``kept``: what was posted for it, and the fees of going in and out."""

    def __init__(self, side: Side, terms: dict[str, str]) -> None:
        self.side = side
        self.ticket = D(terms["ticket"])
        self.leverage = D(terms["leverage"])
        self.world = JackpotWorld()
        self.price = self.shown = 60_000.0
        self.refused = ""
        try:
            self.refused = self.world.play(side, **terms).problem
        except InputError as error:
            self.refused = str(error)
        self.largest = D(0)

    def play(self, move: Move) -> None:
        world = self.world
        match move.what:
            case "walk":
                for _ in range(abs(move.amount)):
                    self.to(self.price + (STEP if move.amount > 0 else -STEP))
                    world.step(20)
                    self.check()
            case "wait":
                world.step(move.amount)
                if world.market.live:
                    world.at(self.price)
            case "pause" | "resume":
                world.steer(1, Action(move.what))
            case "lose" if world.market.live:
                world.lose_book()
            case "find" if not world.market.live:
                world.find_book(str(self.price), str(self.price + 0.5))
                world.at(self.price)
            case "edit":
                world.steer(1, Action.EDIT, sl=str(self.price - 150 * self.side.sign), tp="none")
            case "cut" if world.position():
                world.engine.flatten(world.key, "hand")
            case "crash":
                self.world = again(world, RestartPolicy.WAIT)
                self.world.at(self.price)
            case "book" if world.market.live:
                self.price = max(30_000.0, min(90_000.0, self.price + move.amount * STEP))
                world.book(str(self.price), str(self.price + 0.5))
            case "mark":
                world.mark(max(30_000.0, min(90_000.0, self.price + move.amount * STEP)))
            case "both" if world.market.live:
                self.price = max(30_000.0, min(90_000.0, self.price + move.amount * STEP))
                world.at(self.price)
            case "split" if world.market.live:  # the book is far away already when the mark comes to the stop
                self.price = max(30_000.0, self.price - move.amount * STEP * self.side.sign)
                world.book(str(self.price), str(self.price + 0.5))
                world.step(50)
                for picture in world.parents.pictures():
                    stop = float(picture.values["sl"].partition(":")[0])
                    world.mark(stop - 0.5 * self.side.sign)
                world.step(300)
            case "thin" if world.market.live:
                world.book(str(self.price), str(self.price + 0.5), 0.001, 0.001)
            case "stale":
                world.step(11_000)
            case _:
                pass
        self.check()

    def to(self, price: float) -> None:
        """Book and mark move; nothing is seen of it while the book is lost, and then it is no path without gaps."""
        if self.world.market.live:
            self.price = price
            self.world.at(price)

    def check(self) -> None:
        world = self.world
        held = world.position() * self.side.sign
        assert held >= 0
        self.largest = max(self.largest, held)
        orders = [order for order in world.engine.oms.orders.values() if order.parent_id]
        entries = [order for order in orders if order.side is self.side]
        assert len(entries) <= 1  # it never adds
        assert all(order.reduce_only for order in orders if order.side is not self.side)
        assert sum(order.is_open and order.trigger_price is not None for order in orders) <= 1
        if not any(picture.status.is_open for picture in world.parents.pictures()):
            assert not any(order.is_open for order in orders)

    def settle(self) -> None:
        """Everything comes back, the market goes on calmly, and a person ends what is left."""
        world = self.world
        if not world.market.live:
            world.find_book(str(self.price), str(self.price + 0.5))
        for turn in range(400):
            open_now = any(picture.status.is_open for picture in world.parents.pictures())
            if not open_now and not world.position() and not world.open_orders():
                return
            if turn == 5 and open_now:
                world.steer(1, Action.FINISH)
            if turn > 20 and not open_now and world.position():
                world.engine.flatten(world.key, "hand")
            world.at(self.price + (0.5 if turn % 2 else 0))
            world.step(100)
            self.check()
        raise AssertionError((world.parents.pictures(), world.position(), world.open_orders()))

    @property
    def posted(self) -> Decimal:
        """Isolated margin of the entry."""
        orders = [order for order in self.world.engine.oms.orders.values() if order.tag == "eentry"]
        return sum((order.filled * order.average_price for order in orders), D(0)) / self.leverage


@given(side=st.sampled_from(Side), terms=TERMS, moves=st.lists(CALM, min_size=3, max_size=14))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=PHASES)
def test_without_gaps_no_more_than_the_ticket_is_lost(side: Side, terms: dict[str, str], moves: list[Move]) -> None:
    story = Story(side, terms)
    assert not story.refused or "too small" in story.refused or "at once" in story.refused, story.refused
    for move in moves:
        story.play(move)
    story.settle()
    assert story.world.result() >= -story.ticket


@given(side=st.sampled_from(Side), terms=TERMS, moves=st.lists(WILD, min_size=2, max_size=12))
@settings(max_examples=90, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=PHASES)
def test_with_any_gap_no_more_than_margin_and_fees_is_lost(
    side: Side, terms: dict[str, str], moves: list[Move]
) -> None:
    story = Story(side, terms)
    for move in moves:
        if move.what == "cut":
            continue  # a hand may sell below the bankruptcy price, the jackpot never does
        story.play(move)
    if not story.world.market.live:
        story.play(Move("find"))
    story.settle()
    position = story.world.engine.portfolio.position(story.world.key)
    assert position.realized >= -story.posted
    assert story.world.result() >= -(story.posted + position.fees)


@pytest.mark.parametrize("side", Side)
def test_the_ticket_holds_in_the_worst_calm_fall(side: Side) -> None:
    for leverage in ("2", "10", "40", "100", "125"):
        story = Story(side, {"leverage": leverage, "ticket": "60"})
        assert not story.refused
        for _ in range(4000):
            story.to(story.price - 30 * side.sign)
            story.world.step(20)
            if not story.world.look().status.is_open:
                break
        assert not story.world.look().status.is_open, leverage
        assert -60 <= story.world.result() < 0, leverage


@pytest.mark.parametrize("policy", RestartPolicy)
def test_a_crash_at_every_journal_record_keeps_its_bounds(policy: RestartPolicy) -> None:
    story = Story(BUY, {"leverage": "50", "ticket": "100", "tp": "60400:50%,61000"})
    for move in (Move("wait", 500), Move("walk", 70), Move("wait", 500), Move("edit"), Move("wait", 300),
                 Move("walk", -40), Move("wait", 500)):  # fmt: skip
        story.play(move)
    records = len(story.world.journal.records)
    assert story.world.look().exited > 0
    for upto in range(1, records + 1):
        after = again(story.world, policy, upto)
        if not after.parents.pictures():
            continue
        after.step(500)
        for turn in range(60):
            price = 59_000 - turn % 2
            after.at(price)
            after.step(100)
            if not after.position() and not after.look().status.is_open:
                break
        else:
            if policy is not RestartPolicy.RESUME and not after.position():
                after.steer(1, Action.CANCEL)
                after.step(500)
            elif policy is RestartPolicy.CANCEL:
                continue  # it was asked to leave the position alone
        picture = after.look()
        assert not picture.status.is_open, (upto, picture)
        if policy is not RestartPolicy.CANCEL:
            assert after.position() == 0, (upto, picture)
            assert after.result() >= -100, (upto, picture)
            assert after.open_orders() == []


def test_two_runs_of_the_same_story_write_the_same_journal() -> None:
    def digest() -> str:
        story = Story(SELL, {"leverage": "100", "ticket": "50"})
        for move in (Move("wait", 500), Move("walk", 12), Move("lose"), Move("wait", 200), Move("find")):
            story.play(move)
        story.settle()
        return story.world.journal.digest()

    assert digest() == digest()

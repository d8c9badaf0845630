"""The machine of parent orders against algorithms that want too much: totals and limits hold whatever they ask for."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from msgspec import Struct

from jackbot_tui.algos.algorithm import LIMIT, Algorithm
from jackbot_tui.algos.parameters import Parameter, Terms, Unit, canonical, changed, read, time_text
from jackbot_tui.algos.registry import ALGORITHMS
from jackbot_tui.algos.state import Decision, Kind, Leg, ParentStatus, Preview, Seen, Want
from jackbot_tui.model.errors import InputError
from tests.parents_world import BUY, SELL, ParentsWorld

D = Decimal


class GreedyMemory(Struct, frozen=True):
    """Nothing."""


class Greedy(Algorithm[GreedyMemory]):
    """Wants the whole quantity in three slots, ten times as much to take off, and at whatever price it was told."""

    kind = Kind.MAKER
    title = "wants too much"
    example = ""
    memory_type = GreedyMemory
    table = (LIMIT,)

    def __init__(self, price: str) -> None:
        self.price = D(price)

    def begin(self, seen: Seen, terms: Terms) -> GreedyMemory:
        return GreedyMemory()

    def decide(self, seen: Seen, terms: Terms, memory: GreedyMemory, paused: bool) -> Decision[GreedyMemory]:
        wants = [Want(slot=f"g{n}", quantity=seen.quantity * (n + 1) / 2, price=self.price) for n in range(3)]
        wants.append(Want(slot="out", quantity=seen.quantity * 10, price=D(103), leg=Leg.EXIT, reduce_only=True))
        return Decision(memory=memory, wants=tuple(wants), why="wants all of it")

    def preview(self, seen: Seen, terms: Terms) -> Preview:
        return Preview(lines=())


@pytest.fixture
def greedy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Greedy]:
    algorithm = Greedy("100")
    monkeypatch.setitem(ALGORITHMS, Kind.MAKER, algorithm)
    yield algorithm


@pytest.mark.usefixtures("greedy")
def test_children_never_exceed_the_total_whatever_is_wanted() -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.7")
    for _ in range(6):
        world.step(300)
        entry = [order for order in world.open_orders() if order.side is BUY]
        exits = [order for order in world.open_orders() if order.side is SELL]
        assert sum((order.remaining for order in entry), D(0)) + world.look().filled <= D("0.7")
        assert sum((order.remaining for order in exits), D(0)) <= world.look().filled
        world.trade(SELL, "100.0", "1.2")
    assert world.look().filled == D("0.7")
    assert world.position() == D("0.7")


def test_a_price_worse_than_the_limit_is_never_sent(greedy: Greedy) -> None:
    world = ParentsWorld()
    world.begin(Kind.MAKER, BUY, "0.7", limit="100")
    world.step(300)
    greedy.price = D("100.5")
    for order in world.open_orders():
        world.engine.cancel(order.client_id, "test")
    world.step(300)
    world.engine.parents.steer(1, "resume", None, {}, "test")  # type: ignore[arg-type]
    world.step(300)
    assert world.look().status is ParentStatus.PAUSED
    assert "worse than its limit" in world.look().why
    assert all(order.price == D(100) for order in world.engine.oms.orders.values())


PARAMETERS = (
    Parameter(name="wait", unit=Unit.TIME, meaning="a time", default="3s", low="100ms", high="1h"),
    Parameter(name="count", unit=Unit.COUNT, meaning="a count", low="1", high="9"),
    Parameter(name="price", unit=Unit.PRICE, meaning="a price", required=True, fixed=True),
)


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("wait", "2000ms", "2s"),
        ("wait", "1.5s", "1500ms"),
        ("wait", "60m", "1h"),
        ("count", "3", "3"),
        ("price", "1.50", "1.5"),
    ],
)
def test_values_have_one_canonical_text(name: str, text: str, kept: str) -> None:
    parameter = next(each for each in PARAMETERS if each.name == name)
    assert canonical(parameter, text) == kept
    assert canonical(parameter, kept) == kept


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("wait", "3", "no time unit"), ("wait", "50ms", "outside 100ms to 1h"), ("wait", "0.5ms", "outside"),
        ("count", "2.5", "not a whole number"), ("count", "0", "outside 1 to 9"), ("price", "0", "not above 0"),
        ("price", "1e3", "not a plain number"), ("price", "nan", "not a plain number"), ("price", "x", "not a number"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused_in_one_line(name: str, text: str, said: str) -> None:
    parameter = next(each for each in PARAMETERS if each.name == name)
    with pytest.raises(InputError, match=said):
        canonical(parameter, text)


def test_terms_know_what_must_be_given_and_what_may_be_changed() -> None:
    with pytest.raises(InputError, match="price is missing"):
        read(PARAMETERS, {})
    with pytest.raises(InputError, match="no parameter 'other' here"):
        read(PARAMETERS, {"price": "1", "other": "2"})
    terms = read(PARAMETERS, {"price": "1", "count": "4"})
    assert (terms.time("wait"), terms.count("count"), terms.price("price")) == (3_000_000_000, 4, D(1))
    assert changed(PARAMETERS, terms, {"count": "none"}).count("count") == 0
    with pytest.raises(InputError, match="price cannot be changed while it runs: wait, count can"):
        changed(PARAMETERS, terms, {"price": "2"})
    with pytest.raises(InputError, match="wait needs a value"):
        changed(PARAMETERS, terms, {"wait": "none"})


def test_times_are_written_in_their_largest_whole_unit() -> None:
    assert [time_text(span * 1_000_000) for span in (1, 1500, 3000, 120_000, 7_200_000)] == [
        "1ms",
        "1500ms",
        "3s",
        "2m",
        "2h",
    ]

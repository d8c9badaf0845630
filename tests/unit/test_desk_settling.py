"""``reconcile`` and ``account`` at the desk: what is listed, shown before it is done, asked back, and refused."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace

from jackbot_tui.desk.views import Context, Role
from jackbot_tui.engine.answers import Asked, ListedDifference, Settlement
from jackbot_tui.model.enums import DifferenceRule
from jackbot_tui.model.orders import Order, OrderFilled, Position
from tests.desk_world import PERP, START_NS, World

R = DifferenceRule
FOREIGN = ListedDifference(
    number=1, kind="foreign order", subject="BTC/USDT:USDT 77", ours="none", venue="buy 1 at 2", apart="",
    rule=R.IGNORE, since_ns=START_NS,
)  # fmt: skip
POSITION = ListedDifference(
    number=2, kind="position", subject=PERP, ours="0", venue="0.5", apart="0.5", rule=R.ADOPT, since_ns=START_NS
)


class Settling:
    """Takes everything but closing, and remembers what it was told to do."""

    def __init__(self, *listed: ListedDifference) -> None:
        self.rows = list(listed)
        self.settled: list[tuple[int, str, str]] = []

    def listed(self) -> list[ListedDifference]:
        return self.rows

    def problem_of(self, wanted: Settlement) -> str:
        if wanted.shown not in self.rows:
            return f"{wanted.shown.number} is another one now"
        return "it cannot be closed: say adopt or ignore" if wanted.rule is R.CLOSE else ""

    def settle(self, wanted: Sequence[Settlement], source: str) -> list[Asked]:
        answers = []
        for each in wanted:
            problem = self.problem_of(each)
            if not problem:
                self.settled.append((each.shown.number, each.rule.value, source))
            answers.append(Asked(problem, 0))
        return answers

    def after_fill(self, order: Order, fill: OrderFilled, before: Position) -> None: ...


def a_world(*listed: ListedDifference) -> tuple[World, Settling]:
    world, settling = World(), Settling(*listed)
    world.engine.settling = settling
    return world, settling


async def test_a_screen_sees_what_apply_would_do_and_confirms_just_that() -> None:
    world, settling = a_world(FOREIGN, POSITION)
    screen = world.screen
    asked = await world.desk.execute(screen, "reconcile apply", Context(), False)
    assert asked.confirm and asked.lines[-1] == "Enter does it, Esc drops"
    assert "1 IGNORE foreign order" in asked.lines[0] and "2 ADOPT position" in asked.lines[0]
    assert settling.settled == []
    settling.rows[1] = replace(POSITION, venue="0.7", apart="0.7")
    done = await world.desk.execute(screen, "reconcile apply", Context(), True)
    assert not done.ok and done.lines[-1] == "nothing was done: 2 is another one now"
    assert settling.settled == []
    asked = await world.desk.execute(screen, "reconcile apply", Context(), False)
    assert (await world.desk.execute(screen, "reconcile apply", Context(), True)).ok and asked.confirm
    assert settling.settled == [(1, "ignore", "ui"), (2, "adopt", "ui")]


async def test_armed_or_not_a_screen_is_asked_and_one_without_the_pen_is_refused() -> None:
    world, settling = a_world(POSITION)
    first, second = world.screen, world.desk.attach(Role.SCREEN, "two")
    asked = await world.desk.execute(first, "reconcile adopt 2", Context(), False)
    assert asked.confirm
    refused = await world.desk.execute(second, "reconcile adopt 2", Context(), False)
    assert not refused.ok and "read-only" in refused.lines[0]
    watcher = world.desk.attach(Role.WATCH, "three")
    assert not (await world.desk.execute(watcher, "reconcile apply", Context(), True)).ok
    assert settling.settled == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("reconcile close 2", "cannot be closed: say adopt or ignore"),
        ("reconcile adopt 9", "no difference 9 here"),
        ("reconcile adopt", "an order number is missing"),
        ("reconcile keep 2", "apply, adopt, close, ignore"),
    ],
)
async def test_what_cannot_be_done_says_so_in_one_line_and_changes_nothing(line: str, words: str) -> None:
    world, settling = a_world(FOREIGN, POSITION)
    reply = await world.desk.execute(world.desk.attach(Role.CTL, "ctl"), line, Context(), True)
    assert not reply.ok and words in reply.lines[0] and settling.settled == []


async def test_ctl_settles_several_at_once_and_apply_leaves_what_is_ignored() -> None:
    world, settling = a_world(FOREIGN, POSITION)
    ctl = world.desk.attach(Role.CTL, "ctl")
    assert (await world.desk.execute(ctl, "reconcile adopt 1 #2", Context(), True)).ok
    assert settling.settled == [(1, "adopt", "ctl"), (2, "adopt", "ctl")]
    settling.rows = [replace(FOREIGN, ignored=True), replace(POSITION, busy=True)]
    reply = await world.desk.execute(ctl, "reconcile apply", Context(), True)
    assert reply.code == "no_difference"


async def test_on_paper_there_is_nothing_to_settle_and_the_account_is_our_own() -> None:
    world = World()
    ctl = world.desk.attach(Role.CTL, "ctl")
    assert (await world.desk.execute(ctl, "reconcile apply", Context(), True)).code == "no_account"
    reply = await world.desk.execute(ctl, "account", Context(), True)
    assert reply.ok and reply.data is not None
    held = {row["currency"]: Decimal(row["total"]) for row in reply.data["wallets"]}  # type: ignore[attr-defined]
    assert held == {name: total for name, total in world.engine.portfolio.balances().items() if total}
    assert reply.data["equity"] == f"{world.engine.portfolio.equity(world.engine.mark_of):.2f}"

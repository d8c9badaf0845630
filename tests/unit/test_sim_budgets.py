"""Request budgets: a window begins with its first request, and what is refused does not count."""

from jackbot_tui.sim.budgets import Budget, Budgets
from jackbot_tui.sim.keys import signature_base64


def test_a_budget_is_used_up_and_comes_back_with_the_next_window() -> None:
    budgets, budget = Budgets(), Budget(2, 1_000)
    admitted = [budgets.admit("page", budget, at) for at in (500, 900, 950, 1_499, 1_500)]
    assert admitted == [True, True, False, False, True]
    assert budgets.most_used == {"page": 2}


def test_each_place_has_its_own_budget_and_a_batch_counts_as_many() -> None:
    budgets, budget = Budgets(), Budget(5)
    assert budgets.admit(("batch", 1), budget, 0, 5)
    assert not budgets.admit(("batch", 1), budget, 0)
    assert budgets.admit(("batch", 2), budget, 0)


def test_relaxed_budgets_are_stretched() -> None:
    budgets = Budgets(scale=3)
    assert all(budgets.admit("page", Budget(1), 0) for _ in range(3))
    assert not budgets.admit("page", Budget(1), 0)


def test_a_signature_in_base64_is_the_one_okx_documents() -> None:
    assert (
        signature_base64("demoSecret0123456789", "1795000000GET/users/self/verify")
        == "g9+QzZ2eQo0VOWhqCzIbv0qpQWord+rtHd3k46hogQQ="
    )

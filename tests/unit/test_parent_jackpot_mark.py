"""A jackpot whose stop waits for the mark does not begin before there is one: the stop would be refused."""

from tests.jackpots_world import JackpotWorld


def test_no_jackpot_begins_while_no_mark_is_known_unless_its_stop_waits_for_the_last_trade() -> None:
    world = JackpotWorld()
    world.market.mark = None
    answer = world.play()
    assert "no mark price" in answer.problem
    assert not world.engine.oms.orders
    assert "no mark price" not in world.card(trigger="last").problem
    world.at(60_000)
    assert world.play().problem == ""

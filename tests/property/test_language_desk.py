"""Any line, from any client, gets one reply; what is refused or asked back moves no order and no money."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.desk.language.grammar import BY_WORD
from jackbot_tui.desk.views import Context, Reply, Role, Seen, ViewRequest
from jackbot_tui.model.records import OrderSubmitted
from tests.desk_world import PERP, SPOT, World

HUGE = "999999999999999"
WORDS = """
@ @ @ ; 0.1 0.5 1 5 100$ 10% half $pos #1 bid ask mid entry cur mark last -2t +3t -0.5% 61000 60998.3 mkt mkt eth
post ioc fok reduce slip=2t all buys sells 1 2 #3 qty=0.2 market 10m on off reset flatten note tag text
"""
PARTS = [*BY_WORD, *WORDS.split(), PERP, SPOT]
LINES = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map(" ".join))
ORDERS = st.builds(
    "{} {} {}".format,
    st.sampled_from(["buy", "sell"]),
    st.sampled_from(["0.1", "0.01", "1000$", "#2", "half", "$pos", "5", "0.0001", HUGE]),
    st.sampled_from(
        [
            "mkt",
            "@ bid-1t",
            "@ ask+1t post",
            "@ mid ioc",
            "@ 61000",
            "@ +99t",
            "mkt reduce",
            "@ -9%",
            f"@ {HUGE}",
            f"@ +{HUGE}%",
            "@ cur",
        ]
    ),
)
CONTEXTS = st.builds(
    Context,
    key=st.sampled_from(["", PERP, SPOT, "nowhere"]),
    cursor=st.sampled_from(["", "60999.0", "nan", "x", "-1", "1e30", "9.9e999999"]),
    seen=st.none()
    | st.builds(
        Seen,
        bid=st.sampled_from(["", "61000.0", "1", "nan", "?", "1e20000"]),
        ask=st.sampled_from(["", "61000.5", "inf", "9.9e999999"]),
        glass_age_ms=st.sampled_from([-1.0, 5.0, 1e9]),
    ),
)
TALK = st.lists(
    st.tuples(st.sampled_from(Role), LINES | ORDERS | ORDERS, CONTEXTS, st.booleans(), st.booleans()), max_size=12
)


def submitted(world: World) -> int:
    return sum(isinstance(record, OrderSubmitted) for _, record in world.journal.records)


async def talk(said: list[tuple[Role, str, Context, bool, bool]]) -> None:
    world = World()
    clients = {role: world.desk.attach(role, "") for role in Role}
    await world.desk.execute(clients[Role.SCREEN], "take", Context(), False)
    for role, line, context, confirmed, arm in said:
        if arm:
            await world.desk.execute(clients[Role.SCREEN], "arm market", Context(key=PERP), False)
        world.desk.preview(clients[role], line, context)
        before, held = submitted(world), world.position()
        reply = await world.desk.execute(clients[role], line, context, confirmed)
        assert isinstance(reply, Reply)
        assert reply.ok or reply.lines
        assert -1 <= reply.caret <= len(line)
        if not reply.ok and ";" not in line:
            assert (submitted(world), world.position()) == (before, held)
        if role in (Role.WATCH, Role.KILL):
            assert submitted(world) == before
        world.wait(1.5)
        world.desk.picture(clients[role], ViewRequest(key=PERP))


@settings(max_examples=250, deadline=None)
@given(TALK)
def test_any_talk_is_answered_and_refusals_change_nothing(said: list[tuple[Role, str, Context, bool, bool]]) -> None:
    asyncio.run(talk(said))

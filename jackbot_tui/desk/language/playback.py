"""Words behind ``replay``: pause, resume, step, speed. Called by the parser."""

from decimal import Decimal
from typing import TYPE_CHECKING

from jackbot_tui.desk import commands as c
from jackbot_tui.desk.language import amounts

if TYPE_CHECKING:
    from jackbot_tui.desk.language.parser import Reader

MAX_STEPS = 100_000


def read_replay(reader: "Reader") -> c.Command:
    action = c.ReplayAction(reader.choice("replay", tuple(action.value for action in c.ReplayAction)))
    if action is c.ReplayAction.STEP:
        if reader.done:
            return c.Replay(action=action, value=Decimal(1))
        token = reader.take("frames")
        steps = amounts.whole_number(token.text, token.start, "frames", 1, MAX_STEPS, "replay step 10")
        return c.Replay(action=action, value=Decimal(steps))
    if action is c.ReplayAction.SPEED:
        token = reader.take("a speed")
        if token.text.lower() == "max":
            return c.Replay(action=action)
        speed = amounts.plain_number(token.text, token.start, "a speed", "replay speed 10")
        return c.Replay(action=action, value=speed)
    return c.Replay(action=action)

"""Parameters of a smart trade, its states and its rules in words, for language, ticket, help and docs. Data."""

from jackbot_tui.algos.algorithm import SLIP
from jackbot_tui.algos.exits import TRIGGER
from jackbot_tui.algos.guard import SLACK
from jackbot_tui.algos.parameters import Parameter, Table, Unit
from jackbot_tui.algos.smart_trade import TRAIL_PARTS

TABLE: Table = (
    Parameter(
        name="on",
        unit=Unit.WORD,
        meaning="whether it enters first or takes the position over (`smart position …`)",
        default="entry",
        words=("entry", "position"),
        fixed=True,
        hidden=True,
    ),
    Parameter(
        name="price", unit=Unit.PRICE, meaning="limit price of the entry (`@ 61000`); without it, it enters at once"
    ),
    Parameter(name="tp", unit=Unit.LEVELS, meaning="take-profit levels with their sizes", bare=True),
    Parameter(name="sl", unit=Unit.LEVELS, meaning="stop levels with their sizes", bare=True),
    Parameter(
        name="trail",
        unit=Unit.DISTANCE,
        meaning="trailing stop: this far behind the best price, from the first fill on",
        bare=True,
    ),
    Parameter(
        name="trailtp",
        unit=Unit.LOCK,
        meaning="trailing take-profit: from that price on, out when so much of the best price is given back",
        bare=True,
    ),
    Parameter(
        name="be",
        unit=Unit.COUNT,
        meaning="after this take-profit level the stop moves to break-even, fees included",
        low="1",
        high="10",
        bare=True,
    ),
    Parameter(
        name="time",
        unit=Unit.TIME,
        meaning="time stop: this long after the start what is left is taken off",
        low="1s",
        high="720h",
        bare=True,
    ),
    TRIGGER,
    Parameter(
        name="take",
        unit=Unit.WORD,
        meaning="targets rest at the venue as limit orders, or are watched and taken when reached",
        default="rest",
        words=("rest", "cross"),
        fixed=True,
    ),
    Parameter(
        name="exit",
        unit=Unit.WORD,
        meaning="a stop follows the market until nothing is left, or never sells worse than slip beyond its price",
        default="market",
        words=("market", "limit"),
    ),
    SLIP,
    Parameter(name="post", unit=Unit.SWITCH, meaning="post-only entry and targets", default="off", fixed=True),
    Parameter(
        name="safety",
        unit=Unit.DISTANCE,
        meaning="a stop at the venue too, for all that is left, so far behind the last stop (perpetuals)",
        bare=True,
    ),
)

DIAGRAM: tuple[str, ...] = (
    "start ──▶ ENTERING ── first fill ──▶ STANDING ◀──── goal reached, something is left ────┐",
    "             │                          │  │                                            │",
    "        time │                          │  │ stop, trailing, break-even, time,          │",
    "             │   last target filled, no │  │ watched target: a goal                     │",
    "             │   exit left, closed from │  ▼                                            │",
    "             │   outside                │ CLEARING: cancels the rest ──▶ REDUCING: takes off",
    "             ▼                          ▼                                  │ nothing is left",
    "           ENDED ◀──────────────────────┴──────────────────────────────────┘",
    "(a position that is taken over begins STANDING; a pause holds back the entry and new targets only)",
)

NOTES: tuple[str, ...] = (
    "`smart position` takes over what is held of the instrument (or a part: `smart position 0.3 …`); its side is"
    " that of the exits.",
    "A level is `PRICE:SIZE`; the price may be a distance from the entry (`2%:50%`), the size is percent of the"
    " whole or base units, without one the levels share what is left. Relative levels count from `@`, from the"
    " touch at the start, or from the position's mean entry.",
    "Targets rest from the first fill on. Stop levels take their part of what is still there: 50% and 50% are half"
    " of it, then all. What stops, trailing or other hands have taken off shrinks the targets in proportion.",
    "A target beyond the prices that the venue or the gate takes now is kept here and placed when the market comes"
    " near; one that the market has gone through takes what is there.",
    "What rounding leaves, and a size below the venue's minimum, is folded into the last level.",
    "A stop that has triggered stays triggered. It cancels the targets first, counts what they filled meanwhile,"
    " and takes the rest off; a gap through several levels is one exit for all of them, at the market.",
    f"Trailing follows in steps of a {TRAIL_PARTS}th of its distance (a tick at least).",
    "`be` waits until the market is beyond break-even: mean entry, fees paid, and the taker fee of the exit.",
    "Once an exit has begun nothing more is entered.",
    "When the position is made smaller by hand, or is liquidated, it covers what is left and says so; when nothing"
    " is left it ends. What is added from outside is not covered: it says so, `task edit ID qty=` takes it in.",
    "Reduce-only throughout on perpetuals. On spot two smart trades for one holding both count all of it: the first"
    " to exit shrinks the other.",
    "While it is paused the entry is pulled and no target is placed anew; resting targets stay, stops go on.",
    "Finishing takes off what is left; cancelling leaves the position without exits.",
    "An edit of `tp` or `sl` begins its row anew for what is left; one that would trigger at once is refused.",
    "After a restart with the policy `wait` nothing is watched until it is resumed.",
    "Stops are watched here: while the engine is down, or the book is not LIVE, nothing watches them but `safety`, a"
    " reduce-only market order that waits at the venue for the mark (`trigger=mark`) or the last trade. It follows"
    f" the last stop when that has moved by a {SLACK}th of its distance, and what is left at once; each move takes it"
    " away for a moment. It ends with the trade, and stays as it is while the trade waits after a restart.",
)

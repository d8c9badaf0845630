"""docs/PARENT_ORDERS.md, printed from the tables of the algorithms, so that it cannot say anything else."""

from collections.abc import Iterable

from jackbot_tui.algos.algorithm import Algorithm, Holding
from jackbot_tui.algos.machine import CANCEL_AGAIN_NS, FIRST_BACKOFF_NS, LONGEST_BACKOFF_NS, MOST_FAILURES
from jackbot_tui.algos.parameters import Parameter, time_text
from jackbot_tui.algos.registry import ALGORITHMS

_HEAD = f"""\
# Parent orders

Generated from the tables in `jackbot_tui.algos` by `jackbot_tui.algos.reference`; do not edit by hand.

A parent order places and cancels child orders until its quantity is filled. It is one deterministic state machine,
the same on paper, live and in a replay; what it does follows from its journaled state, its seed and the events alone.
Children are orders like any other: they pass the risk gate and the journal, and share a rate budget of their own.

```
            start
              │              pause, trouble           resume
              ▼            ┌───────────────▶ PAUSED ──────────┐
           RUNNING ◀───────┼──────────────────────────────────┘
              │            │    restart
   finish     │            └───────────────▶ WAITING ── resume, finish, cancel
   ┌──────────┤
   ▼          │ all filled, bound reached, cancel
FINISHING ────┼──────────▶ STOPPING ──────▶ DONE | CANCELED | FAILED
              └ holds by itself while the book is not LIVE
```

- **Totals.** What may still be filled (filled, plus all that open children could fill, an unknown fate included) never
  exceeds the quantity. A remainder below the venue's minimum is folded into the last part, or named when the order
  ends. When a fill crosses an edit to a smaller quantity on its way, it counts and is said.
- **Cancels.** A slot has one open child at most: the next is placed when the venue has ended the one before. Fills that
  race with a cancel are counted. A cancel without an answer is asked again after {time_text(CANCEL_AGAIN_NS)}.
- **Trouble.** After an order that came to nothing it waits {time_text(FIRST_BACKOFF_NS)}, twice as long each time, at
  most {time_text(LONGEST_BACKOFF_NS)}; after {MOST_FAILURES} in a row it pauses and says why. A refusal of the gate
  that does not pass by itself pauses at once. A child canceled or moved by hand pauses its parent.
- **Holding.** While the book is not LIVE, or the fate of a child is unknown, nothing new is placed; it goes on by
  itself. Children that followed the market are pulled meanwhile, those at prices that a person chose stay (below).
- **Clearing the desk.** `cancel all`, `cancel buys`, `flatten`, `reverse` and the kill switch end the parents they
  mean first, so that nothing comes back.
- **Finish.** `task finish ID` cancels what rests and takes the rest with bounded IOC orders, within the limit.
- **Restart.** Every change of state is journaled whole (version 1) before what follows from it is sent. After a
  restart the children are counted first, then the policy holds: `wait` for a person (the usual; nothing is sent),
  `resume` or `cancel`. One that waits already goes on waiting where the policy is `resume`.
- **Figures.** Slippage is the mean price against the mid at the start, in basis points, positive = worse. Fees saved
  are the taker fees of the same fills minus what they paid.

`parents` lists them with what each does and why; `task pause|resume|cancel|finish|edit ID` steers them, in the command
bar and through `jackbot ctl` alike. In an edit `qty=` is the new total and `NAME=none` takes an optional value away.
"""


def parents_page() -> str:
    """docs/PARENT_ORDERS.md."""
    lines = [_HEAD]
    for algorithm in ALGORITHMS.values():
        lines += _section(algorithm)
    return "\n".join(lines).rstrip() + "\n"


def _section(algorithm: Algorithm[object]) -> Iterable[str]:
    holding = "are pulled" if algorithm.on_hold is Holding.PULL else "stay"
    yield f"## {algorithm.kind.value}"
    yield ""
    yield f"{algorithm.title[0].upper()}{algorithm.title[1:]}. For example `{algorithm.example}`."
    yield ""
    when = "while it holds" if algorithm.works_paused else "while it holds or is paused"
    yield f"Its resting orders {holding} {when}."
    yield ""
    yield "| parameter | unit | range | usual | meaning | may be edited |"
    yield "|---|---|---|---|---|---|"
    for each in algorithm.table:
        if each.hidden:
            continue
        cells = (
            f"`{each.name}`",
            each.unit.value,
            each.range_text,
            _usual(each),
            each.meaning,
            "no" if each.fixed else "yes",
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""
    if algorithm.diagram:
        yield from ("```", *algorithm.diagram, "```", "")
    notes = algorithm.notes
    yield from (f"- {note}" for note in notes)
    if notes:
        yield ""


def _usual(parameter: Parameter) -> str:
    return "must be given" if parameter.required else parameter.default or "none"

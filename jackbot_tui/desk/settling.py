"""Differences to the venue as people list and settle them: the table, what a line would do, what it did."""

from typing import TYPE_CHECKING

from jackbot_tui.desk import commands as c
from jackbot_tui.desk.ports import EnginePort
from jackbot_tui.desk.pricing import Objection
from jackbot_tui.engine.answers import ListedDifference, Settlement
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import DifferenceRule

if TYPE_CHECKING:
    from jackbot_tui.desk.planning import SettleStep
    from jackbot_tui.desk.runner import Done

R = DifferenceRule
HEAD = ("no", "what", "which", "ours", "venue", "apart", "rule", "since")
WHAT = {R.ADOPT: "becomes ours", R.CLOSE: "is closed there", R.IGNORE: "stays and is told no more"}


def chosen_settlements(command: c.Settle, engine: EnginePort) -> tuple[Settlement, ...]:
    """What the line means now. Objection when there is nothing, or nothing that can be done."""
    settling = engine.settling
    if settling is None:
        raise Objection("there is no venue's account here to settle with", "verb", "reconcile", code="no_account")
    listed = {each.number: each for each in settling.listed()}
    if command.rule is None:
        wanted = [
            Settlement(each, each.rule) for each in listed.values() if each.rule and not (each.ignored or each.busy)
        ]
        wanted = [each for each in wanted if not settling.problem_of(each)]
        if not wanted:
            raise Objection("no difference that a rule would settle", "verb", "reconcile", code="no_difference")
        return tuple(wanted)
    found = []
    for number in command.numbers:
        if number not in listed:
            raise Objection(
                f"no difference {number} here: reconcile lists them", "id", "reconcile", code="no_difference"
            )
        settlement = Settlement(listed[number], command.rule)
        problem = settling.problem_of(settlement)
        if problem:
            raise Objection(problem, "id", "reconcile", code="not_allowed")
        found.append(settlement)
    return tuple(found)


def settlement_words(wanted: Settlement) -> str:
    """``2 ADOPT position binance:BTC/USDT:USDT, ours 0, venue 0.5: becomes ours``."""
    shown = wanted.shown
    what = f"{shown.kind} {shown.subject}, ours {shown.ours}, venue {shown.venue}"
    return f"{shown.number} {wanted.rule.value.upper()} {what}: {WHAT[wanted.rule]}"


def preview_settling(step: "SettleStep") -> tuple[str, dict[str, object]]:
    """A line for people, data for programs."""
    data: dict[str, object] = {
        "settle": [{"number": each.shown.number, "rule": each.rule.value} for each in step.wanted]
    }
    return "; ".join(map(settlement_words, step.wanted)), data


def settle(step: "SettleStep", engine: EnginePort, source: str, done: "Done") -> None:
    """Carry out all of it, or nothing when something has changed, and write into ``done`` what was begun."""
    settling = engine.settling
    assert settling is not None
    problems = [problem for each in step.wanted if (problem := settling.problem_of(each))]
    if problems:
        done.fail(f"nothing was done: {'; '.join(problems)}", "not_allowed", step.parsed.start)
        return
    for wanted, asked in zip(step.wanted, settling.settle(step.wanted, source), strict=True):
        number, rule = wanted.shown.number, wanted.rule
        if asked.problem:
            done.fail(asked.problem, "not_allowed", step.parsed.start)
            continue
        begun = "ignored" if rule is R.IGNORE else f"{rule.value} asked for, the log tells what came of it"
        line = f"{number} {wanted.shown.kind} {wanted.shown.subject}: {begun}"
        done.add(line, asked.seq, {"difference": number, "rule": rule.value})


def difference_rows(engine: EnginePort) -> list[tuple[str, ...]]:
    """Cells under ``HEAD``."""
    now = engine.clock.now_ns()
    listed = [] if engine.settling is None else engine.settling.listed()
    return [
        (
            str(each.number),
            each.kind,
            each.subject,
            each.ours,
            each.venue,
            each.apart or "-",
            rule_words(each),
            f"{max(0, now - each.since_ns) // NS_PER_S} s",
        )
        for each in listed
    ]


def rule_words(each: ListedDifference) -> str:
    if each.busy:
        return "under way"
    if each.ignored:
        return "ignored"
    return "asking" if each.rule is None else each.rule.value


def difference_data(engine: EnginePort) -> list[dict[str, object]]:
    """The same for programs."""
    listed = [] if engine.settling is None else engine.settling.listed()
    return [
        {
            "number": each.number,
            "kind": each.kind,
            "subject": each.subject,
            "ours": each.ours,
            "venue": each.venue,
            "apart": each.apart,
            "rule": "" if each.rule is None else each.rule.value,
            "state": rule_words(each),
            "since_ns": each.since_ns,
            "ignored": each.ignored,
        }
        for each in listed
    ]

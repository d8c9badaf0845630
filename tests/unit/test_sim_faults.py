"""Fault specifications, and what faults do to frames."""

import pytest

from jackbot_tui.model.errors import InputError
from jackbot_tui.sim.faults import Chance, EventKind, FaultEvent, FaultPlan, Faults, Lasting, parse_faults

S = 1_000_000_000


def test_a_whole_specification_is_read() -> None:
    plan = parse_faults(
        "drop=0.01, repeat=1,reorder=0,gap@30s,halfopen@60s,close@90s:1012,close@1m/2m,slow_rest=2s,"
        "rest429=0.1,shutdown@120s:500ms,gap@2:7,skew=-300ms,"
    )
    assert plan == FaultPlan(
        {Chance.DROP: 0.01, Chance.REPEAT: 1.0, Chance.REORDER: 0.0, Chance.REST_429: 0.1},
        {Lasting.SLOW_REST: 2 * S, Lasting.SKEW: -300_000_000},
        (
            FaultEvent(EventKind.GAP, 1, 30 * S),
            FaultEvent(EventKind.HALF_OPEN, 0, 60 * S),
            FaultEvent(EventKind.CLOSE, 1012, 90 * S),
            FaultEvent(EventKind.CLOSE, 1006, 60 * S, 120 * S),
            FaultEvent(EventKind.SHUTDOWN, 500_000_000, 120 * S),
            FaultEvent(EventKind.GAP, 7, 2 * S),
        ),
    )


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("drp=0.1", "try drop"),
        ("zzz", "known are"),
        ("drop", "drop=0.01"),
        ("drop@3s", "drop=0.01"),
        ("drop=1.5", "from 0 to 1"),
        ("drop=nan", "from 0 to 1"),
        ("drop=often", "from 0 to 1"),
        ("slow_rest=-2s", "500ms"),
        ("slow_rest=fast", "500ms"),
        ("slow_rest@2s", "slow_rest=2s"),
        ("gap=0.1", "gap@30s"),
        ("gap@soon", "500ms"),
        ("gap@5s:0", "whole number from 1"),
        ("gap@5s:x", "whole number from 1"),
        ("close@5s:12", "from 1000 to 4999"),
        ("close@5s/0s", "above 0"),
        ("halfopen@5s:3", "takes nothing after"),
        ("shutdown@5s:now", "500ms"),
        ("drop=0.1,=", "not known"),
    ],
)
def test_a_bad_specification_gets_one_line_that_names_the_item_and_what_would_do(spec: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        parse_faults(spec)
    assert "\n" not in str(caught.value)
    assert spec.split(",")[-1].split("=")[0] in str(caught.value)


def test_scheduled_events_happen_once_or_again_and_again() -> None:
    faults = Faults(parse_faults("close@10s:1001,gap@5s/10s:2"))
    heard: list[tuple[EventKind, int]] = []
    faults.on_event = lambda event: heard.append((event.kind, event.argument))
    faults.advance(4 * S)
    assert heard == []
    faults.advance(16 * S)
    assert heard == [(EventKind.GAP, 2), (EventKind.CLOSE, 1001), (EventKind.GAP, 2)]
    faults.clear()
    faults.advance(100 * S)
    assert faults.counts == {"gap": 2, "close": 1}


def test_faults_change_while_running_and_refuse_nonsense() -> None:
    faults = Faults()
    assert not faults.touches_frames
    faults.set("drop", 1)
    faults.set("slow_rest", "1500ms")
    assert faults.touches_frames
    assert faults.strikes(Chance.DROP)
    assert faults.slow_rest_ns == 1_500_000_000
    with pytest.raises(InputError, match="from 0 to 1"):
        faults.set("drop", 2)
    with pytest.raises(InputError, match="not an event"):
        faults.trigger("drop")
    faults.clear()
    assert not faults.strikes(Chance.DROP)


def sent(spec: str, count: int, seed: int = 1) -> list[str]:
    frames = Faults(parse_faults(spec), seed).connection()
    return [out for number in range(count) for out in frames.alter("s@depth", f'{{"u":{number}}}', is_depth=True)]


def test_frame_faults_do_what_they_say_as_often_as_they_say() -> None:
    every = [f'{{"u":{number}}}' for number in range(1000)]
    assert sent("", 1000) == every
    dropped = sent("drop=0.1", 1000)
    assert 850 < len(dropped) < 950
    assert dropped == [frame for frame in every if frame in set(dropped)]
    repeated = sent("repeat=0.1", 1000)
    assert 1050 < len(repeated) < 1150
    assert list(dict.fromkeys(repeated)) == every
    swapped = sent("reorder=0.1", 1000)
    assert sorted(swapped) == sorted(every[: len(swapped)] if len(swapped) < 1000 else every)
    assert 50 < sum(a != b for a, b in zip(swapped, every, strict=False)) / 2 < 150
    garbled = sent("garbage=0.1", 1000)
    assert [frame for frame in garbled if frame in set(every)] == every
    assert 1050 < len(garbled) < 1150


def test_a_frame_held_back_goes_out_after_the_faults_are_over() -> None:
    faults = Faults(parse_faults("reorder=1"))
    frames = faults.connection()
    assert frames.alter("s@depth", "first", is_depth=True) == []
    faults.clear()
    assert frames.holds
    assert frames.alter("s@depth", "second", is_depth=True) == ["second", "first"]
    assert not frames.holds


def test_frame_faults_follow_the_seed() -> None:
    spec = "drop=0.1,repeat=0.1,reorder=0.1,garbage=0.1"
    assert sent(spec, 300) == sent(spec, 300)
    assert sent(spec, 300) != sent(spec, 300, seed=2)


def test_a_gap_takes_the_next_depth_frames_of_connections_that_were_open() -> None:
    faults = Faults()
    old = faults.connection()
    faults.trigger("gap", 2)
    new = faults.connection()
    assert [old.alter("a@depth", str(n), is_depth=True) for n in range(3)] == [[], [], ["2"]]
    assert old.alter("b@depth", "b", is_depth=True) == []
    assert old.alter("a@trade", "t", is_depth=False) == ["t"]
    assert new.alter("a@depth", "n", is_depth=True) == ["n"]
    faults.trigger("gap")
    assert [new.alter("a@depth", str(n), is_depth=True) for n in range(2)] == [[], ["1"]]

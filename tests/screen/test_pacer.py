"""Pacing by the terminal's answers."""

from jackbot_tui.tui.frame import LOST_ANSWER_NS, NO_ANSWER_NS, NS_PER_MS, Pacer

INTERVAL = 40 * NS_PER_MS


def test_frames_come_at_the_interval() -> None:
    pacer = Pacer(INTERVAL)
    assert pacer.due(0)
    assert not pacer.due(INTERVAL - 1)
    assert pacer.due(INTERVAL)


def test_nothing_is_drawn_into_a_queue_that_is_not_empty() -> None:
    pacer = Pacer(INTERVAL)
    assert not pacer.due(0, writes_waiting=1)
    assert pacer.dropped == 1


def test_a_terminal_that_never_answers_is_drawn_at_the_full_rate() -> None:
    pacer = Pacer(INTERVAL)
    drawn, now = 0, 0
    while now < 4 * NO_ANSWER_NS:
        if pacer.due(now):
            drawn += 1
            if pacer.wants_to_ask:
                pacer.asked(now)
        now += INTERVAL
    assert drawn == 4 * NO_ANSWER_NS // INTERVAL
    assert not pacer.wants_to_ask
    assert pacer.glass_age_ms(now) == -1


def play(pacer: Pacer, delay: int, capacity: int, frames: int) -> list[int]:
    """A link that delivers one frame per ``capacity`` ns after ``delay``; returns each frame's age at arrival."""
    now, free, ages = 0, 0, []
    arrivals: list[tuple[int, int]] = []
    pacer.asked(0)
    arrivals.append((delay, 0))
    while len(ages) < frames:
        while arrivals and arrivals[0][0] <= now:
            at, drawn = arrivals.pop(0)
            pacer.answered(at)
            ages.append(at - drawn)
        if pacer.due(now):
            start = max(now, free)
            free = start + capacity
            pacer.asked(now)
            arrivals.append((free + delay, now))
        now += NS_PER_MS
    return ages[1:]


def test_a_fast_link_gets_every_frame() -> None:
    pacer = Pacer(INTERVAL)
    ages = play(pacer, 60 * NS_PER_MS, NS_PER_MS, 200)
    assert pacer.dropped == 0
    assert max(ages) <= 62 * NS_PER_MS


def test_on_a_slow_link_the_picture_stays_new() -> None:
    """One frame takes 72 ms (3.6 KB at 50 KB/s): unpaced, the age would grow by 32 ms with every frame, for ever."""
    pacer = Pacer(INTERVAL)
    ages = play(pacer, 30 * NS_PER_MS, 72 * NS_PER_MS, 200)
    assert pacer.dropped > 0
    assert sorted(ages)[len(ages) // 2] <= 200 * NS_PER_MS
    assert max(ages[20:]) <= 300 * NS_PER_MS


def test_the_age_of_the_glass_grows_while_an_answer_is_out() -> None:
    pacer = Pacer(INTERVAL)
    pacer.asked(0)
    pacer.answered(10 * NS_PER_MS)
    pacer.asked(100 * NS_PER_MS)
    assert pacer.glass_age_ms(110 * NS_PER_MS) == 0
    assert pacer.glass_age_ms(510 * NS_PER_MS) == 400


def test_drawing_goes_on_after_an_answer_was_lost() -> None:
    pacer = Pacer(INTERVAL)
    pacer.asked(0)
    pacer.answered(NS_PER_MS)
    for _ in range(3):
        pacer.asked(NS_PER_MS)
    assert not pacer.due(INTERVAL * 2)
    assert pacer.due(NS_PER_MS + LOST_ANSWER_NS)


def test_an_answer_to_no_question_is_ignored() -> None:
    pacer = Pacer(INTERVAL)
    pacer.answered(5)
    assert not pacer.measuring

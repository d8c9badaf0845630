"""Near words for what was not understood. Suggestions only: nothing is ever carried out by guess."""

from collections.abc import Iterable

MAX_WORD = 24
MAX_DISTANCE = 2
MAX_SUGGESTIONS = 3


def distance(left: str, right: str) -> int:
    """Edits (insert, delete, replace, swap neighbours) between two short words."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before = before, row
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


def near_words(word: str, known: Iterable[str]) -> list[str]:
    """At most three of ``known`` that ``word`` may have been meant to be, nearest first."""
    if not word or len(word) > MAX_WORD:
        return []
    allowed = 1 if len(word) <= 3 else MAX_DISTANCE
    scored = []
    for order, candidate in enumerate(known):
        if len(candidate) < 2:
            continue
        edits = 0 if len(word) >= 3 and candidate.startswith(word) else distance(word, candidate)
        if edits <= allowed:
            scored.append((edits, order, candidate))
    return [candidate for _, _, candidate in sorted(scored)[:MAX_SUGGESTIONS]]


def suggestion(word: str, known: Iterable[str]) -> str:
    """`` (near: a, b)`` or ""."""
    found = near_words(word, known)
    return f" (near: {', '.join(found)})" if found else ""

"""The account page as rows: where our books and the venue's differ, the rules for that, and what is held. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from jackbot_tui.desk.views import Reply
from jackbot_tui.tui.view.ink import Cell, Ink, Row, fit, left, right
from jackbot_tui.tui.view.market import title
from jackbot_tui.tui.view.text import money_text, signed_money, span_text

WIDE = 110
NS_PER_S = 10**9

STATES = {"ignored": Ink.DIM, "under way": Ink.TITLE, "asking": Ink.DIM}
"""Everything else is a rule that waits for a person."""


def account_rows(answer: Reply | None, width: int, now_ns: int) -> list[Row]:
    """What the engine said to ``reconcile; account``."""
    if answer is None:
        return [fit([("  asking the engine", Ink.DIM)], width)]
    parts = (answer.data or {}).get("results")
    if not answer.ok or not isinstance(parts, list) or len(parts) != 2:
        return [fit([(f"  {line}", Ink.WARN)], width) for line in answer.lines]
    reconcile, account = parts
    return [*_difference_part(reconcile, width, now_ns), fit([], width), *_account_part(account, width)]


def _difference_part(said: Mapping[str, Any], width: int, now_ns: int) -> list[Row]:
    listed: Sequence[Mapping[str, Any]] = said.get("differences", [])
    rows = [title("OURS AGAINST THE VENUE'S", width, f"{len(listed)} differ" if said.get("live") else "")]
    if not said.get("live"):
        return [*rows, fit([("  no venue's account to compare with: our books are the account", Ink.DIM)], width)]
    if not said.get("heard"):
        return [*rows, fit([("  the venue has not told of the account yet", Ink.WARN)], width)]
    if not listed:
        return [*rows, fit([("  nothing differs", Ink.GOOD)], width)]
    for each in listed:
        rows += _difference(each, width, now_ns)
    how = "  nothing is done by itself: r, then apply, or adopt|close|ignore NO"
    return [*rows, fit([(how, Ink.DIM)], width)]


def _difference(each: Mapping[str, Any], width: int, now_ns: int) -> list[Row]:
    state = str(each["state"])
    since = span_text(max(0, now_ns - int(each["since_ns"])) / NS_PER_S)
    apart = f"  apart {each['apart']}" if each["apart"] else ""
    sides: list[Cell] = [
        ("ours ", Ink.DIM),
        (str(each["ours"]), Ink.TEXT),
        ("  venue ", Ink.DIM),
        (str(each["venue"]), Ink.TEXT),
        (apart, Ink.STRONG),
    ]
    ink = STATES.get(state, Ink.WARN)
    first: list[Cell] = [(f"  {each['number']:>3}  ", Ink.KEY)]
    what = f"{each['kind']} {each['subject']}"
    words = state if state in STATES else f"rule {state}"
    room = width - 30
    first += [(left(what, room), Ink.STRONG), (left(words, 14), ink), (right(since, 6), Ink.DIM)]
    return [fit(first, width), fit([("       ", Ink.TEXT), *sides], width)]


def _account_part(said: Mapping[str, Any], width: int) -> list[Row]:
    name = str(said.get("account") or said.get("mode", ""))
    if not said.get("heard"):
        return [title("ACCOUNT", width), fit([("  the venue has not told of the account yet", Ink.WARN)], width)]
    rows = [title(f"ACCOUNT {name} AT {said['venue']}".upper(), width)]
    profit = str(said["open_profit"])
    rows.append(
        fit(
            [
                ("  equity ", Ink.DIM),
                (money_text(str(said["equity"])), Ink.STRONG),
                (f" {said['unit']}", Ink.DIM),
                ("   of it open profit ", Ink.DIM),
                (signed_money(profit), Ink.LOSS if profit.startswith("-") else Ink.PROFIT),
            ],
            width,
        )
    )
    rows.append(_line(("wallet", "currency", "total", "free", "price", "value"), _WALLET, width, Ink.DIM))
    rows += [_line(tuple(row.values()), _WALLET, width, Ink.TEXT) for row in said["wallets"]]
    positions: Sequence[Mapping[str, str]] = said["positions"]
    rows.append(fit([], width))
    if positions:
        wide = width >= WIDE
        names = [name for name in positions[0] if wide or name not in ("margin", "leverage")]
        rows.append(_line(tuple(names), [_POSITION[name] for name in names], width, Ink.DIM))
        for row in positions:
            ink = Ink.LOSS if row["open profit"].startswith("-") else Ink.TEXT
            rows.append(_line(tuple(row[name] for name in names), [_POSITION[name] for name in names], width, ink))
    else:
        rows.append(fit([("  no positions in perpetuals", Ink.DIM)], width))
    if said["unknown"]:
        words = f"  without a known price, not in the sum: {', '.join(said['unknown'])}"
        rows.append(fit([(words, Ink.WARN)], width))
    return rows


_WALLET = (12, 10, -18, -18, -14, -14)
_POSITION = {
    "symbol": 18, "quantity": -12, "entry": -13, "mark": -12, "open profit": -12, "margin": -12, "leverage": -15,
    "liquidation": -13,
}  # fmt: skip
"""Columns; below 0: to the right."""


def _line(cells: Sequence[str], widths: Sequence[int], width: int, ink: Ink) -> Row:
    scale = [each if width >= 92 or abs(each) < 14 else each + (4 if each < 0 else -4) for each in widths]
    words = "".join(
        left(cell, space - 1) + " " if space > 0 else right(cell, -space - 1) + " "
        for cell, space in zip(cells, scale, strict=True)
    )
    return fit([(f"  {words}", ink)], width)

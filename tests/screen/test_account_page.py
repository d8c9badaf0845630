"""The account page: what differs from the venue's books with its rule, and what is held, in one currency."""

from typing import Any

from jackbot_tui.desk.views import Reply
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.tui.view.account_page import account_rows
from jackbot_tui.tui.view.ink import text_row
from tests.screen.stage import staged
from tests.screen.test_fills_page import answering
from tests.screen.test_screens import page_text

NOTHING: dict[str, Any] = {"live": True, "heard": True, "differences": []}
POSITION = {
    "number": 2, "kind": "position", "subject": "binance:BTC/USDT:USDT", "ours": "0", "venue": "0.1", "apart": "0.1",
    "rule": "adopt", "state": "adopt", "since_ns": 5 * NS_PER_S, "ignored": False,
}  # fmt: skip
ACCOUNT: dict[str, Any] = {
    "account": "test", "mode": "sim", "venue": "binance", "heard": True, "unit": "USD", "equity": "420900.86",
    "open_profit": "-12.30", "heard_ns": 1, "unknown": ["GALA"],
    "wallets": [
        {"wallet": "spot", "currency": "BTC", "total": "2", "free": "1.5", "price": "64000", "value": "128000.00"},
        {"wallet": "spot", "currency": "GALA", "total": "9", "free": "9", "price": "?", "value": "?"},
    ],
    "positions": [
        {"symbol": "BTC/USDT:USDT", "quantity": "0.1", "entry": "61234.5", "mark": "61200.0", "open profit": "-12.30",
         "margin": "640.11", "leverage": "cross 20x", "liquidation": "31234.5"},
    ],
}  # fmt: skip


def shown(width: int, reconcile: dict[str, Any], account: dict[str, Any] = ACCOUNT) -> list[str]:
    answer = Reply(True, [], data={"results": [reconcile, account]})
    rows = account_rows(answer, width, 65 * NS_PER_S)
    assert all(len(text_row(row)) == width for row in rows)
    return [text_row(row).rstrip() for row in rows]


def test_each_difference_shows_both_sides_its_rule_and_since_when() -> None:
    for width in (80, 120):
        rows = shown(width, {**NOTHING, "differences": [POSITION]})
        (at,) = [place for place, row in enumerate(rows) if "binance:BTC/USDT:USDT" in row]
        assert rows[at].split() == ["2", "position", "binance:BTC/USDT:USDT", "rule", "adopt", "1m00"]
        assert rows[at + 1].split() == ["ours", "0", "venue", "0.1", "apart", "0.1"]
        ignored = shown(width, {**NOTHING, "differences": [{**POSITION, "state": "ignored"}]})
        assert "ignored" in ignored[at] and "rule" not in ignored[at]


def test_the_account_is_valued_and_what_has_no_price_says_so() -> None:
    for width in (80, 120):
        text = "\n".join(shown(width, NOTHING))
        assert "nothing differs" in text and "420 900.86 USD" in text and "open profit -12.30" in text
        assert "128000.00" in text and "31234.5" in text
        assert "without a known price, not in the sum: GALA" in text
    assert "cross 20x" in text, "margin and leverage where there is room"


def test_paper_has_no_venue_to_compare_with_and_shows_its_account() -> None:
    rows = shown(80, {"live": False, "differences": []}, {**ACCOUNT, "account": "", "mode": "paper", "positions": []})
    assert any("no venue's account to compare with" in row for row in rows)
    assert any("ACCOUNT PAPER AT BINANCE" in row for row in rows) and any("no positions" in row for row in rows)


async def test_its_key_opens_it_and_r_begins_a_line_of_reconcile() -> None:
    async with staged() as stage:
        asked = answering(stage, ["the engine says something else"])
        await stage.press("$")
        assert asked[-1] == "reconcile; account"
        assert "the engine says something else" in page_text(stage)
        await stage.press("r")
        assert stage.app.trade.bar.value == "reconcile "

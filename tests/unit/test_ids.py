"""Client order ids: unique, legible, and legal at the strictest venue."""

import re

import pytest

from jackbot_tui.model.errors import InputError
from jackbot_tui.model.ids import client_order_id, is_client_order_id, journal_of, number_of, parent_mark


@pytest.mark.parametrize("parent", ["", "twap-3"])
@pytest.mark.parametrize(("owner", "letter"), [("manual", "m"), ("Engine", "e"), ("", "x"), ("überschall", "x")])
def test_an_id_tells_owner_journal_and_number(owner: str, letter: str, parent: str) -> None:
    made = client_order_id(owner, "ab12", 4711, parent)
    assert re.fullmatch("[0-9a-z]{14}|[0-9a-z]{18}", made)
    assert (made[:2], journal_of(made), number_of(made)) == (f"j{letter}", "ab12", 4711)


def test_children_of_one_parent_end_alike_and_differ() -> None:
    first, second = (client_order_id("twap", "ab12", number, "p7") for number in (1, 2))
    assert first != second
    assert first[-4:] == second[-4:] == parent_mark("p7") != parent_mark("p8")


@pytest.mark.parametrize("text", ["", "x-web-123", "jm12", "jmab1200000041-", "JMAB1200000041", "jmab120000004100000"])
def test_foreign_ids_are_not_taken_for_ours(text: str) -> None:
    assert not is_client_order_id(text)
    with pytest.raises(InputError, match="14 or 18"):
        number_of(text)

"""Help and docs/COMMANDS.md come from the tables and leave nothing out."""

import pytest

from jackbot_tui.desk.language.grammar import FLAGS, OPTIONS, REFERENCES, SIZES, VERBS, Availability
from jackbot_tui.desk.reference import commands_page, help_lines, unavailable_text


def test_page_names_every_word_of_the_tables() -> None:
    page = commands_page().replace("\\|", "|")
    wanted = [verb.usage for verb in VERBS] + [*SIZES, *FLAGS, *OPTIONS] + [ref.value for ref in REFERENCES]
    assert [word for word in wanted if f"`{word}`" not in page] == []
    assert all(verb.later in page for verb in VERBS)


def test_page_tables_have_the_same_number_of_cells_in_every_row() -> None:
    block: list[int] = []
    for line in commands_page().splitlines():
        if line.startswith("|"):
            block.append(line.replace("\\|", "").count("|"))
        else:
            assert len(set(block)) <= 1
            block = []


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_help_of_a_verb_gives_usage_and_example(verb) -> None:  # type: ignore[no-untyped-def]
    text = "\n".join(help_lines(verb.name))
    assert verb.usage in text
    assert verb.example in text
    assert (unavailable_text(verb.name) in text) == (verb.availability is Availability.LATER)


def test_general_help_lists_every_verb() -> None:
    text = " ".join(help_lines()).replace(",", " ").split()
    assert [verb.name for verb in VERBS if verb.name not in text] == []

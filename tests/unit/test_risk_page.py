"""docs/RISK.md is printed by the code: every code has a sentence, and the page in the repository is current."""

from pathlib import Path

from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.risk.refusal import SENTENCES, RefusalCode, docs_page

PAGE = Path(__file__).parents[2] / "docs" / "RISK.md"


def test_every_code_has_one_sentence() -> None:
    assert set(SENTENCES) == set(RefusalCode)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


def test_the_page_in_the_repository_is_what_the_code_prints() -> None:
    assert PAGE.read_text(encoding="utf-8") == docs_page()


def test_the_page_names_every_limit_with_its_default() -> None:
    limits = RiskLimits()
    page = docs_page()
    assert all(f"| `{name}` | {getattr(limits, name)} |" in page for name in RiskLimits.__struct_fields__)

"""Levels, distances and locks as words: canonical text, shares that add up, one clear line for what is none."""

from decimal import Decimal
from fractions import Fraction

import pytest

from jackbot_tui.algos.levels import Distance, distance, levels, levels_text, lock, shares
from jackbot_tui.model.errors import InputError

D = Decimal


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("62000:50% 63000:50%", "62000:50%,63000:50%"),
        ("62000.50:050%,2%", "62000.5:50%,2%"),
        ("25bp:0.250", "25bp:0.25"),
        ("50t", "50t"),
    ],
)
def test_levels_have_one_canonical_text(text: str, canonical: str) -> None:
    assert levels_text(levels(text)) == canonical
    assert levels(canonical) == levels(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a level is a price like 62000"),
        ("62000:", "no size behind the colon: write 62000:50% or 62000:0.25"),
        ("high:50%", "'high' is neither a price"),
        ("62000:x%", "'x%' is not a number"),
        ("62000:0", "a size is above 0"),
        ("62000:60%,63000:50%", "add up to 110%: 100% is the most"),
        ("62000:100%,63000", "leave nothing for the level without one"),
        (",".join(["2%:5%"] * 11), "11 levels are too many: 10 are the most"),
        ("1e5:50%", "is neither a price"),
        ("nan:50%", "is neither a price"),
    ],
)
def test_what_is_no_row_of_levels_is_said_in_one_line(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        levels(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["0", "-1%", "100%", "10000bp", "1.5t", "x", "", "%"])
def test_what_is_no_distance_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        distance(text)


@pytest.mark.parametrize("text", ["63000", "63000:", ":0.5%", "63000:0.5%:1"])
def test_a_lock_needs_its_place_and_what_is_given_back(text: str) -> None:
    with pytest.raises(InputError):
        lock(text)
    assert lock("63000:0.50%").text == "63000:0.5%"


@pytest.mark.parametrize(("text", "quote"), [("0.5%", D(305)), ("25bp", D("152.5")), ("50t", D(5)), ("300", D(300))])
def test_a_distance_is_measured_from_its_price(text: str, quote: Decimal) -> None:
    assert distance(text).at(D(61000), D("0.1")) == quote
    assert distance(text) == Distance(D(text.rstrip("%bpt")), text.lstrip("0123456789."))


def test_levels_without_a_size_share_what_the_others_leave() -> None:
    assert shares(levels("1:40%,2,3"), D(7)) == (Fraction(2, 5), Fraction(3, 10), Fraction(3, 10))
    assert shares(levels("1:0.1,2:0.2"), D("0.3")) == (Fraction(1, 3), Fraction(2, 3))


@pytest.mark.parametrize("text", ["1:0.2,2:0.2", "1:0.3,2"])
def test_sizes_beyond_the_quantity_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"are more than 0\.3"):
        shares(levels(text), D("0.3"))

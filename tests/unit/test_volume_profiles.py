"""The file of volume profiles: what it may hold, and the one line that says what is wrong with it."""

from pathlib import Path

import pytest

from jackbot_tui.model.errors import InputError
from jackbot_tui.settings.profiles import volume_profiles


def test_a_day_in_equal_parts_by_instrument(tmp_path: Path) -> None:
    file = tmp_path / "profile.csv"
    file.write_text(
        "# candles of six hours\n"
        + "".join(f"binance:BTC/USDT,{hour:02}:00,{hour + 0.5}\n" for hour in range(0, 24, 6))
        + "binance:ETH/USDT:USDT, 00:00, 3   # all day\n\n"
    )
    assert volume_profiles(str(file)) == {
        "binance:BTC/USDT": (0.5, 6.5, 12.5, 18.5),
        "binance:ETH/USDT:USDT": (3.0,),
    }


def test_no_name_is_no_profile() -> None:
    assert volume_profiles("") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("binance:BTC/USDT,00:00\n", "line 1: write KEY,HH:MM,VOLUME"),
        ("binance:BTC/USDT,00:00,many\n", "line 1: write"),
        ("\nbinance:BTC/USDT,24:00,5\n", "line 2: no key, no time of day or no volume"),
        ("binance:BTC/USDT,00:00,-5\n", "line 1: no key"),
        ("binance:BTC/USDT,00:00,nan\n", "line 1: no key"),
        ("BTCUSDT,00:00,5\n", "line 1: no key"),
        ("binance:BTC/USDT,00:00,5\nbinance:BTC/USDT,11:00,5\n", "are not in order and equally far apart"),
        ("binance:BTC/USDT,01:00,5\n", "are not in order"),
        ("binance:BTC/USDT,00:00,0\n", "has no volume at all"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "profile.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        volume_profiles(str(file))
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        volume_profiles(str(tmp_path / "none.csv"))

"""Settings: layers, one line per wrong key or value, nothing accepted by accident, the default file current."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackbot_tui.cli.engines import endpoints_of, limits_of, paper_of
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.impact import ImpactSettings
from jackbot_tui.model.errors import ConfigError
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.settings.fields import FieldFacts, fields_of
from jackbot_tui.settings.load import Loaded, check_file, config_files, load_settings
from jackbot_tui.settings.model import Settings
from jackbot_tui.settings.places import places_of
from jackbot_tui.settings.template import default_file, environment_name, toml_value

REPOSITORY = Path(__file__).resolve().parents[2]


def load(tmp_path: Path, text: str, environ: dict[str, str] | None = None, **flags: object) -> Loaded:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return load_settings([path], environ or {}, {key.replace("__", "."): value for key, value in flags.items()})


def problems(tmp_path: Path, text: str, environ: dict[str, str] | None = None, **flags: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, environ, **flags)
    return str(caught.value).splitlines()


def test_built_in_values_are_those_of_the_rooms_that_use_them(tmp_path: Path) -> None:
    loaded = load(tmp_path, "")
    assert limits_of(loaded.settings) == RiskLimits()
    assert paper_of(loaded.settings.paper) == PaperConfig()
    assert endpoints_of(loaded.settings, "binance") == {}
    assert set(loaded.sources.values()) == {"built-in"}


def test_each_layer_outweighs_the_one_before_and_is_remembered(tmp_path: Path) -> None:
    text = "[risk]\nmax_open_orders = 3\nmax_orders_per_s = 4\ncollar_ticks = 5\n"
    environ = {"JACKBOT_RISK__MAX_ORDERS_PER_S": "40", "JACKBOT_RISK__COLLAR_TICKS": "50", "UNRELATED": "1"}
    loaded = load(tmp_path, text, environ, risk__collar_ticks=500)
    risk = loaded.settings.risk
    assert (risk.max_open_orders, risk.max_orders_per_s, risk.collar_ticks) == (3, 40, 500)
    assert loaded.sources["risk.max_open_orders"] == str(tmp_path / "config.toml")
    assert loaded.sources["risk.max_orders_per_s"] == "environment"
    assert loaded.sources["risk.collar_ticks"] == "flags"
    assert loaded.sources["risk.collar_pct"] == "built-in"


def test_a_later_file_outweighs_an_earlier_one_key_by_key(tmp_path: Path) -> None:
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    first.write_text("[log]\nmax_mb = 5\nkeep = 1\n")
    second.write_text("[log]\nkeep = 2\n")
    log = load_settings([first, second], {}, {}).settings.log
    assert (log.max_mb, log.keep) == (5, 2)


def test_money_keeps_its_digits(tmp_path: Path) -> None:
    text = '[risk]\nmax_order_notional = "1234.56789012345678901234"\ncollar_pct = 0.1\n'
    risk = load(tmp_path, text).settings.risk
    assert risk.max_order_notional == Decimal("1234.56789012345678901234")
    assert risk.collar_pct == Decimal("0.1")


@pytest.mark.parametrize(
    ("text", "environ", "must_say"),
    [
        ("[risk]\nmax_order_notionl = 1", {}, ["risk.max_order_notionl", "risk.max_order_notional"]),
        ("[rsik]\nmax_open_orders = 1", {}, ["rsik", "nearest: risk"]),
        ("[risk]\nmax_open_orders = -3", {}, ["risk.max_open_orders", "-3", "nearest valid value 0"]),
        ("[risk]\nmax_open_orders = true", {}, ["risk.max_open_orders", "True", "not true or false"]),
        ("[risk]\nmax_open_orders = 1.5", {}, ["risk.max_open_orders", "1.5", "whole number"]),
        ("[risk]\nmax_day_loss = nan", {}, ["risk.max_day_loss", "nan", "number from 0"]),
        ("[risk]\nmax_day_loss = inf", {}, ["risk.max_day_loss", "inf", "number from 0"]),
        ("[paper]\nleverage = 500", {}, ["paper.leverage", "500", "nearest valid value 200"]),
        ("[paper]\nstart_balances = { usdt = 1 }", {}, ["paper.start_balances", "capital letters"]),
        ("[paper]\nstart_balances = { USDT = -1 }", {}, ["paper.start_balances", "-1"]),
        ('[session]\nvenue = "binanse"', {}, ["session.venue", "binanse", "nearest binance"]),
        ('[session]\nshutdown = "cancle"', {}, ["session.shutdown", "cancle", "nearest cancel"]),
        ('[session]\nsymbols = ["BTCUSDT"]', {}, ["session.symbols", "BTC/USDT or BTC/USDT:USDT"]),
        ("[session]\nsymbols = []", {}, ["session.symbols", "[]"]),
        ('[session]\nsymbols = ["BTC/USDT", "BTC/USDT"]', {}, ["session.symbols", "twice"]),
        ("session = 3", {}, ["session", "3", "[session]"]),
        ('[venues.binance]\nspot_rest = "ws://x"', {}, ["venues.binance.spot_rest", "http:// or https://"]),
        ("", {"JACKBOT_LOG__MAX_MB": "0"}, ["environment", "JACKBOT_LOG__MAX_MB", "'0'", "nearest valid value 1"]),
        ("", {"JACKBOT_LOG__MAXMB": "1"}, ["environment", "JACKBOT_LOG__MAXMB", "log.max_mb"]),
        ("", {"JACKBOT_LGO__LEVEL": "info"}, ["environment", "JACKBOT_LGO__LEVEL", "nearest: log"]),
        ("", {"JACKBOT_LOG_LEVEL": "info"}, ["JACKBOT_LOG_LEVEL", "write JACKBOT_LOG__LEVEL"]),
        ("[risk", {}, ["config.toml", "not valid TOML"]),
        ("x = " + "[" * 5000, {}, ["config.toml"]),
        ("x = " + "9" * 5000, {}, ["config.toml"]),
    ],
)
def test_a_wrong_setting_gives_one_line_with_place_key_value_and_the_nearest_valid(
    tmp_path: Path, text: str, environ: dict[str, str], must_say: list[str]
) -> None:
    lines = problems(tmp_path, text, environ)
    assert len(lines) == 1
    assert [words for words in must_say if words not in lines[0]] == []
    assert lines[0].startswith(("environment", str(tmp_path)))


def test_every_problem_of_every_layer_is_named(tmp_path: Path) -> None:
    lines = problems(tmp_path, "[log]\nkeep = -1\nmax_mb = 0\n", {"JACKBOT_RISK__X": "1"}, session__seed=-1)
    assert [line.split(": ")[0].rpartition("/")[2] for line in lines] == ["config.toml"] * 2 + ["environment", "flags"]


def test_a_wrong_value_is_reported_even_when_a_stronger_layer_hides_it(tmp_path: Path) -> None:
    assert "log.keep" in problems(tmp_path, "[log]\nkeep = -1\n", {"JACKBOT_LOG__KEEP": "1"})[0]


def test_binary_and_missing_files_give_one_line(tmp_path: Path) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00garbage")
    assert len(check_file(binary)) == 1 and "UTF-8" in check_file(binary)[0]
    missing = tmp_path / "missing.toml"
    assert len(check_file(missing)) == 1 and str(missing) in check_file(missing)[0]
    assert len(check_file(tmp_path)) == 1
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * (2 * 1024 * 1024))
    assert "larger than" in check_file(huge)[0]


def test_secrets_in_wrong_values_are_masked(tmp_path: Path) -> None:
    line = problems(tmp_path, '[venues.binance]\nspot_rest = "ftp://me:hunter2@host/?token=abcdef"')[0]
    assert "hunter2" not in line and "abcdef" not in line


def test_symbols_in_the_environment_are_separated_by_commas(tmp_path: Path) -> None:
    loaded = load(tmp_path, "", {"JACKBOT_SESSION__SYMBOLS": "BTC/USDT, ETH/USDT:USDT"})
    assert loaded.settings.session.symbols == ["BTC/USDT", "ETH/USDT:USDT"]


def test_addresses_of_a_venue_can_be_overridden_by_environment(tmp_path: Path) -> None:
    environ = {
        "JACKBOT_VENUES__BINANCE__LINEAR_PUBLIC": "ws://127.0.0.1:1/public",
        "JACKBOT_VENUES__BINANCE__SPOT_REST": "http://127.0.0.1:1",
    }
    endpoints = endpoints_of(load(tmp_path, "", environ).settings, "binance")
    assert endpoints == {"linear.public": "ws://127.0.0.1:1/public", "spot.rest": "http://127.0.0.1:1"}


def test_files_come_from_the_option_else_the_variable_else_the_users_own(tmp_path: Path) -> None:
    places = places_of({}, home=tmp_path)
    assert config_files([], {}, places) == []
    places.config_file.parent.mkdir(parents=True)
    places.config_file.write_text("")
    assert config_files([], {}, places) == [places.config_file]
    assert config_files([], {"JACKBOT_CONFIG": "/b"}, places) == [Path("/b")]
    assert config_files([Path("/a")], {"JACKBOT_CONFIG": "/b"}, places) == [Path("/a")]


def test_risk_and_paper_sections_cover_every_figure_of_their_rooms() -> None:
    names = {fact.key for fact in fields_of(Settings)}
    assert {f"risk.{name}" for name in RiskLimits.__struct_fields__} == {n for n in names if n.startswith("risk.")}
    figures = [name for name in PaperConfig.__struct_fields__ if name != "meter"]  # backtests switch the meter off
    paper = {f"paper.{name.replace('_ns', '_ms')}" for name in figures}
    impact = {f"paper.impact_{name.replace('_ns', '_s')}" for name in ImpactSettings.__struct_fields__[1:]}
    assert paper | impact == {name for name in names if name.startswith("paper.")}


def test_every_setting_is_described() -> None:
    assert [fact.key for fact in fields_of(Settings) if len(fact.description) < 10] == []


def test_the_commented_default_file_is_current() -> None:
    assert (REPOSITORY / "config" / "jackbot.toml").read_text() == default_file(), "run: make docs"


def test_the_default_file_uncommented_is_valid_and_changes_nothing(tmp_path: Path) -> None:
    keys = [f"#{fact.name} = " for fact in fields_of(Settings)]
    lines = [line[1:] if line.startswith(tuple(keys)) else line for line in default_file().splitlines()]
    loaded = load(tmp_path, "\n".join(lines))
    assert loaded.settings == load(tmp_path, "").settings
    assert set(loaded.sources.values()) == {str(tmp_path / "config.toml")}


@pytest.mark.parametrize("fact", fields_of(Settings), ids=lambda fact: fact.key)
def test_every_setting_can_be_given_in_the_environment(tmp_path: Path, fact: FieldFacts) -> None:
    value = fact.default
    match value:
        case list():
            text = ",".join(value)
        case dict():
            text = json.dumps(value, default=str)
        case _:
            text = str(value)
    loaded = load(tmp_path, "", {environment_name(fact.key): text})
    assert loaded.sources[fact.key] == "environment"


_TOML_VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["BTC/USDT", "leave", "1e5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_UNKNOWN = st.text(max_size=12).filter(lambda text: "." not in text and text not in Settings.model_fields)
_KEYS = st.sampled_from([fact.key for fact in fields_of(Settings)]) | _UNKNOWN


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_KEYS, _TOML_VALUES, max_size=4))
def test_random_values_are_accepted_or_named_one_line_each(values: dict[str, object]) -> None:
    try:
        loaded = load_settings([], {}, values)
    except ConfigError as error:
        lines = str(error).splitlines()
        assert lines and all(line.startswith("flags: ") and line.isprintable() and len(line) < 600 for line in lines)
    else:
        assert isinstance(loaded.settings, Settings)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_random_files_give_no_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_bytes(content)
    for line in check_file(path):
        assert line.startswith(str(path)) and line.isprintable() and len(line) < 800


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (1.5, "1.5"), (20.0, "20"), ('a"\\', '"a\\"\\\\"')])
def test_toml_values_are_written_as_toml(value: object, text: str) -> None:
    assert toml_value(value) == text

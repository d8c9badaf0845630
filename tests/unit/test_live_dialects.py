"""The venues' private sides as data: client ids that each venue takes and gives back, errors that mean something."""

import re

import ccxt
import pytest
from msgspec.structs import replace

from jackbot_tui.execution.live.dialect import UNPROVEN, Dialect
from jackbot_tui.execution.live.dialects import all_dialects, dialect_of
from jackbot_tui.model.errors import ConfigError, InputError
from jackbot_tui.model.ids import client_order_id
from jackbot_tui.venues import VENUES
from jackbot_tui.venues.binance.errors import ERRORS as BINANCE
from jackbot_tui.venues.errors import DEFAULTS, ErrorKind, VenueErrors, classify

DIALECTS = all_dialects()
IDS = [
    client_order_id("manual", "zzzz", 36**8 - 1),
    client_order_id("twap", "0000", 0, "p1"),
    client_order_id("x", "ab12", 41),
]


def test_every_venue_has_a_dialect() -> None:
    assert set(DIALECTS) == set(VENUES)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
@pytest.mark.parametrize("client_id", IDS)
def test_our_ids_are_legal_everywhere_and_come_back(dialect: Dialect, client_id: str) -> None:
    rule = dialect.client_ids
    wire = rule.to_wire(client_id)
    assert re.fullmatch(f"[{rule.charset}]{{1,{rule.longest}}}", wire)
    assert rule.from_wire(wire) == client_id


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
@pytest.mark.parametrize("text", ["", "web_0001", "t-x", "0x" + "f" * 32, "0x0e", "ccxt-1234", "jm"])
def test_foreign_ids_stay_foreign(dialect: Dialect, text: str) -> None:
    assert dialect.client_ids.from_wire(text) == ""


def test_an_id_that_is_not_ours_never_leaves() -> None:
    with pytest.raises(InputError, match="not sent"):
        DIALECTS["kraken"].client_ids.to_wire("web_0001")


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_ccxt_knows_every_exchange_that_is_named(dialect: Dialect) -> None:
    assert set(dialect.exchanges.values()) <= set(ccxt.exchanges)


def test_a_venue_that_is_not_proven_refuses_to_go_live(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="known are"):
        dialect_of("nowhere")
    unproven = replace(DIALECTS["okx"], closed=UNPROVEN)
    monkeypatch.setattr("jackbot_tui.execution.live.dialects.okx.DIALECT", unproven)
    with pytest.raises(ConfigError, match="not proven"):
        dialect_of("okx")


def classes(error: type[BaseException]) -> list[str]:
    return [each.__name__ for each in error.__mro__]


def test_every_default_names_a_class_of_ccxt() -> None:
    assert all(hasattr(ccxt, name) for name, _, _ in DEFAULTS)


def test_a_special_class_is_never_hidden_behind_its_base() -> None:
    order = [name for name, _, _ in DEFAULTS]
    for place, name in enumerate(order):
        bases = classes(getattr(ccxt, name))[1:]
        assert not set(order[:place]) & set(bases), name


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ccxt.RequestTimeout, ErrorKind.UNKNOWN),
        (ccxt.NetworkError, ErrorKind.UNKNOWN),
        (ccxt.ExchangeNotAvailable, ErrorKind.UNKNOWN),
        (ccxt.BadResponse, ErrorKind.UNKNOWN),
        (ccxt.ExchangeError, ErrorKind.UNKNOWN),
        (ccxt.InsufficientFunds, ErrorKind.REJECTED),
        (ccxt.OrderNotFound, ErrorKind.RESYNC),
        (ccxt.DuplicateOrderId, ErrorKind.RESYNC),
        (ccxt.RateLimitExceeded, ErrorKind.RETRYABLE),
        (ccxt.OnMaintenance, ErrorKind.RETRYABLE),
        (ccxt.PermissionDenied, ErrorKind.AUTH),
        (ccxt.InvalidNonce, ErrorKind.CLOCK),
        (ValueError, ErrorKind.UNKNOWN),
    ],
)
def test_without_a_rule_the_class_decides_and_what_is_open_stays_unknown(
    error: type[BaseException], kind: ErrorKind
) -> None:
    assert classify(VenueErrors("x"), classes(error), "something").kind is kind


@pytest.mark.parametrize(
    ("code", "message", "kind", "words"),
    [
        (-2010, "Account has insufficient balance for requested action.", ErrorKind.REJECTED, "balance"),
        (-2010, "Order would immediately match and take.", ErrorKind.REJECTED, "post-only"),
        (-2010, "Duplicate order sent.", ErrorKind.RESYNC, "already"),
        (-5022, "Due to the order could not be executed as maker", ErrorKind.REJECTED, "post-only"),
        (-1013, "Filter failure: LOT_SIZE", ErrorKind.REJECTED, "filter"),
        (-2019, "Margin is insufficient.", ErrorKind.REJECTED, "margin"),
        (-2022, "ReduceOnly Order is rejected.", ErrorKind.REJECTED, "reduce-only"),
        (-1021, "Timestamp for this request is outside of the recvWindow.", ErrorKind.CLOCK, "clock"),
        (-1007, "Timeout waiting for response from backend server.", ErrorKind.UNKNOWN, "done"),
        (-1006, "Unexpected response", ErrorKind.UNKNOWN, "done"),
        (-1008, "Server is currently overloaded", ErrorKind.RETRYABLE, "overloaded"),
        (-1015, "Too many new orders", ErrorKind.RETRYABLE, "slow down"),
        (-2011, "Unknown order sent.", ErrorKind.RESYNC, "does not know"),
        (-2015, "Invalid API-key, IP, or permissions for action.", ErrorKind.AUTH, "keys test"),
        (-1022, "Signature for this request is not valid.", ErrorKind.AUTH, "secret"),
        (-4046, "No need to change margin type.", ErrorKind.SETTLED, "already"),
        (-9999, "Something new.", ErrorKind.UNKNOWN, "Something new. [-9999]"),
    ],
)
def test_binance_codes_are_read_whatever_class_ccxt_gives_them(
    code: int, message: str, kind: ErrorKind, words: str
) -> None:
    problem = classify(BINANCE, classes(ccxt.ExchangeError), f'binance {{"code":{code},"msg":"{message}"}}')
    assert (problem.kind, problem.code) == (kind, str(code))
    assert words in problem.words
    assert "\n" not in problem.words

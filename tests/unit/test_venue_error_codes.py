"""Error codes of venues: none hidden behind an earlier rule, each with one plain line, the telling ones read right."""

import ccxt
import pytest

from jackbot_tui.execution.live.dialect import Dialect
from jackbot_tui.execution.live.dialects import all_dialects
from jackbot_tui.venues.cryptocom.errors import ERRORS as CRYPTOCOM
from jackbot_tui.venues.errors import ErrorKind, VenueErrors, classify
from jackbot_tui.venues.okx.errors import ERRORS as OKX

DIALECTS = all_dialects()
K = ErrorKind


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_no_rule_is_hidden_behind_an_earlier_one(dialect: Dialect) -> None:
    taken: set[str] = set()
    for rule in dialect.errors.rules:
        assert not taken & set(rule.codes), rule
        if not rule.says:
            taken |= set(rule.codes)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_every_rule_has_one_plain_line_and_words_that_can_be_found(dialect: Dialect) -> None:
    for rule in dialect.errors.rules:
        assert rule.words.strip()
        assert not set("{}<>\n") & set(rule.words)
        assert rule.says == rule.says.lower()


@pytest.mark.parametrize(
    ("errors", "text", "kind", "code", "words"),
    [
        (OKX, '{"code":"1","data":[{"ordId":"","sCode":"51008","sMsg":"no"}]}', K.REJECTED, "51008", "balance"),
        (OKX, '{"code":"1","data":[{"sCode":"51016","sMsg":"exists"}]}', K.RESYNC, "51016", "already"),
        (OKX, '{"code":"1","data":[{"sCode":"51000","sMsg":"Parameter posSide error"}]}', K.FATAL, "51000", "one-way"),
        (OKX, '{"code":"1","data":[{"sCode":"51000","sMsg":"Parameter px error"}]}', K.REJECTED, "51000", "understand"),
        (OKX, '{"code":"51603","msg":"Order does not exist."}', K.RESYNC, "51603", "does not know"),
        (OKX, '{"code":"50004","msg":"API endpoint request timeout."}', K.UNKNOWN, "50004", "done"),
        (OKX, '{"code":"50011","msg":"Too Many Requests"}', K.RETRYABLE, "50011", "wait"),
        (OKX, '{"event":"error","code":"60006","msg":"Timestamp request expired"}', K.CLOCK, "60006", "clock"),
        (OKX, '{"code":"50120","msg":"no permission"}', K.AUTH, "50120", "right"),
        (CRYPTOCOM, '{"code":306,"message":"INSUFFICIENT_AVAILABLE_BALANCE"}', K.REJECTED, "306", "balance"),
        (CRYPTOCOM, '{"code":204,"message":"DUPLICATE_CLORDID"}', K.RESYNC, "204", "already"),
        (CRYPTOCOM, '{"code":"316","message":"NO_ACTIVE_ORDER"}', K.RESYNC, "316", "does not know"),
        (CRYPTOCOM, '{"code":40801,"message":"REQUEST_TIMEOUT"}', K.UNKNOWN, "40801", "done"),
        (CRYPTOCOM, '{"code":50001,"message":"ERR_INTERNAL"}', K.UNKNOWN, "50001", "done"),
        (CRYPTOCOM, '{"code":40102,"message":"INVALID_NONCE"}', K.CLOCK, "40102", "clock"),
        (CRYPTOCOM, '{"code":42901,"message":"TOO_MANY_REQUESTS"}', K.RETRYABLE, "42901", "wait"),
    ],
)
def test_codes_are_read_whatever_class_ccxt_gives_them(
    errors: VenueErrors, text: str, kind: ErrorKind, code: str, words: str
) -> None:
    problem = classify(errors, [each.__name__ for each in ccxt.ExchangeError.__mro__], f"{errors.venue} {text}")
    assert (problem.kind, problem.code) == (kind, code)
    assert words in problem.words

"""The command language: what lines mean, where carets point, what is offered next."""

import subprocess
import sys
from decimal import Decimal

import pytest

from jackbot_tui.desk import commands as c
from jackbot_tui.desk.language import CompletionContext, SymbolTable, SyntaxProblem, complete, explain, parse
from jackbot_tui.desk.language.completion import OrderHint
from jackbot_tui.desk.language.grammar import BY_WORD, VERBS, Availability
from jackbot_tui.desk.language.parser import parse_with_spans
from jackbot_tui.model.enums import Side, TimeInForce

SPOT = "binance:BTC/USDT"
PERP = "binance:BTC/USDT:USDT"
ETH = "binance:ETH/USDT:USDT"
SYMBOLS = SymbolTable([SPOT, PERP, ETH], {SPOT: "BTCUSDT", PERP: "BTCUSDT", ETH: "ETHUSDT"})

BASE, QUOTE, PERCENT = c.SizeUnit.BASE, c.SizeUnit.QUOTE, c.SizeUnit.PERCENT
TICKS = c.OffsetUnit.TICKS


def number(text: str) -> Decimal:
    return Decimal(text)


def order(side: Side = Side.BUY, size: str = "0.5", unit: c.SizeUnit = BASE, **more: object) -> c.PlaceOrder:
    if "price" not in more:
        more.setdefault("tif", TimeInForce.IOC)
    return c.PlaceOrder(side=side, size=c.Size(unit, number(size)), **more)  # type: ignore[arg-type]


def absolute(text: str) -> c.Price:
    return c.Price(c.PriceRef.NONE, number(text))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("buy 0.5 @ 60998.5 post", order(price=absolute("60998.5"), post=True)),
        ("b 0.5@60998.5 post", order(price=absolute("60998.5"), post=True)),
        ("BUY .5 @ 61000 IOC REDUCE", order(price=absolute("61000"), tif=TimeInForce.IOC, reduce=True)),
        ("sell 1000$ @ ask-2t fok", order(Side.SELL, "1000", QUOTE, price=c.Price(c.PriceRef.ASK, number("-2"), TICKS),
                                          tif=TimeInForce.FOK)),
        ("s 10% mkt slip=5t", order(Side.SELL, "10", PERCENT, slip_ticks=5)),
        ("buy 2k$ market", order(size="2000", unit=QUOTE)),
        ("buy 2k ETH/USDT:USDT mkt", order(size="2000", key=ETH)),
        ("buy 1 ethusdt", order(size="1", key=ETH)),
        ("buy 1 eth slip=7", order(size="1", key=ETH, slip_ticks=7)),
        ("sell $pos @ mid", order(Side.SELL, "0", c.SizeUnit.POSITION, price=c.Price(c.PriceRef.MID))),
        ("sell half @ entry+10bp gtc", order(Side.SELL, "0", c.SizeUnit.HALF,
                                             price=c.Price(c.PriceRef.ENTRY, number("10"), c.OffsetUnit.BASIS_POINTS))),
        ("buy #2 @ cur", order(size="2", unit=c.SizeUnit.PRESET, price=c.Price(c.PriceRef.CUR))),
        ("buy 1 @ -0.5%", order(size="1", price=c.Price(c.PriceRef.NEAR, number("-0.5"), c.OffsetUnit.PERCENT))),
        ("buy 1 @ + 2t", order(size="1", price=c.Price(c.PriceRef.NEAR, number("2"), TICKS))),
        ("buy 1 @ bid + 1t post", order(size="1", price=c.Price(c.PriceRef.BID, number("1"), TICKS), post=True)),
        ("buy 1 @ bid +1t", order(size="1", price=c.Price(c.PriceRef.BID, number("1"), TICKS))),
        ("buy 1 @ last-3", order(size="1", price=c.Price(c.PriceRef.LAST, number("-3")))),
        ("buy 1 binance:BTC/USDT post @ mark", order(size="1", key=SPOT, post=True, price=c.Price(c.PriceRef.MARK))),
        ("cancel all", c.Cancel(scope=c.CancelScope.ALL)),
        ("cx buys eth", c.Cancel(scope=c.CancelScope.BUYS, key=ETH)),
        ("cancel last", c.Cancel(scope=c.CancelScope.LAST)),
        ("cancel #41 42 41", c.Cancel(scope=c.CancelScope.NUMBERS, numbers=(41, 42))),
        ("move 41 +2t", c.Move(number=41, price=c.Price(c.PriceRef.OWN, number("2"), TICKS))),
        ("mv #41 @ bid qty=0.5", c.Move(number=41, price=c.Price(c.PriceRef.BID), quantity=number("0.5"))),
        ("move last 61000", c.Move(number=0, price=absolute("61000"))),
        ("move 41 qty=2", c.Move(number=41, quantity=number("2"))),
        ("close 30%", c.Close(size=c.Size(PERCENT, number("30")))),
        ("close all eth", c.Close(size=c.Size(c.SizeUnit.POSITION), key=ETH)),
        ("cl half", c.Close(size=c.Size(c.SizeUnit.HALF))),
        ("flatten", c.Flatten()),
        ("flatten all", c.Flatten(everything=True)),
        ("fl BTC/USDT:USDT", c.Flatten(key=PERP)),
        ("reverse", c.Reverse()),
        ("arm", c.Arm()),
        ("arm 90s market", c.Arm(duration_ns=90_000_000_000, market=True)),
        ("arm market 1.5m", c.Arm(duration_ns=90_000_000_000, market=True)),
        ("disarm", c.Disarm()),
        ("kill", c.Kill()),
        ("kill flatten", c.Kill(flatten=True)),
        ("kill reset", c.KillReset()),
        ("take", c.Take()),
        ("sym eth", c.SelectSymbol(ETH)),
        ("size 0.25", c.SetQuantity(number("0.25"))),
        ("preset 3", c.Preset(3)),
        ("preset 3 1.5", c.Preset(3, number("1.5"))),
        ("group 5", c.Group(5)),
        ("slip 10t", c.Slip(10)),
        ("post", c.Toggle(c.FlagName.POST)),
        ("reduce off", c.Toggle(c.FlagName.REDUCE, False)),
        ("pos", c.Show(topic=c.Topic.POSITIONS)),
        ("fills 20", c.Show(topic=c.Topic.FILLS, count=20)),
        ("book 5 eth", c.Show(topic=c.Topic.BOOK, count=5, key=ETH)),
        ("journal note faded the open @ 61k, bad", c.JournalNote("faded the open @ 61k, bad")),
        ('journal tag "pull; back"', c.JournalTag("pull; back")),
        ("note 61000 cpi at 14:30", c.PriceNote(price=number("61000"), text="cpi at 14:30")),
        ("replay step", c.Replay(action=c.ReplayAction.STEP, value=number("1"))),
        ("replay speed max", c.Replay(action=c.ReplayAction.SPEED)),
        ("record start", c.Record(True)),
        ("export today", c.Export()),
        ("set drift.limit 20", c.SetOption(name="drift.limit", value=20)),
        ("set", c.SetOption()),
        ("? b", c.Help("buy")),
        ("quit", c.Quit()),
        ("live", c.GoLive()),
        ("theme cvd", c.ScreenOnly(verb="theme", rest="cvd")),
        ("swarm sell 2 over 20m curve=random", c.Unavailable(verb="swarm", rest="sell 2 over 20m curve=random")),
    ],
)  # fmt: skip
def test_line_means_this_command_and_its_canonical_text_means_the_same(line: str, command: c.Command) -> None:
    assert parse(line, SYMBOLS) == [command]
    assert parse(explain(command), SYMBOLS) == [command]


@pytest.mark.parametrize(
    ("line", "under_caret", "word"),
    [
        ("", "", "empty"),
        ("byu 0.5 @ 61000", "byu", "buy"),
        ("twapp sell 1", "twapp", "twap"),
        ("buy", "", "SIZE is missing"),
        ("buy @ 61000", "@", "SIZE comes first"),
        ("buy zero @ 1", "zero", "a size expected"),
        ("buy 0 @ 1", "0", "above 0"),
        ("buy 0,5 @ 61000", ",", "point"),
        ("buy 5x @ 1", "x", 'size unit "x"'),
        ("buy 0.5 61000", "61000", "after @"),
        ("buy 0.5 @", "", "PRICE is missing"),
        ("buy 0.5 @ bif", "bif", "not a price"),
        ("buy 0.5 @ bid+1x", "x", 'offset unit "x"'),
        ("buy 0.5 @ bid+1.5t", "1.5t", "whole"),
        ("buy 0.5 @ 61000 posst", "posst", "post"),
        ("buy 0.5 @ 61000 post ioc", "ioc", "choose one"),
        ("buy 0.5 @ 61000 mkt", "mkt", "not both"),
        ("buy 0.5 @ 61000 slip=5t", "slip", "slip"),
        ("buy 0.5 post", "post", "needs a price"),
        ("buy 0.5 @ 1 post post", "post", "twice"),
        ("buy 0.5 @ 61000 tp=62000", "tp", "smart trades"),
        ("buy 0.5 btc @ 61000", "btc", "BTC/USDT or BTC/USDT:USDT"),
        ("buy 0.5 DOGE/USDT @ 1", "DOGE", "no instrument"),
        ("buy 1234567890123456 @ 1", "1234", "too many digits"),
        ("buy 1 @ 1;sell 1 @", "", "PRICE is missing"),
        ("close 130%", "130%", "100%"),
        ("arm 10x", "x", "time unit"),
        ("arm 10", "", "time unit is missing"),
        ("kill everything", "everything", "flatten, reset"),
        ("move 41", "", "say what changes"),
        ("cancel", "", "an order number is missing"),
        ("cancel 4.1", "4.1", "whole number"),
        ("preset 9", "9", "1 to 5"),
        ("set drift 5", "drift", "drift.market"),
        ("set idle 5", "5", "10 to 3600"),
        ("disarm now", "now", "too much"),
        ("journal note", "", "TEXT is missing"),
        ('journal note "open', '"open', "not closed"),
        ("buy 0.5\n@ 1", "\n", "U+000A"),
        ("help me", "me", "no help"),
    ],
)
def test_problem_points_at_the_word_and_says_what_to_do(line: str, under_caret: str, word: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse(line, SYMBOLS)
    problem = caught.value
    assert word in problem.message
    assert 0 <= problem.caret <= len(line)
    assert line[problem.caret :].startswith(under_caret) if under_caret else problem.caret >= len(line.rstrip())
    assert "\n" not in problem.text


def test_pointed_line_puts_the_caret_under_the_word_behind_the_prompt() -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse("buy 0.5 @ bif", SYMBOLS)
    assert caught.value.pointed(prompt=1).index("^") == ":buy 0.5 @ bif".index("bif")


def test_later_words_are_known_and_never_near_misses() -> None:
    later = [verb for verb in VERBS if verb.availability is Availability.LATER]
    assert {"worker", "alert", "be", "convert"} <= {verb.name for verb in later}
    for verb in later:
        assert parse(verb.example, SYMBOLS)[0] == c.Unavailable(verb=verb.name, rest=verb.example.split(" ", 1)[1])


def test_every_example_of_the_tables_parses_and_no_word_has_two_meanings() -> None:
    words = [word for verb in VERBS for word in (verb.name, *verb.short)]
    assert len(words) == len(set(words)) == len(BY_WORD)
    for verb in VERBS:
        assert explain(parse(verb.example, SYMBOLS)[0]).split()[0] == verb.name


def test_chain_is_read_whole_before_anything_of_it_counts() -> None:
    assert len(parse("cancel all; buy 1 @ bid ;; status;", SYMBOLS)) == 3
    with pytest.raises(SyntaxProblem) as caught:
        parse("cancel all; buy 1 @ bid; selll 1", SYMBOLS)
    assert caught.value.caret == len("cancel all; buy 1 @ bid; ")


def test_spans_let_a_later_objection_point_at_its_word() -> None:
    line = "status; buy 0.5 eth @ bid + 1t post"
    spans = parse_with_spans(line, SYMBOLS)[1].spans
    assert {name: line[start:end] for name, (start, end) in spans.items()} == {
        "verb": "buy",
        "size": "0.5",
        "symbol": "eth",
        "price": "bid + 1t",
    }


ORDERS = (OrderHint(41, "SELL 0.5 @ 61001.0", "61001.0"), OrderHint(39, "BUY 0.5 @ 60999.0", "60999.0"))
CONTEXT = CompletionContext(
    symbols=("BTC/USDT:USDT", "ETH/USDT:USDT"), orders=ORDERS, presets=("0.1", "0.5"), prices={"bid": "61000.0"}
)


@pytest.mark.parametrize(
    ("line", "first", "included"),
    [
        ("", "buy", {"sell", "cancel", "kill"}),
        ("fl", "flatten", set()),
        ("flt", "flatten", set()),
        ("cx", "cancel", set()),
        ("buy ", "#1", {"#2", "$pos", "half"}),
        ("buy $", "$pos", set()),
        ("buy 0.5 ", "@", {"mkt", "ETH/USDT:USDT"}),
        ("buy 0.5 e", "ETH/USDT:USDT", set()),
        ("buy 0.5 @ ", "bid", {"ask", "mid", "cur", "60999.0"}),
        ("buy 0.5 @", "bid", {"ask"}),
        ("buy 0.5 @ m", "mid", {"mark"}),
        ("buy 0.5 @ bid ", "post", {"ioc", "reduce"}),
        ("cancel ", "all", {"last", "41", "39"}),
        ("cancel 41 ", "39", set()),
        ("status; move ", "last", {"41"}),
        ("move 41 ", "+1t", {"bid", "qty="}),
        ("kill r", "reset", set()),
        ("sym e", "ETH/USDT:USDT", set()),
        ("replay ", "pause", {"speed"}),
        ("set drift.l", "drift.limit", set()),
        ("help ", "buy", {"twap", "prices"}),
    ],
)
def test_completion_offers_what_may_stand_at_the_cursor(line: str, first: str, included: set[str]) -> None:
    offered = [completion.text for completion in complete(line, len(line), CONTEXT)]
    assert offered[0] == first
    assert included <= set(offered)


@pytest.mark.parametrize("line", ["buy 0", "buy 0.5 @ 61", "cancel 4", "swarm ", "nonsense ", 'journal note "a'])
def test_completion_stays_silent_on_numbers_texts_and_unknown_words(line: str) -> None:
    assert complete(line, len(line), CONTEXT) == []


def test_completion_replaces_exactly_the_unfinished_word() -> None:
    line = "buy 0.5 @ m post"
    chosen = complete(line, 11, CONTEXT)[0]
    assert line[: chosen.start] + chosen.text + line[chosen.end :] == "buy 0.5 @ mid post"
    assert complete("cancel ", 7, CONTEXT)[4].detail == "SELL 0.5 @ 61001.0"


def test_language_is_light_to_import() -> None:
    code = (
        "import sys, jackbot_tui.desk.language;"
        "heavy = {'asyncio', 'aiohttp', 'textual', 'rich', 'pydantic', 'numpy', 'websockets', 'jackbot_tui.engine'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"

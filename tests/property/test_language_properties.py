"""Properties of the command language: any text is understood or objected to once, canonical text is stable."""

from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from jackbot_tui.desk import commands as c
from jackbot_tui.desk.language import CompletionContext, SymbolTable, SyntaxProblem, complete, explain, parse
from jackbot_tui.desk.language.grammar import BY_WORD, FLAGS, OPTIONS
from jackbot_tui.desk.language.lexer import MAX_LINE
from jackbot_tui.model.enums import Side, TimeInForce, TriggerBy
from jackbot_tui.model.margin import MarginMode

KEYS = ["binance:BTC/USDT", "binance:BTC/USDT:USDT", "okx:ETH/USDT:USDT"]
SYMBOLS = SymbolTable(KEYS)

MORE_WORDS = """
@ ; 0.5 1000$ 10% 2k $pos half #2 bid ask+1t -0.5% + - mid mkt all last 41 #41 qty=2 slip=5t market reset flatten
10m note tag on off speed max step today start "a;b" " eth btc tp=1 0 1e9 １
"""
WORDS = [*BY_WORD, *FLAGS, *OPTIONS, *KEYS, *MORE_WORDS.split()]
TEXT = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join),
    st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=4)), max_size=9).map("".join),
)


@settings(max_examples=1500, deadline=None)
@given(TEXT)
@example("bid+" * 400)
@example("(" * MAX_LINE)
@example("buy 1 @ " + "+" * 1900)
@example("x" * (MAX_LINE + 1))
@example("; " * 999)
@example("1 " * 999)
def test_any_text_is_understood_or_objected_to_once(line: str) -> None:
    try:
        commands = parse(line, SYMBOLS)
    except SyntaxProblem as problem:
        assert 0 <= problem.caret <= len(line)
        assert problem.message
        assert "\n" not in problem.text
        return
    assert commands
    canonical = "; ".join(explain(command) for command in commands)
    if len(canonical) <= MAX_LINE:
        assert parse(canonical, SYMBOLS) == commands
        assert "; ".join(explain(command) for command in parse(canonical, SYMBOLS)) == canonical


@settings(max_examples=500, deadline=None)
@given(TEXT, st.integers(-5, 100))
def test_completion_never_fails_and_only_touches_the_word_at_the_cursor(line: str, cursor: int) -> None:
    for offered in complete(line, cursor, CompletionContext(symbols=tuple(KEYS), presets=("0.1",))):
        assert 0 <= offered.start <= offered.end <= len(line)
        assert " " not in line[offered.start : offered.end]


NUMBERS = st.decimals(min_value="0.000000000001", max_value="999999999999", places=12, allow_nan=False)
OFFSETS = st.one_of(
    st.builds(lambda n: (Decimal(n), c.OffsetUnit.TICKS), st.integers(-10_000, 10_000).filter(bool)),
    st.tuples(
        NUMBERS.flatmap(lambda n: st.sampled_from([n, -n])),
        st.sampled_from([c.OffsetUnit.PRICE, c.OffsetUnit.PERCENT, c.OffsetUnit.BASIS_POINTS]),
    ),
)
RELATIVE = [ref for ref in c.PriceRef if ref not in (c.PriceRef.NONE, c.PriceRef.OWN)]
PRICES = st.one_of(
    NUMBERS.map(lambda n: c.Price(c.PriceRef.NONE, n)),
    st.sampled_from(RELATIVE).map(c.Price),
    st.tuples(st.sampled_from(RELATIVE), OFFSETS).map(lambda p: c.Price(p[0], p[1][0], p[1][1])),
)
SIZES = st.one_of(
    st.builds(c.Size, st.sampled_from([c.SizeUnit.BASE, c.SizeUnit.QUOTE, c.SizeUnit.PERCENT]), NUMBERS),
    st.sampled_from([c.Size(c.SizeUnit.POSITION), c.Size(c.SizeUnit.HALF)]),
    st.integers(1, 5).map(lambda n: c.Size(c.SizeUnit.PRESET, Decimal(n))),
)


@st.composite
def orders(draw: st.DrawFn) -> c.PlaceOrder:
    price = draw(st.none() | PRICES)
    trigger = draw(st.none() | st.none() | PRICES)
    post = trigger is None and price is not None and draw(st.booleans())
    tif = TimeInForce.IOC if price is None and trigger is None else TimeInForce.GTC
    if price is not None and trigger is None and not post:
        tif = draw(st.sampled_from(TimeInForce))
    return c.PlaceOrder(
        side=draw(st.sampled_from(Side)),
        size=draw(SIZES),
        key=draw(st.sampled_from(["", *KEYS])),
        price=price,
        post=post,
        reduce=draw(st.booleans()),
        tif=tif,
        slip_ticks=draw(st.none() | st.integers(0, 1000)) if price is None else None,
        trigger=trigger,
        trigger_by=None if trigger is None else draw(st.none() | st.sampled_from(TriggerBy)),
        take_profit=trigger is not None and draw(st.booleans()),
    )


@settings(max_examples=500, deadline=None)
@given(orders())
def test_every_order_has_a_canonical_line_that_means_it(order: c.PlaceOrder) -> None:
    assert parse(explain(order), SYMBOLS) == [order]


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.builds(c.SetLeverage, NUMBERS, st.sampled_from(["", *KEYS])),
        st.builds(c.SetMarginMode, st.sampled_from(MarginMode), st.sampled_from(["", *KEYS])),
    )
)
def test_margin_commands_have_a_canonical_line(command: c.SetLeverage | c.SetMarginMode) -> None:
    assert parse(explain(command), SYMBOLS) == [command]


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=200))
def test_any_note_survives_the_way_through_its_canonical_line(text: str) -> None:
    command = c.JournalNote(text)
    if text.strip():
        assert parse(explain(command), SYMBOLS) == [command]

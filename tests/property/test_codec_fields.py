"""Sound JSON with wrong values: whatever a field holds or lacks, a codec answers with events and never raises."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import WireError
from jackbot_tui.model.market import BookDelta, BookSnapshot
from jackbot_tui.venues import load_venue
from jackbot_tui.venues.base import Codec
from tests.unit import test_bitget_codec as bitget
from tests.unit import test_bybit_codec as bybit
from tests.unit import test_coinbase_codec as coinbase
from tests.unit import test_cryptocom_codec as cryptocom
from tests.unit import test_gateio_codec as gateio
from tests.unit import test_hyperliquid_codec as hyperliquid
from tests.unit import test_kucoin_codec as kucoin
from tests.unit import test_mexc_codec as mexc

SPOT, LINEAR = MarketKind.SPOT, MarketKind.LINEAR
KINDS = {"coinbase": SPOT}
"""The market whose frames are played where it is not the perpetuals."""
FRAMES = {
    "bitget": [
        bitget.SNAPSHOT, bitget.DELTA, bitget.TRADE, bitget.TICKER,
        bitget.answer("books"), bitget.answer("books", "error"),
    ],
    "bybit": [
        bybit.SNAPSHOT, bybit.DELTA, bybit.TRADE, bybit.TICKER,
        '{"success":true,"ret_msg":"","req_id":"7","op":"subscribe"}',
    ],
    "coinbase": [
        coinbase.SNAPSHOT, coinbase.UPDATE, coinbase.TRADE, coinbase.TICKER, coinbase.beat(4),
        coinbase.held(5, '"level2":["BTC-USD"]'), coinbase.REFUSED,
    ],
    "cryptocom": [
        cryptocom.SNAPSHOT, cryptocom.UPDATE, cryptocom.TRADE, cryptocom.TICKER,
        cryptocom.push("mark", '{"v":"1","t":1}'), cryptocom.push("funding", '{"v":"-0.1","t":1}'),
        '{"id":1,"method":"subscribe","code":40004,"message":"x"}', '{"id":1,"method":"public/heartbeat","code":0}',
    ],
    "gateio": [
        gateio.SNAPSHOT, gateio.DELTA, gateio.TRADE, gateio.TICKER, gateio.BEST, gateio.UPDATE, gateio.ACK,
        gateio.REFUSED,
    ],
    "hyperliquid": [
        hyperliquid.DEEP, hyperliquid.TRADE, hyperliquid.FIGURES, hyperliquid.bbo(1, "1.0 x 1.0", "2.0 x 1.0"),
        '{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"bbo","coin":"BTC"}}}',
        r'{"channel":"error","data":"Already subscribed: {\"type\":\"bbo\",\"coin\":\"BTC\"}"}',
    ],
    "mexc": [
        mexc.DELTA, mexc.TRADE, mexc.TICKER, mexc.FUNDING, mexc.BEST, mexc.ACK, mexc.REFUSED,
    ],
    "kucoin": [
        kucoin.UPDATE, kucoin.TRADE, kucoin.BEST, kucoin.MARK, kucoin.FUNDING, kucoin.ACK, kucoin.REFUSED,
    ],
}  # fmt: skip
LISTINGS = {
    "bitget": bitget.LISTED_LINEAR,
    "bybit": bybit.LISTED_LINEAR,
    "coinbase": coinbase.LISTED,
    "cryptocom": cryptocom.LISTED,
    "gateio": gateio.LISTED_LINEAR,
    "hyperliquid": hyperliquid.LISTED_LINEAR,
    "kucoin": kucoin.LISTED,
    "mexc": mexc.LISTED_LINEAR,
}
WRONG = [
    "null", "true", "0", "-1", "1e308", "1" + "0" * 30, '""', '"0"', '"-1"', '"1e400"', '"NaN"', '"x"', "[]", "{}",
    '"' + "9" * 5000 + '"', '"' + "1" * 39 + '"', "[[]]", "[null]", '[["1","2"]]', "[{}]", '{"a":1}', '"BTC"',
    '"delta"', '"snapshot"', '"ÿ"',
]  # fmt: skip
Path = tuple[str | int, ...]


def paths(value: object, here: Path = ()) -> list[Path]:
    """Ways to everything inside ``value``."""
    children: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [*([here] if here else []), *(path for name, child in children for path in paths(child, (*here, name)))]


def damaged(data: st.DataObject, raw: str) -> str:
    """``raw`` with one value replaced or left out, once or twice."""
    frame = msgspec.json.decode(raw)
    for _ in range(data.draw(st.integers(1, 2))):
        every = paths(frame)
        if every:
            *way, last = data.draw(st.sampled_from(every))
            holder = frame
            for step in way:
                holder = holder[step]
            if data.draw(st.booleans()):
                holder[last] = msgspec.Raw(data.draw(st.sampled_from(WRONG)).encode())
                frame = msgspec.json.decode(msgspec.json.encode(frame))
            else:
                del holder[last]
    return msgspec.json.encode(frame).decode()


def codec_of(name: str, adopting: bool) -> Codec:
    codec = load_venue(name)
    codec.adopt_unknown = adopting
    if not adopting:
        codec.register(codec.decode_instruments(KINDS.get(name, LINEAR), LISTINGS[name]))
    return codec


@pytest.mark.parametrize("name", FRAMES)
@settings(max_examples=300, deadline=None)
@given(st.data(), st.booleans())
def test_no_value_of_any_field_makes_a_codec_raise_or_a_level_unsound(
    name: str, data: st.DataObject, adopting: bool
) -> None:
    codec, kind = codec_of(name, adopting), KINDS.get(name, LINEAR)
    for _ in range(3):
        raw = damaged(data, data.draw(st.sampled_from(FRAMES[name])))
        for event in codec.decode(kind, raw, 5):
            if isinstance(event, BookSnapshot | BookDelta):
                assert all(0 < price <= 1e15 and 0 <= size <= 1e18 for price, size in event.bids + event.asks)
        codec.recognise_http(kind, "", raw, ())
        assert all(each.instrument.tick > 0 and each.price >= 0 for each in codec.infer(kind, [raw]))


@pytest.mark.parametrize("name", LISTINGS)
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_listing_gives_sound_instruments_or_one_line_of_words(name: str, data: st.DataObject) -> None:
    codec = load_venue(name)
    try:
        instruments = codec.decode_instruments(KINDS.get(name, LINEAR), damaged(data, LISTINGS[name]))
    except WireError as error:
        assert name in str(error) and "\n" not in str(error)
    else:
        assert all(each.tick > 0 and each.lot > 0 and each.min_notional >= 0 for each in instruments)

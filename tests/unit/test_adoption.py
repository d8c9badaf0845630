"""Orders placed elsewhere and taken over: found by the venue's id alone, each fill counted once; balances compared."""

from collections.abc import Iterable
from decimal import Decimal

from jackbot_tui.execution.live.account import LiveAccount
from jackbot_tui.execution.live.statements import (
    AccountStatement,
    BalanceStatement,
    OrderStatement,
    OrderWord,
    PositionStatement,
    TradeStatement,
)
from jackbot_tui.execution.live.tracker import ADOPTED, Tracker
from jackbot_tui.model.enums import Liquidity, MarketKind, OrderStatus, OrderType, Side, TimeInForce
from jackbot_tui.model.orders import Order, OrderCanceled, OrderFilled

SYMBOL = "BTC/USDT:USDT"
OURS = "ja000000000001"


def said(filled: str, word: OrderWord = OrderWord.OPEN, client_id: str = "", ts: int = 20) -> OrderStatement:
    return OrderStatement(
        venue_id="77", client_id=client_id, symbol=SYMBOL, word=word, side=Side.BUY, quantity=Decimal(3),
        filled=Decimal(filled), price=Decimal(100), ts=ts,
    )  # fmt: skip


def trade(trade_id: str, ts: int = 10, client_id: str = "") -> TradeStatement:
    return TradeStatement(
        trade_id=trade_id, venue_id="77", client_id=client_id, symbol=SYMBOL, side=Side.BUY, price=Decimal(100),
        quantity=Decimal(1), liquidity=Liquidity.MAKER, fee=Decimal(0), fee_currency="USDT", ts=ts,
    )  # fmt: skip


def adopted(filled: str = "0") -> Order:
    return Order(
        number=1, client_id=OURS, key=f"x:{SYMBOL}", side=Side.BUY, quantity=Decimal(3), type=OrderType.LIMIT,
        price=Decimal(100), tif=TimeInForce.GTC, post_only=False, reduce_only=False, owner=ADOPTED, source="ui",
        parent_id="", tag=ADOPTED, created_ns=5, updated_ns=5, status=OrderStatus.NEW, venue_order_id="77",
        filled=Decimal(filled),
    )  # fmt: skip


def a_tracker() -> Tracker:
    return Tracker(lambda symbol: f"x:{symbol}")


def fills(events: Iterable[object]) -> list[str]:
    return [event.trade_id for event in events if isinstance(event, OrderFilled)]


def test_fills_heard_before_the_adoption_are_counted_once_and_late_ones_as_always() -> None:
    tracker = a_tracker()
    assert tracker.on_trade(trade("t1"), 11) == []
    assert tracker.on_order(said("1"), 12) == [] and list(tracker.foreign) == [f"{SYMBOL} 77"]
    tracker.add(adopted())
    assert tracker.foreign == {}
    events = [*tracker.on_trade(trade("t1"), 13), *tracker.on_order(said("1"), 13), *tracker.on_trade(trade("t1"), 14)]
    assert fills(events) == ["t1"] and not tracker.missing(OURS)
    assert tracker.on_order(said("2", ts=30), 31) == [] and tracker.missing(OURS), "one more is to be fetched"
    assert fills(list(tracker.on_trade(trade("t2"), 32))) == ["t2"]
    (end,) = tracker.on_order(said("2", OrderWord.CANCELED, ts=40), 41)
    assert isinstance(end, OrderCanceled) and end.client_id == OURS


def test_after_a_restart_an_adopted_order_is_found_by_the_venues_id_and_knows_its_fills() -> None:
    tracker = a_tracker()
    tracked = tracker.add(adopted("1"), ["t1"])
    assert (tracked.adopted, tracked.venue_id, tracked.accepted) == (True, "77", True)
    assert tracker.name_of(said("1")) == OURS
    assert tracker.name_of(said("1", client_id="jm99990000000z")) == OURS, "another console's order, by its venue id"
    assert fills([*tracker.on_trade(trade("t1"), 50), *tracker.on_trade(trade("t2"), 51)]) == ["t2"]
    assert tracker.foreign == {}


def test_what_is_closed_at_the_venue_is_foreign_and_revived_no_more() -> None:
    tracker = a_tracker()
    tracker.on_order(said("0"), 12)
    tracker.revived["jm"] = said("0")
    tracker.forget(SYMBOL, "76")
    assert tracker.foreign and tracker.revived
    tracker.forget(SYMBOL, "77")
    assert not tracker.foreign and not tracker.revived


def test_open_profit_is_in_no_balance_whatever_the_venue_counts() -> None:
    linear = AccountStatement(
        balances=(BalanceStatement("USDT", Decimal(990), Decimal(9)), BalanceStatement("BTC", Decimal(1), Decimal(1))),
        positions=(
            PositionStatement(symbol=SYMBOL, quantity=Decimal(1), entry=Decimal(100), unrealized=Decimal(-10)),
        ),
    )  # fmt: skip
    plain, floating = LiveAccount("x"), LiveAccount("x", floating=frozenset({MarketKind.LINEAR}))
    for account in (plain, floating):
        account.take(MarketKind.LINEAR, linear, 1)
    assert plain.totals() == {"USDT": Decimal(990), "BTC": Decimal(1)}
    assert floating.totals() == {"USDT": Decimal(1000), "BTC": Decimal(1)}
    held = floating.holdings()
    assert [(each.kinds, each.currency, each.total) for each in held.wallets] == [
        ("perpetuals", "BTC", Decimal(1)), ("perpetuals", "USDT", Decimal(1000)),
    ]  # fmt: skip
    assert [(each.key, each.quantity) for each in held.positions] == [(f"x:{SYMBOL}", Decimal(1))]

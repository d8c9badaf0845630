"""Orders, fills, balances and positions of accounts as OKX writes them: rows of REST pages and of private channels.

Pure: values of ``sim.requests`` in, dictionaries in OKX's shape out; every figure is text, sizes of swaps count
contracts, fees are negative when paid. Shapes: ../shared/exchanges/okx.md §7 and §8.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, OrderStatus, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.model.transitions import EXACT
from jackbot_tui.sim.ledger import Cause
from jackbot_tui.sim.margin import MONEY
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import Reason, SelfTrade
from jackbot_tui.sim.requests import AccountOrder, Fill, Holding, PositionView, TriggerPrice

STATES = {
    OrderStatus.NEW: "live",
    OrderStatus.PARTIALLY_FILLED: "partially_filled",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELED: "canceled",
    OrderStatus.EXPIRED: "canceled",
    OrderStatus.REJECTED: "canceled",
}
CANCEL_SOURCES = {
    Reason.CANCELED: "1",
    Reason.COUNTDOWN: "20",
    Reason.POST_ONLY: "31",
    Reason.SELF_TRADE: "32",
    Reason.FOK: "13",
    Reason.IOC: "14",
    Reason.NO_LIQUIDITY: "14",
    Reason.REDUCE_ONLY: "17",
    Reason.LIQUIDATION: "3",
    Reason.UNAFFORDABLE: "2",
}
"""Why an order was canceled; "0" (by the system) for everything else."""

SELF_TRADES = {
    SelfTrade.EXPIRE_MAKER: "cancel_maker",
    SelfTrade.EXPIRE_TAKER: "cancel_taker",
    SelfTrade.EXPIRE_BOTH: "cancel_both",
}
BILL_TYPES = {
    Cause.DEPOSIT: "1",
    Cause.TRADE: "2",
    Cause.PROFIT: "2",
    Cause.FEE: "2",
    Cause.LIQUIDATION_FEE: "5",
    Cause.INSURANCE: "5",
    Cause.MARGIN: "6",
    Cause.FUNDING: "8",
}
"""Types of bills: transfer, trade, liquidation, margin transfer, funding fee."""


class Context(Struct, frozen=True):
    """What a row says beyond the order itself: ``mode`` is its ``tdMode``, ``leverage`` "" on spot, ``fees`` those of
    its fills so far; ``parent`` is the algo order that it followed from.
    """

    mode: str
    leverage: str
    fees: Decimal = ZERO
    parent: AccountOrder | None = None
    request_id: str = ""
    tag: str = ""


def amount_text(value: Decimal) -> str:
    """Money and mean prices: to eight decimals, without zeros at the end."""
    return text_of(value.quantize(MONEY, context=EXACT))


def inst_type(market: SimMarket) -> str:
    return "SPOT" if market.kind is MarketKind.SPOT else "SWAP"


def order_type(order: AccountOrder) -> str:
    if order.is_market:
        return "market"
    if order.post_only:
        return "post_only"
    return {TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}.get(order.tif, "limit")


def cancel_source(order: AccountOrder) -> str:
    return CANCEL_SOURCES.get(order.reason, "0") if STATES[order.status] == "canceled" else ""


def fee_currency(market: SimMarket, order: AccountOrder) -> str:
    instrument = market.listing.instrument
    bought = market.kind is MarketKind.SPOT and order.side.sign > 0
    return instrument.base if bought else instrument.settle


def client_id(order: AccountOrder) -> str:
    """Ids that the exchange made itself are none of the client's."""
    return "" if order.client_id == f"auto{order.order_id}" else order.client_id


def order_row(market: SimMarket, order: AccountOrder, context: Context) -> dict[str, Any]:
    """An order without its newest fill, which REST pages and the channel tell in different ways."""
    text, swap = market.text, market.kind is MarketKind.LINEAR
    by_cost = order.cost is not None
    size = text_of(order.cost) if order.cost is not None else text.quantity(order.quantity)
    parent = context.parent
    return {
        "instType": inst_type(market),
        "instId": market.native,
        "ordId": str(order.order_id),
        "clOrdId": "" if parent is not None else client_id(order),
        "tag": context.tag,
        "algoId": "" if parent is None else str(parent.order_id),
        "algoClOrdId": "" if parent is None else client_id(parent),
        "source": "" if parent is None else "7",
        "px": "" if order.is_market else text.price(order.price),
        "sz": size,
        "tgtCcy": ("quote_ccy" if by_cost else "base_ccy") if order.is_market and not swap else "",
        "ordType": order_type(order),
        "side": order.side.value,
        "posSide": "net" if swap else "",
        "tdMode": context.mode,
        "state": STATES[order.status],
        "accFillSz": text.quantity(order.filled),
        "avgPx": text.average(order.value, order.filled).rstrip("0").rstrip(".") if order.filled else "0",
        "fee": amount_text(-context.fees),
        "feeCcy": fee_currency(market, order),
        "rebate": "0",
        "rebateCcy": fee_currency(market, order),
        "lever": context.leverage,
        "reduceOnly": "true" if order.reduce_only else "false",
        "category": "full_liquidation" if order.is_liquidation else "normal",
        "cancelSource": cancel_source(order),
        "stpMode": SELF_TRADES.get(order.self_trade, ""),
        "attachAlgoOrds": [],
        "cTime": str(order.created_ms),
        "uTime": str(order.updated_ms),
    }


def fill_part(market: SimMarket, fill: Fill | None) -> dict[str, str]:
    """The fill that an order's row tells: the newest one on pages, that of the moment on the channel."""
    if fill is None:
        return {
            "fillPx": "", "fillSz": "0", "tradeId": "", "fillTime": "", "execType": "", "fillFee": "0",
            "fillFeeCcy": "", "fillPnl": "0",
        }  # fmt: skip
    return {
        "fillPx": market.text.price(fill.price),
        "fillSz": market.text.quantity(fill.quantity),
        "tradeId": str(fill.trade_id),
        "fillTime": str(fill.ms),
        "execType": "M" if fill.is_maker else "T",
        "fillFee": amount_text(-fill.fee),
        "fillFeeCcy": fill.fee_currency,
        "fillPnl": amount_text(fill.profit),
    }


def fill_row(market: SimMarket, fill: Fill, client_order_id: str) -> dict[str, Any]:
    """A row of ``trade/fills``. Bill ids grow with time, as pages are asked for by them."""
    return {
        "instType": inst_type(market),
        "instId": market.native,
        "tradeId": str(fill.trade_id),
        "ordId": str(fill.order_id),
        "clOrdId": client_order_id,
        "billId": f"{fill.ms}{fill.trade_id % 1_000_000:06d}",
        "tag": "",
        "fillPx": market.text.price(fill.price),
        "fillSz": market.text.quantity(fill.quantity),
        "fillPnl": amount_text(fill.profit),
        "side": fill.side.value,
        "posSide": "net" if market.kind is MarketKind.LINEAR else "",
        "execType": "M" if fill.is_maker else "T",
        "fee": amount_text(-fill.fee),
        "feeCcy": fill.fee_currency,
        "ts": str(fill.ms),
        "fillTime": str(fill.ms),
    }


def algo_state(order: AccountOrder) -> str:
    if order.waiting and order.is_open:
        return "live"
    if order.child_id:
        return "effective"
    return "canceled" if order.status is OrderStatus.CANCELED else "order_failed"


def algo_row(market: SimMarket, order: AccountOrder, kind: str, context: Context) -> dict[str, Any]:
    """A waiting order; ``kind`` is its ``ordType``: trigger or conditional."""
    trigger, text, swap = order.trigger, market.text, market.kind is MarketKind.LINEAR
    price = "-1" if order.is_market else text.price(order.price)
    reached = text.price(trigger.price) if trigger is not None else ""
    by = "mark" if trigger is not None and trigger.by is TriggerPrice.MARK else "last"
    profits = trigger is not None and trigger.takes_profit
    side = "tp" if profits else "sl"
    names = (f"{side}TriggerPx", f"{side}OrdPx", f"{side}TriggerPxType")
    if kind == "trigger":
        names = ("triggerPx", "ordPx", "triggerPxType")
    state = algo_state(order)
    blank = dict.fromkeys(("triggerPx", "ordPx", "slTriggerPx", "slOrdPx", "tpTriggerPx", "tpOrdPx"), "")
    return {
        "instType": inst_type(market),
        "instId": market.native,
        "algoId": str(order.order_id),
        "algoClOrdId": client_id(order),
        "clOrdId": "",
        "ordId": str(order.child_id) if order.child_id else "",
        "ordIdList": [str(order.child_id)] if order.child_id else [],
        "ordType": kind,
        "side": order.side.value,
        "posSide": "net" if swap else "",
        "tdMode": context.mode,
        "sz": text.quantity(order.quantity),
        "tgtCcy": "",
        "state": state,
        "lever": context.leverage,
        "reduceOnly": "true" if order.reduce_only else "false",
        "actualSz": text.quantity(order.quantity) if order.child_id else "0",
        "actualPx": "",
        "triggerTime": str(order.updated_ms) if order.child_id else "",
        "failCode": "51008" if state == "order_failed" else "",
        "tag": context.tag,
        "cTime": str(order.created_ms),
        "uTime": str(order.updated_ms),
        **blank,
        **dict(zip(names, (reached, price, by), strict=True)),
    }


class Money(Struct, frozen=True):
    """One currency of an account: ``total`` with isolated margins, ``profit`` not yet realised, ``margin`` what is left
    to open positions with (None where no contract settles in it), ``holding`` what spot sees.
    """

    currency: str
    total: Decimal
    profit: Decimal
    isolated: Decimal
    margin: Decimal | None
    holding: Holding


def balance_row(moneys: Sequence[Money], now_ms: int) -> dict[str, Any]:
    """The one row of ``account/balance`` and of the channel ``account``."""
    return {
        "uTime": str(now_ms),
        "totalEq": "",
        "adjEq": "",
        "isoEq": amount_text(sum((money.isolated for money in moneys), ZERO)),
        "ordFroz": "",
        "imr": "",
        "mmr": "",
        "mgnRatio": "",
        "details": [_detail(money, now_ms) for money in moneys],
    }


def _detail(money: Money, now_ms: int) -> dict[str, str]:
    free = money.holding.free
    available = free if money.margin is None else max(ZERO, money.margin)
    return {
        "ccy": money.currency,
        "eq": amount_text(money.total + money.profit),
        "cashBal": amount_text(money.total),
        "availBal": amount_text(free),
        "availEq": amount_text(available),
        "frozenBal": amount_text(money.total - free),
        "ordFrozen": amount_text(money.holding.locked),
        "isoEq": amount_text(money.isolated),
        "upl": amount_text(money.profit),
        "eqUsd": "",
        "liab": "0",
        "uTime": str(now_ms),
    }


def position_row(market: SimMarket, view: PositionView, now_ms: int) -> dict[str, Any]:
    instrument = market.listing.instrument
    value = abs(view.quantity) * view.mark
    invested = view.isolated_margin if view.is_isolated else view.initial_margin
    ratio = view.unrealized / invested if invested else ZERO
    liquidation = "" if view.liquidation is None else amount_text(view.liquidation)
    return {
        "instType": "SWAP",
        "instId": market.native,
        "posId": f"{view.account}{market.native.encode().hex()[:14]}",
        "mgnMode": "isolated" if view.is_isolated else "cross",
        "posSide": "net",
        "pos": text_of(view.quantity / market.listing.wire_unit),
        "availPos": "",
        "avgPx": amount_text(view.entry) if view.lots else "",
        "lever": text_of(view.leverage),
        "margin": amount_text(view.isolated_margin) if view.is_isolated else "",
        "imr": "" if view.is_isolated else amount_text(view.initial_margin),
        "mmr": amount_text(view.maintenance),
        "mgnRatio": "",
        "liqPx": liquidation if view.lots else "",
        "markPx": amount_text(view.mark),
        "upl": amount_text(view.unrealized),
        "uplRatio": amount_text(ratio),
        "notionalUsd": amount_text(value),
        "realizedPnl": amount_text(view.realized),
        "ccy": instrument.settle,
        "adl": "1",
        "cTime": str(view.updated_ms),
        "uTime": str(view.updated_ms),
        "pTime": str(now_ms),
    }

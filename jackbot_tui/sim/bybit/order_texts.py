"""What Bybit says of orders, fills, positions and wallets: rows of its pages and private streams (bybit.md §7, §8).

Pure: back office values in, dictionaries ready for JSON out. Contract orders have ``tpslMode`` and ``positionIdx``,
spot orders do not: clients tell them apart by that.
"""

import uuid
import zlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.bybit.texts import trade_number_text
from jackbot_tui.sim.ledger import Entry
from jackbot_tui.sim.margin import Margin
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import Reason
from jackbot_tui.sim.requests import AccountOrder, Fill, PositionView, TriggerPrice

ID_DIGITS = 12
TIMES_IN_FORCE = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
TRIGGERS = {TriggerPrice.LAST: "LastPrice", TriggerPrice.MARK: "MarkPrice"}
REJECTIONS = {
    Reason.POST_ONLY: "EC_PostOnlyWillTakeLiquidity",
    Reason.FOK: "EC_NoEnoughQtyToFill",
    Reason.IOC: "EC_NoImmediateQtyToFill",
    Reason.NO_LIQUIDITY: "EC_NoImmediateQtyToFill",
    Reason.CANCELED: "EC_PerCancelRequest",
    Reason.SELF_TRADE: "EC_BySelfMatch",
    Reason.UNAFFORDABLE: "EC_Others",
}
CANCEL_TYPES = {
    Reason.CANCELED: "CancelByUser",
    Reason.AMENDED_AWAY: "CancelByUser",
    Reason.REDUCE_ONLY: "CancelByReduceOnly",
    Reason.LIQUIDATION: "CancelAllBeforeLiq",
    Reason.SELF_TRADE: "CancelBySmp",
    Reason.COUNTDOWN: "CancelByDCP",
}
_EIGHT = Decimal("1e-8")


def money(amount: Decimal) -> str:
    """To eight decimals, no zeros at the end."""
    return text_of(amount.quantize(_EIGHT).normalize()) if amount else "0"


# --- ids -----------------------------------------------------------------------------------------------------------


def order_id_text(market: SimMarket, order_id: int) -> str:
    """A number on spot, a UUID on perpetuals; no two markets use the same."""
    place = zlib.crc32(market.native.encode())
    if market.kind is MarketKind.SPOT:
        return f"2{place % 10**6:06d}{order_id:0{ID_DIGITS}d}"
    return f"{place:08x}-1b2c-4d5e-8f90-{order_id:0{ID_DIGITS}x}"


def order_id_of(market: SimMarket, text: str) -> int | None:
    """The order that ``text`` names; None for no id of this market."""
    try:
        number = int(text[-ID_DIGITS:], 10 if market.kind is MarketKind.SPOT else 16)
    except ValueError:
        return None
    return number if order_id_text(market, number) == text else None


def link_id_text(order: AccountOrder) -> str:
    """The client's id; the exchange's own stays with it."""
    return "" if order.client_id == f"auto{order.order_id}" else order.client_id


def exec_id_text(market: SimMarket, fill: Fill) -> str:
    """As the public trade bears it."""
    return trade_number_text(market, fill.trade_id)


# --- orders --------------------------------------------------------------------------------------------------------


def status_text(order: AccountOrder) -> str:
    match order.status:
        case OrderStatus.PARTIALLY_FILLED:
            return "PartiallyFilled"
        case OrderStatus.FILLED:
            return "Filled"
    if order.is_open:
        return "Untriggered" if order.waiting else "New"
    if order.reason is Reason.UNAFFORDABLE:
        return "Rejected"
    if order.trigger is not None and order.waiting:
        return "Deactivated"
    return "PartiallyFilledCanceled" if order.kind is MarketKind.SPOT and order.filled else "Cancelled"


def order_row(market: SimMarket, order: AccountOrder, fills: Sequence[Fill]) -> dict[str, Any]:
    """``fills`` are the order's own, oldest first; those after its picture are left out."""
    text, trigger = market.text, order.trigger
    fees = _fees(order, fills)
    open_lots = order.remaining if order.is_open else 0
    spot = market.kind is MarketKind.SPOT
    row: dict[str, Any] = {
        "symbol": market.native,
        "orderId": order_id_text(market, order.order_id),
        "orderLinkId": link_id_text(order),
        "side": side_text(order.side),
        "orderType": "Market" if order.is_market else "Limit",
        "price": text.price(order.price) if order.price else "0",
        "qty": money(order.cost) if order.cost is not None else text.quantity(order.quantity),
        "timeInForce": tif_text(order),
        "orderStatus": status_text(order),
        "rejectReason": "EC_NoError" if order.is_open else REJECTIONS.get(order.reason, "EC_NoError"),
        "cancelType": "UNKNOWN" if order.is_open else CANCEL_TYPES.get(order.reason, "UNKNOWN"),
        "createType": "CreateByLiq" if order.is_liquidation else "CreateByUser",
        "avgPrice": text.average(order.value, order.filled).rstrip("0").rstrip(".") if order.filled else "",
        "leavesQty": text.quantity(open_lots),
        "leavesValue": text.value(open_lots * order.price),
        "cumExecQty": text.quantity(order.filled),
        "cumExecValue": text.value(order.value),
        "cumExecFee": money(sum(fees.values(), ZERO)),
        "cumFeeDetail": {currency: money(fee) for currency, fee in fees.items()},
        "reduceOnly": order.reduce_only,
        "closeOnTrigger": order.close_position,
        "isLeverage": "0" if spot else "",
        "marketUnit": _unit(order) if spot and order.is_market else "",
        "stopOrderType": _stop_type(order),
        "triggerPrice": text.price(trigger.price) if trigger is not None else "",
        "triggerDirection": (1 if trigger.rises else 2) if trigger is not None else 0,
        "triggerBy": TRIGGERS[trigger.by] if trigger is not None else "",
        "takeProfit": "",
        "stopLoss": "",
        "smpType": "None",
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }
    if not spot:
        row |= {"positionIdx": 0, "tpslMode": "UNKNOWN"}
    return row


def _unit(order: AccountOrder) -> str:
    return "baseCoin" if order.cost is None else "quoteCoin"


def tif_text(order: AccountOrder) -> str:
    if order.post_only:
        return "PostOnly"
    return "IOC" if order.is_market else TIMES_IN_FORCE[order.tif]


def side_text(side: Side) -> str:
    return "Buy" if side is Side.BUY else "Sell"


def _stop_type(order: AccountOrder) -> str:
    if order.trigger is None:
        return ""
    return "Stop" if order.kind is MarketKind.LINEAR else "tpslOrder"


def _fees(order: AccountOrder, fills: Sequence[Fill]) -> dict[str, Decimal]:
    fees: dict[str, Decimal] = {}
    left = order.filled
    for fill in fills:
        if left <= 0:
            break
        left -= fill.quantity
        fees[fill.fee_currency] = fees.get(fill.fee_currency, ZERO) + fill.fee
    return fees


# --- fills ---------------------------------------------------------------------------------------------------------


def fill_row(market: SimMarket, order: AccountOrder | None, fill: Fill, leaves: int) -> dict[str, Any]:
    """``leaves``: lots the order still wants after this fill; None for an order that is forgotten."""
    text, instrument = market.text, market.listing.instrument
    rate = instrument.maker_fee if fill.is_maker else instrument.taker_fee
    liquidates = order is not None and order.is_liquidation
    row: dict[str, Any] = {
        "symbol": market.native,
        "orderId": order_id_text(market, fill.order_id),
        "orderLinkId": link_id_text(order) if order is not None else "",
        "side": side_text(fill.side),
        "orderType": "Market" if order is not None and order.is_market else "Limit",
        "orderPrice": text.price(order.price) if order is not None and order.price else "0",
        "orderQty": text.quantity(order.quantity) if order is not None else text.quantity(fill.quantity),
        "leavesQty": text.quantity(leaves),
        "execId": exec_id_text(market, fill),
        "execPrice": text.price(fill.price),
        "execQty": text.quantity(fill.quantity),
        "execValue": text.value(fill.price * fill.quantity),
        "execType": "BustTrade" if liquidates else "Trade",
        "execFee": money(fill.fee),
        "feeCurrency": fill.fee_currency,
        "feeRate": text_of(rate),
        "isMaker": fill.is_maker,
        "stopOrderType": _stop_type(order) if order is not None else "",
        "execTime": str(fill.ms),
        "seq": market.engine.last_update_id,
    }
    if market.kind is MarketKind.LINEAR:
        row |= {"closedSize": "0", "execPnl": money(fill.profit), "createType": "CreateByUser"}
    return row


def fast_row(market: SimMarket, order: AccountOrder, fill: Fill) -> dict[str, Any]:
    """The early word of a fill: no fee."""
    names = ("symbol", "execId", "execPrice", "execQty", "orderId", "orderLinkId", "side", "isMaker", "execTime", "seq")
    row = fill_row(market, order, fill, 0)
    return {name: row[name] for name in names}


def funding_row(market: SimMarket, view: PositionView, entry: Entry, account: int) -> dict[str, Any]:
    """A funding payment among executions: ``execFee`` is what was paid, negative when received."""
    paid = entry.amount if entry.source.account == account else -entry.amount
    size = text_of(abs(view.quantity))
    return {
        "symbol": market.native,
        "orderId": str(uuid.UUID(int=entry.number)),
        "orderLinkId": "",
        "side": side_text(Side.BUY if view.lots > 0 else Side.SELL),
        "orderType": "UNKNOWN",
        "orderPrice": "0",
        "orderQty": "0",
        "leavesQty": "0",
        "execId": str(uuid.UUID(int=entry.number)),
        "execPrice": money(view.mark),
        "execQty": size,
        "execValue": money(abs(view.quantity) * view.mark),
        "execType": "Funding",
        "execFee": money(paid),
        "feeCurrency": entry.source.currency,
        "feeRate": "",
        "isMaker": False,
        "stopOrderType": "UNKNOWN",
        "execTime": str(entry.ms),
        "closedSize": "0",
        "execPnl": "0",
        "createType": "",
        "seq": market.engine.last_update_id,
    }


# --- positions and wallets -----------------------------------------------------------------------------------------


def position_row(market: SimMarket, view: PositionView, *, pushed: bool) -> dict[str, Any]:
    """A push says ``entryPrice`` where the page says ``avgPrice``; a flat one has no side."""
    side = "" if not view.lots else side_text(Side.BUY if view.lots > 0 else Side.SELL)
    return {
        "symbol": market.native,
        "side": side,
        "size": market.text.quantity(abs(view.lots)),
        "positionIdx": 0,
        "positionValue": money(abs(view.quantity) * view.entry),
        "entryPrice" if pushed else "avgPrice": money(view.entry),
        "markPrice": text_of(view.mark),
        "leverage": text_of(view.leverage),
        "breakEvenPrice": money(view.break_even) if view.lots else "",
        "positionIM": money(view.initial_margin),
        "positionMM": money(view.maintenance),
        "positionBalance": money(view.isolated_margin),
        "liqPrice": money(view.liquidation) if view.liquidation is not None else "",
        "unrealisedPnl": money(view.unrealized),
        "curRealisedPnl": money(view.realized),
        "cumRealisedPnl": money(view.realized),
        "positionStatus": "Normal",
        "tpslMode": "Full",
        "tradeMode": 0,
        "riskId": 1,
        "autoAddMargin": 0,
        "adlRankIndicator": 2 if view.lots else 0,
        "createdTime": str(view.updated_ms),
        "updatedTime": str(view.updated_ms),
        "seq": market.engine.last_update_id,
    }


def coin_row(currency: str, total: Decimal, locked: Decimal, margin: Margin | None, price: Decimal) -> dict[str, Any]:
    """One currency of the unified wallet. ``locked``: by spot orders. ``margin`` None: nothing settles in it."""
    unrealized = margin.unrealized if margin is not None else ZERO
    return {
        "coin": currency,
        "equity": money(total + unrealized),
        "usdValue": money((total + unrealized) * price),
        "walletBalance": money(total),
        "locked": money(locked),
        "totalOrderIM": money(margin.order_initial) if margin is not None else "0",
        "totalPositionIM": money(margin.position_initial) if margin is not None else "0",
        "totalPositionMM": money(margin.maintenance) if margin is not None else "0",
        "unrealisedPnl": money(unrealized),
        "cumRealisedPnl": "0",
        "borrowAmount": "0",
        "accruedInterest": "0",
        "bonus": "0",
        "marginCollateral": True,
        "collateralSwitch": True,
    }

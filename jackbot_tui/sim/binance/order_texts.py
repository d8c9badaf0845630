"""Orders, fills and balances of accounts as Binance writes them: rows of REST pages and events of private streams.

Pure: values of ``sim.requests`` in, dictionaries in Binance's shape out. Shapes: ../shared/exchanges/binance.md §7, §8.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import OrderStatus, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import Reason
from jackbot_tui.sim.requests import (
    AccountOrder,
    BalanceEvent,
    Fill,
    Holding,
    OrderChange,
    OrderEvent,
    PositionView,
    TriggerPrice,
)

STATUSES = {
    OrderStatus.NEW: "NEW",
    OrderStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
    OrderStatus.REJECTED: "REJECTED",
}
EXECUTIONS = {
    OrderChange.NEW: "NEW",
    OrderChange.FILL: "TRADE",
    OrderChange.CANCELED: "CANCELED",
    OrderChange.EXPIRED: "EXPIRED",
    OrderChange.TRIGGERED: "NEW",
}
TIMES_IN_FORCE = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
CANCELED_BY_HOUSE = frozenset({Reason.COUNTDOWN, Reason.LIQUIDATION})


def eight(value: Decimal) -> str:
    return f"{value:.8f}"


def spot_type(order: AccountOrder) -> str:
    if order.trigger is not None:
        name = "TAKE_PROFIT" if order.trigger.takes_profit else "STOP_LOSS"
        return name if order.is_market else f"{name}_LIMIT"
    return "LIMIT_MAKER" if order.post_only else "MARKET" if order.is_market else "LIMIT"


def linear_type(order: AccountOrder) -> str:
    return "MARKET" if order.is_market else "LIMIT"


def algo_type(order: AccountOrder) -> str:
    name = "TAKE_PROFIT" if order.trigger is not None and order.trigger.takes_profit else "STOP"
    return f"{name}_MARKET" if order.is_market else name


def linear_tif(order: AccountOrder) -> str:
    return "GTX" if order.post_only else TIMES_IN_FORCE[order.tif]


def status_of(order: AccountOrder) -> str:
    """Spot says EXPIRED_IN_MATCH where self-trade prevention ended the order."""
    if order.status is OrderStatus.EXPIRED and order.reason is Reason.SELF_TRADE:
        return "EXPIRED_IN_MATCH"
    return STATUSES[order.status]


def _average(market: SimMarket, order: AccountOrder) -> str:
    """Mean price of what is filled, with the market's decimals; Binance rounds it down."""
    return market.text.average(order.value, order.filled) if order.filled else "0"


def spot_row(market: SimMarket, order: AccountOrder) -> dict[str, Any]:
    """An order as placing, asking and canceling answer it."""
    text = market.text
    row: dict[str, Any] = {
        "symbol": market.native,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": text.price(order.price),
        "origQty": text.quantity(order.quantity),
        "executedQty": text.quantity(order.filled),
        "origQuoteOrderQty": eight(order.cost or ZERO),
        "cummulativeQuoteQty": text.value(order.value),
        "status": status_of(order),
        "timeInForce": TIMES_IN_FORCE[order.tif],
        "type": spot_type(order),
        "side": order.side.value.upper(),
        "selfTradePreventionMode": order.self_trade.value,
    }
    if order.trigger is not None:
        row["stopPrice"] = text.price(order.trigger.price)
    return row


def spot_query_row(market: SimMarket, order: AccountOrder) -> dict[str, Any]:
    """An order as open orders and history list it."""
    stop = market.text.price(order.trigger.price if order.trigger is not None else 0)
    return spot_row(market, order) | {
        "stopPrice": stop,
        "icebergQty": eight(ZERO),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": not order.waiting,
        "workingTime": -1 if order.waiting else order.created_ms,
    }


def spot_fill_row(market: SimMarket, fill: Fill) -> dict[str, Any]:
    """A fill as placing an order answers it with ``newOrderRespType=FULL``."""
    text = market.text
    return {
        "price": text.price(fill.price),
        "qty": text.quantity(fill.quantity),
        "commission": eight(fill.fee),
        "commissionAsset": fill.fee_currency,
        "tradeId": fill.trade_id,
    }


def spot_trade_row(market: SimMarket, fill: Fill) -> dict[str, Any]:
    return {
        "symbol": market.native,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": market.text.price(fill.price),
        "qty": market.text.quantity(fill.quantity),
        "quoteQty": market.text.value(fill.price * fill.quantity),
        "commission": eight(fill.fee),
        "commissionAsset": fill.fee_currency,
        "time": fill.ms,
        "isBuyer": fill.side.sign > 0,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def linear_row(market: SimMarket, order: AccountOrder) -> dict[str, Any]:
    """An order as placing, changing and canceling answer it."""
    text = market.text
    return {
        "orderId": order.order_id,
        "symbol": market.native,
        "status": STATUSES[order.status],
        "clientOrderId": order.client_id,
        "price": text.price(order.price),
        "origQty": text.quantity(order.quantity),
        "executedQty": text.quantity(order.filled),
        "cumQty": text.quantity(order.filled),
        "timeInForce": linear_tif(order),
        "type": linear_type(order),
        "reduceOnly": order.reduce_only,
        "closePosition": False,
        "side": order.side.value.upper(),
        "positionSide": "BOTH",
        "stopPrice": text.price(0),
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": linear_type(order),
        "priceMatch": "NONE",
        "selfTradePreventionMode": order.self_trade.value,
        "goodTillDate": 0,
        "updateTime": order.updated_ms,
    }


def linear_query_row(market: SimMarket, order: AccountOrder) -> dict[str, Any]:
    """An order as open orders and history list it: with its average price, which answers to placing lack."""
    quote = market.text.value(order.value)
    return linear_row(market, order) | {
        "avgPrice": _average(market, order),
        "cumQuote": quote,
        "time": order.created_ms,
    }


def linear_trade_row(market: SimMarket, fill: Fill) -> dict[str, Any]:
    return {
        "symbol": market.native,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": fill.side.value.upper(),
        "price": market.text.price(fill.price),
        "qty": market.text.quantity(fill.quantity),
        "realizedPnl": eight(fill.profit),
        "quoteQty": market.text.value(fill.price * fill.quantity),
        "commission": eight(fill.fee),
        "commissionAsset": fill.fee_currency,
        "time": fill.ms,
        "positionSide": "BOTH",
        "buyer": fill.side.sign > 0,
        "maker": fill.is_maker,
    }


def algo_row(market: SimMarket, order: AccountOrder) -> dict[str, Any]:
    """A conditional order of USD-M."""
    trigger = order.trigger
    triggered = order.child_id != 0
    return {
        "algoId": order.order_id,
        "clientAlgoId": order.client_id,
        "algoType": "CONDITIONAL",
        "orderType": algo_type(order),
        "symbol": market.native,
        "side": order.side.value.upper(),
        "positionSide": "BOTH",
        "timeInForce": linear_tif(order),
        "quantity": market.text.quantity(order.quantity),
        "algoStatus": algo_status(order),
        "actualOrderId": str(order.child_id) if triggered else "",
        "triggerPrice": market.text.price(trigger.price if trigger is not None else 0),
        "price": market.text.price(order.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": order.self_trade.value,
        "workingType": working_type(order),
        "priceMatch": "NONE",
        "closePosition": order.close_position,
        "priceProtect": False,
        "reduceOnly": order.reduce_only,
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "triggerTime": order.updated_ms if triggered else 0,
        "goodTillDate": 0,
    }


def algo_status(order: AccountOrder) -> str:
    if order.waiting and order.is_open:
        return "NEW"
    return "TRIGGERED" if order.child_id else STATUSES[order.status]


def working_type(order: AccountOrder) -> str:
    by_mark = order.trigger is not None and order.trigger.by is TriggerPrice.MARK
    return "MARK_PRICE" if by_mark else "CONTRACT_PRICE"


# --- events ------------------------------------------------------------------------------------------------------


def execution_report(market: SimMarket, event: OrderEvent, now_ms: int, number: int) -> dict[str, Any]:
    """Spot's event. On a cancel ``c`` is the cancel's id and ``C`` the order's; on an amend ``C`` is the former id."""
    order, fill, text = event.order, event.fill, market.text
    canceled = event.change is OrderChange.CANCELED
    cancel_id = event.request_id or f"web_{order.order_id}_{order.updated_ms}"
    change = "REPLACED" if event.change is OrderChange.AMENDED else EXECUTIONS[event.change]
    if order.reason is Reason.SELF_TRADE and event.change is OrderChange.EXPIRED:
        change = "TRADE_PREVENTION"
    return {
        "e": "executionReport",
        "E": now_ms,
        "s": market.native,
        "c": cancel_id if canceled else order.client_id,
        "S": order.side.value.upper(),
        "o": spot_type(order),
        "f": TIMES_IN_FORCE[order.tif],
        "q": text.quantity(order.quantity),
        "p": text.price(order.price),
        "P": text.price(order.trigger.price if order.trigger is not None else 0),
        "F": eight(ZERO),
        "g": -1,
        "C": order.client_id if canceled else event.request_id,
        "x": change,
        "X": status_of(order),
        "r": "NONE",
        "i": order.order_id,
        "l": text.quantity(fill.quantity if fill else 0),
        "z": text.quantity(order.filled),
        "L": text.price(fill.price if fill else 0),
        "n": eight(fill.fee) if fill else "0",
        "N": fill.fee_currency if fill else None,
        "T": event.ms,
        "t": fill.trade_id if fill else -1,
        "I": number,
        "w": order.is_open and not order.is_market and not order.waiting,
        "m": fill.is_maker if fill else False,
        "M": False,
        "O": order.created_ms,
        "Z": text.value(order.value),
        "Y": text.value(fill.price * fill.quantity) if fill else eight(ZERO),
        "Q": eight(order.cost or ZERO),
        "W": order.created_ms,
        "V": order.self_trade.value,
    }


def account_position(event: BalanceEvent, now_ms: int) -> dict[str, Any]:
    return {"e": "outboundAccountPosition", "E": now_ms, "u": event.ms, "B": [_held(held) for held in event.holdings]}


def _held(holding: Holding) -> dict[str, str]:
    return {"a": holding.currency, "f": eight(holding.free), "l": eight(holding.locked)}


def balance_row(holding: Holding) -> dict[str, str]:
    return {"asset": holding.currency, "free": eight(holding.free), "locked": eight(holding.locked)}


def order_trade_update(
    market: SimMarket, event: OrderEvent, now_ms: int, working: tuple[Decimal, Decimal]
) -> dict[str, Any]:
    """USD-M's event. Commission fields are there only with a fill. ``working``: value of open buys and sells."""
    order, fill, text = event.order, event.fill, market.text
    change = "AMENDMENT" if event.change is OrderChange.AMENDED else EXECUTIONS[event.change]
    body: dict[str, Any] = {
        "s": market.native,
        "c": order.client_id,
        "S": order.side.value.upper(),
        "o": "LIQUIDATION" if order.is_liquidation else linear_type(order),
        "f": linear_tif(order),
        "q": text.quantity(order.quantity),
        "p": text.price(order.price),
        "ap": _average(market, order),
        "sp": "0",
        "x": "CALCULATED" if order.is_liquidation and fill else change,
        "X": "EXPIRED_IN_MATCH" if order.reason is Reason.SELF_TRADE else STATUSES[order.status],
        "i": order.order_id,
        "l": text.quantity(fill.quantity if fill else 0),
        "z": text.quantity(order.filled),
        "L": text.price(fill.price if fill else 0),
    }
    if fill is not None:
        body |= {"N": fill.fee_currency, "n": eight(fill.fee)}
    body |= {
        "T": event.ms,
        "t": fill.trade_id if fill else 0,
        "b": text_of(working[0]),
        "a": text_of(working[1]),
        "m": fill.is_maker if fill else False,
        "R": order.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": linear_type(order),
        "ps": "BOTH",
        "cp": False,
        "rp": eight(fill.profit) if fill else "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": order.self_trade.value,
        "pm": "NONE",
        "gtd": 0,
        "er": "0",
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": now_ms, "T": event.ms, "o": body}


def trade_lite(market: SimMarket, event: OrderEvent, now_ms: int) -> dict[str, Any]:
    """USD-M's early word of a fill, without fee or profit."""
    order, fill, text = event.order, event.fill, market.text
    return {
        "e": "TRADE_LITE",
        "E": now_ms,
        "T": event.ms,
        "s": market.native,
        "q": text.quantity(order.quantity),
        "p": text.price(order.price),
        "m": fill.is_maker if fill else False,
        "c": order.client_id,
        "S": order.side.value.upper(),
        "L": text.price(fill.price if fill else 0),
        "l": text.quantity(fill.quantity if fill else 0),
        "t": fill.trade_id if fill else 0,
        "i": order.order_id,
    }


def algo_update(market: SimMarket, event: OrderEvent, now_ms: int) -> dict[str, Any]:
    order, text = event.order, market.text
    body = {
        "caid": order.client_id,
        "aid": order.order_id,
        "at": "CONDITIONAL",
        "o": algo_type(order),
        "s": market.native,
        "S": order.side.value.upper(),
        "ps": "BOTH",
        "f": linear_tif(order),
        "q": text.quantity(order.quantity),
        "X": algo_status(order),
        "ai": str(order.child_id) if order.child_id else "",
        "ap": "0",
        "aq": "0",
        "act": "0",
        "tp": text.price(order.trigger.price if order.trigger is not None else 0),
        "p": text.price(order.price),
        "V": order.self_trade.value,
        "wt": working_type(order),
        "pm": "NONE",
        "cp": order.close_position,
        "pP": False,
        "R": order.reduce_only,
        "tt": order.updated_ms if order.child_id else 0,
        "gtd": 0,
        "rm": "" if order.child_id or event.change is not OrderChange.EXPIRED else "Reduce Only reject",
    }
    return {"e": "ALGO_UPDATE", "E": now_ms, "T": event.ms, "o": body}


def account_update(event: BalanceEvent, natives: Sequence[str], reason: str, now_ms: int) -> dict[str, Any]:
    """USD-M's event. ``natives`` name the positions' symbols."""
    return {
        "e": "ACCOUNT_UPDATE",
        "E": now_ms,
        "T": event.ms,
        "a": {
            "m": reason,
            "B": [
                {
                    "a": wallet.currency,
                    "wb": eight(wallet.total),
                    "cw": eight(wallet.cross),
                    "bc": text_of(wallet.change),
                }
                for wallet in event.wallets
            ],
            "P": [_position_event(view, native) for view, native in zip(event.positions, natives, strict=True)],
        },
    }


def _position_event(view: PositionView, native: str) -> dict[str, str]:
    return {
        "s": native,
        "pa": text_of(view.quantity),
        "ep": _rounded(view.entry),
        "bep": _rounded(view.break_even),
        "cr": eight(view.realized),
        "up": eight(view.unrealized),
        "mt": "isolated" if view.is_isolated else "cross",
        "iw": eight(view.isolated_margin),
        "ps": "BOTH",
    }


def margin_call(view: PositionView, native: str, now_ms: int) -> dict[str, Any]:
    row = {
        "s": native,
        "ps": "BOTH",
        "pa": text_of(view.quantity),
        "mt": "ISOLATED" if view.is_isolated else "CROSSED",
        "iw": eight(view.isolated_margin),
        "mp": eight(view.mark),
        "up": eight(view.unrealized),
        "mm": eight(view.maintenance),
    }
    return {"e": "MARGIN_CALL", "E": now_ms, "p": [row]}


def position_row(view: PositionView, native: str, margin_asset: str) -> dict[str, Any]:
    """A row of ``/fapi/v3/positionRisk``."""
    value = view.quantity * view.mark
    margin = view.isolated_margin + view.unrealized if view.is_isolated else ZERO
    return {
        "symbol": native,
        "positionSide": "BOTH",
        "positionAmt": text_of(view.quantity),
        "entryPrice": _rounded(view.entry),
        "breakEvenPrice": _rounded(view.break_even),
        "markPrice": eight(view.mark),
        "unRealizedProfit": eight(view.unrealized),
        "liquidationPrice": _rounded(view.liquidation) if view.liquidation is not None else "0",
        "isolatedMargin": eight(margin),
        "notional": eight(value),
        "marginAsset": margin_asset,
        "isolatedWallet": eight(view.isolated_margin),
        "initialMargin": eight(view.initial_margin + view.order_margin),
        "maintMargin": eight(view.maintenance),
        "positionInitialMargin": eight(view.initial_margin),
        "openOrderInitialMargin": eight(view.order_margin),
        "adl": 1,
        "bidNotional": text_of(view.buys),
        "askNotional": text_of(view.sells),
        "updateTime": view.updated_ms,
    }


def _rounded(value: Decimal) -> str:
    return text_of(Decimal(eight(value)))

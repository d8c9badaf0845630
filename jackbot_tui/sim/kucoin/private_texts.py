"""Orders, fills, balances and positions as KuCoin writes them: rows of private pages and data of private topics.

Pure: values of ``sim.requests`` in, dictionaries out. Sizes of perpetuals are contracts. Shapes:
../shared/exchanges/kucoin.md §7 and §8.
"""

from decimal import Decimal
from typing import Any

from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import MarketKind, OrderStatus, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.kucoin.private_auth import Names
from jackbot_tui.sim.margin import Margin
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, Fill, Holding, OrderChange, OrderEvent, PositionView, TriggerPrice

TIMES = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
TRIGGER_PRICES = {TriggerPrice.LAST: "TP", TriggerPrice.MARK: "MP"}
_ENDED = (OrderStatus.CANCELED, OrderStatus.EXPIRED)


def own_client_id(order: AccountOrder) -> str:
    """The client's id; none where the exchange made one up."""
    return "" if order.client_id == f"auto{order.order_id}" else order.client_id


def name_of(names: Names, order: AccountOrder) -> str:
    name = names.spot if order.kind is MarketKind.SPOT else names.futures
    return name(order.key, order.order_id)


def order_type(order: AccountOrder) -> str:
    return "market" if order.is_market else "limit"


def spot_row(market: SimMarket, order: AccountOrder, names: Names, fee: Decimal) -> dict[str, Any]:
    """An order as hf/orders lists it."""
    text, ended = market.text, order.status in _ENDED
    canceled = order.remaining if ended else 0
    by_cost = order.cost is not None
    return {
        "id": name_of(names, order),
        "clientOid": own_client_id(order) or None,
        "symbol": market.native,
        "opType": "DEAL",
        "type": order_type(order),
        "side": order.side.value,
        "price": text.price(order.price),
        "size": "0" if by_cost else text.quantity(order.quantity),
        "funds": text_of(order.cost or ZERO),
        "dealSize": text.quantity(order.filled),
        "dealFunds": text.value(order.value),
        "remainSize": text.quantity(0 if ended or by_cost else order.remaining),
        "remainFunds": "0",
        "cancelledSize": text.quantity(canceled),
        "cancelledFunds": "0",
        "fee": text_of(fee),
        "feeCurrency": market.listing.instrument.quote,
        "stp": None,
        "timeInForce": TIMES[order.tif],
        "postOnly": order.post_only,
        "hidden": False,
        "iceberg": False,
        "visibleSize": "0",
        "cancelAfter": -1,
        "channel": "API",
        "remark": None,
        "tags": None,
        "cancelExist": bool(canceled),
        "active": order.is_open,
        "inOrderBook": order.is_open,
        "tradeType": "TRADE",
        "tax": "0",
        "createdAt": order.created_ms,
        "lastUpdatedAt": order.updated_ms,
    }


def stop_row(market: SimMarket, order: AccountOrder, names: Names) -> dict[str, Any]:
    """A waiting order of spot."""
    trigger = order.trigger
    assert trigger is not None
    waits = order.waiting and order.is_open
    return {
        "id": name_of(names, order),
        "symbol": market.native,
        "userId": f"sim{order.account}",
        "status": "NEW" if waits else "TRIGGERED" if order.child_id else "CANCELLED",
        "type": order_type(order),
        "side": order.side.value,
        "price": market.text.price(order.price),
        "size": market.text.quantity(order.quantity),
        "funds": None,
        "stp": None,
        "timeInForce": TIMES[order.tif],
        "cancelAfter": -1,
        "postOnly": order.post_only,
        "hidden": False,
        "iceberg": False,
        "clientOid": own_client_id(order) or None,
        "tradeType": "TRADE",
        "orderTime": order.created_ms * NS_PER_MS,
        "domainId": "kucoin",
        "createdAt": order.created_ms,
        "stop": "entry" if trigger.rises else "loss",
        "stopTriggerTime": order.updated_ms if order.child_id else None,
        "stopPrice": market.text.price(trigger.price),
    }


def spot_fill(market: SimMarket, fill: Fill, names: Names, kind: str) -> dict[str, Any]:
    instrument = market.listing.instrument
    rate = instrument.maker_fee if fill.is_maker else instrument.taker_fee
    return {
        "id": fill.trade_id,
        "symbol": market.native,
        "tradeId": fill.trade_id,
        "orderId": names.spot(fill.key, fill.order_id),
        "counterOrderId": "",
        "side": fill.side.value,
        "liquidity": "maker" if fill.is_maker else "taker",
        "forceTaker": False,
        "price": market.text.price(fill.price),
        "size": market.text.quantity(fill.quantity),
        "funds": market.text.value(fill.price * fill.quantity),
        "fee": text_of(fill.fee),
        "feeRate": text_of(rate),
        "feeCurrency": fill.fee_currency,
        "stop": "",
        "tradeType": "TRADE",
        "taxRate": "0",
        "tax": "0",
        "type": kind,
        "createdAt": fill.ms,
    }


def account_row(holding: Holding, account: int) -> dict[str, Any]:
    return {
        "id": f"{account:08x}{holding.currency.encode().hex():0>16}"[:24],
        "currency": holding.currency,
        "type": "trade_hf",
        "balance": text_of(holding.total),
        "available": text_of(holding.free),
        "holds": text_of(holding.locked),
    }


def contract_row(market: SimMarket, order: AccountOrder, names: Names, leverage: Decimal, mode: str) -> dict[str, Any]:
    """An order as the perpetuals' orders list it."""
    text, trigger = market.text, order.trigger
    ended = order.status in _ENDED
    return {
        "id": name_of(names, order),
        "symbol": market.native,
        "type": order_type(order),
        "side": order.side.value,
        "price": text.price(order.price) if not order.is_market else None,
        "size": int(text.quantity(order.quantity)),
        "value": text.value(order.quantity * order.price),
        "dealValue": text.value(order.value),
        "dealSize": int(text.quantity(order.filled)),
        "stp": "",
        "stop": ("up" if trigger.rises else "down") if trigger is not None else "",
        "stopPriceType": TRIGGER_PRICES[trigger.by] if trigger is not None else "",
        "stopTriggered": trigger is not None and not order.waiting,
        "stopPrice": text.price(trigger.price) if trigger is not None else None,
        "timeInForce": TIMES[order.tif],
        "postOnly": order.post_only,
        "hidden": False,
        "iceberg": False,
        "leverage": text_of(leverage),
        "forceHold": False,
        "closeOrder": False,
        "visibleSize": None,
        "clientOid": own_client_id(order) or None,
        "remark": None,
        "tags": None,
        "isActive": order.is_open,
        "cancelExist": ended and bool(order.remaining),
        "createdAt": order.created_ms,
        "updatedAt": order.updated_ms,
        "endAt": None if order.is_open else order.updated_ms,
        "orderTime": order.created_ms * NS_PER_MS,
        "settleCurrency": market.listing.instrument.settle,
        "marginMode": mode,
        "positionSide": "BOTH",
        "avgDealPrice": text.average(order.value, order.filled) if order.filled else "0",
        "filledSize": int(text.quantity(order.filled)),
        "filledValue": text.value(order.value),
        "status": "open" if order.is_open else "done",
        "reduceOnly": order.reduce_only,
    }


def contract_fill(market: SimMarket, fill: Fill, names: Names, kind: str, mode: str, *, forced: bool) -> dict[str, Any]:
    instrument = market.listing.instrument
    rate = instrument.maker_fee if fill.is_maker else instrument.taker_fee
    return {
        "symbol": market.native,
        "tradeId": str(fill.trade_id),
        "orderId": names.futures(fill.key, fill.order_id),
        "side": fill.side.value,
        "liquidity": "maker" if fill.is_maker else "taker",
        "forceTaker": False,
        "price": market.text.price(fill.price),
        "size": int(market.text.quantity(fill.quantity)),
        "value": market.text.value(fill.price * fill.quantity),
        "openFeePay": "0",
        "closeFeePay": "0",
        "stop": "",
        "feeRate": text_of(rate),
        "fixFee": "0",
        "feeCurrency": fill.fee_currency,
        "tradeTime": fill.ms * NS_PER_MS,
        "subTradeType": None,
        "marginMode": mode,
        "settleCurrency": instrument.settle,
        "displayType": kind,
        "fee": text_of(fill.fee),
        "orderType": kind,
        "tradeType": "liquid" if forced else "trade",
        "createdAt": fill.ms,
    }


def overview(currency: str, margin: Margin) -> dict[str, Any]:
    """The perpetuals' wallet, whole."""
    return {
        "currency": currency,
        "accountEquity": float(margin.wallet + margin.unrealized),
        "unrealisedPNL": float(margin.unrealized),
        "marginBalance": float(margin.wallet),
        "positionMargin": float(margin.position_initial),
        "orderMargin": float(margin.order_initial),
        "frozenFunds": 0.0,
        "availableBalance": float(max(ZERO, margin.available)),
        "riskRatio": float(margin.maintenance / margin.wallet) if margin.wallet > ZERO else 0.0,
        "maxWithdrawAmount": float(max(ZERO, min(margin.available, margin.cross_wallet))),
        "availableMargin": float(max(ZERO, margin.available)),
    }


def position_row(market: SimMarket, view: PositionView, now_ms: int) -> dict[str, Any]:
    instrument = market.listing.instrument
    cost = view.entry * view.quantity
    return {
        "id": f"3000000000{view.account:04d}{instrument.native.encode().hex()[:8]}",
        "symbol": market.native,
        "autoDeposit": False,
        "crossMode": not view.is_isolated,
        "maintMarginReq": float(1 / instrument.max_leverage / 2),
        "leverage": float(view.leverage),
        "realLeverage": float(view.leverage),
        "delevPercentage": 0.0,
        "openingTimestamp": view.updated_ms,
        "currentTimestamp": now_ms,
        "currentQty": int(view.quantity / instrument.contract_size),
        "currentCost": float(cost),
        "currentComm": 0.0,
        "unrealisedCost": float(cost),
        "realisedGrossCost": 0.0,
        "realisedCost": 0.0,
        "isOpen": bool(view.lots),
        "markPrice": float(view.mark),
        "markValue": float(view.mark * view.quantity),
        "posCost": float(cost),
        "posInit": float(view.initial_margin),
        "posMargin": float(view.isolated_margin if view.is_isolated else view.initial_margin),
        "posMaint": float(view.maintenance),
        "maintMargin": float(view.isolated_margin + view.unrealized if view.is_isolated else view.initial_margin),
        "realisedGrossPnl": float(view.realized),
        "realisedPnl": float(view.realized),
        "unrealisedPnl": float(view.unrealized),
        "unrealisedPnlPcnt": float(view.unrealized / abs(cost)) if cost else 0.0,
        "unrealisedRoePcnt": float(view.unrealized / view.initial_margin) if view.initial_margin else 0.0,
        "avgEntryPrice": float(view.entry),
        "liquidationPrice": float(view.liquidation or ZERO),
        "bankruptPrice": 0.0,
        "settleCurrency": instrument.settle,
        "isInverse": False,
        "marginMode": "ISOLATED" if view.is_isolated else "CROSS",
        "positionSide": "BOTH",
    }


# --- topics ------------------------------------------------------------------------------------------------------


def order_change(market: SimMarket, event: OrderEvent, names: Names, kind: str) -> dict[str, Any]:
    """What an order topic says: ``kind`` is open, match, filled or canceled. Times of spot's orders are in
    milliseconds.
    """
    order, text, spot = event.order, market.text, event.order.kind is MarketKind.SPOT
    left = 0 if kind in ("filled", "canceled") else order.remaining
    data: dict[str, Any] = {
        "symbol": market.native,
        "orderType": order_type(order),
        "side": order.side.value,
        "orderId": name_of(names, order),
        "type": kind,
        "orderTime": order.created_ms * (1 if spot else NS_PER_MS),
        "size": text.quantity(order.quantity),
        "filledSize": text.quantity(order.filled),
        "remainSize": text.quantity(left),
        "canceledSize": text.quantity(order.remaining if kind == "canceled" else 0),
        "price": text.price(order.price),
        "clientOid": own_client_id(order),
        "status": {"open": "open", "match": "match"}.get(kind, "done"),
        "ts": event.ms * NS_PER_MS,
    }
    if spot:
        data["originSize"] = data["size"]
        if order.cost is not None:
            data["originFunds"] = text_of(order.cost)
    else:
        data |= {"marginMode": "", "positionSide": "BOTH", "tradeType": "liquid" if order.is_liquidation else "trade"}
    if kind == "match" and event.fill is not None:
        fill = event.fill
        data |= {
            "matchPrice": text.price(fill.price),
            "matchSize": text.quantity(fill.quantity),
            "tradeId": str(fill.trade_id),
            "liquidity": "maker" if fill.is_maker else "taker",
            "feeType": "makerFee" if fill.is_maker else "takerFee",
        }
    return data


def stop_change(market: SimMarket, event: OrderEvent, names: Names) -> dict[str, Any]:
    """What a topic of waiting orders says."""
    order, trigger = event.order, event.order.trigger
    assert trigger is not None
    kinds = {OrderChange.NEW: "open", OrderChange.TRIGGERED: "triggered"}
    data: dict[str, Any] = {
        "createdAt": order.created_ms,
        "orderId": name_of(names, order),
        "orderType": "stop",
        "side": order.side.value,
        "size": market.text.quantity(order.quantity),
        "stop": "entry" if trigger.rises else "loss",
        "stopPrice": market.text.price(trigger.price),
        "symbol": market.native,
        "tradeType": "TRADE",
        "ts": event.ms * NS_PER_MS,
        "type": kinds.get(event.change, "cancel"),
        "clientOid": own_client_id(order),
    }
    if event.change is OrderChange.TRIGGERED:
        data["triggerSuccess"] = True
    if not order.is_market:
        data["orderPrice"] = market.text.price(order.price)
    return data


def balance_change(held: Holding, before: Holding, event: str, context: dict[str, str], ms: int) -> dict[str, Any]:
    return {
        "accountId": f"sim{held.currency}",
        "currency": held.currency,
        "total": text_of(held.total),
        "available": text_of(held.free),
        "hold": text_of(held.locked),
        "availableChange": text_of(held.free - before.free),
        "holdChange": text_of(held.locked - before.locked),
        "relationContext": context,
        "relationEvent": event,
        "relationEventId": str(ms),
        "time": str(ms),
    }


def wallet_change(currency: str, margin: Margin, isolated: Decimal, version: int, ms: int) -> dict[str, Any]:
    """The perpetuals' wallet; ``isolated`` is what isolated positions hold of it."""
    cross_unrealized = margin.cross_unrealized
    return {
        "currency": currency,
        "walletBalance": text_of(margin.wallet),
        "availableBalance": text_of(max(ZERO, margin.available)),
        "availableMargin": text_of(max(ZERO, margin.available)),
        "holdBalance": "0",
        "equity": text_of(margin.wallet + margin.unrealized),
        "isolatedOrderMargin": "0",
        "isolatedPosMargin": text_of(isolated),
        "isolatedUnPnl": text_of(margin.unrealized - cross_unrealized),
        "isolatedFundingFeeMargin": "0",
        "crossOrderMargin": text_of(margin.order_initial),
        "crossPosMargin": text_of(max(ZERO, margin.position_initial - isolated)),
        "crossUnPnl": text_of(cross_unrealized),
        "totalCrossMargin": text_of(margin.cross_wallet + cross_unrealized),
        "maxWithdrawAmount": text_of(max(ZERO, min(margin.available, margin.cross_wallet))),
        "version": str(version),
        "timestamp": str(ms),
    }

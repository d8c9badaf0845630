"""Orders, fills, balances and positions of accounts as Gate writes them: rows of pages and of private channels.

Pure: values of ``sim.requests`` in, dictionaries in Gate's shape out. Shapes: ../shared/exchanges/gateio.md §7 and §8.
Sizes of perpetuals are contracts, signed by side: decimal texts where ``X-Gate-Size-Decimal`` asks for them
(``whole``), else integers cut towards zero. Private channels of perpetuals write prices and fees as JSON numbers,
pages as texts.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from jackbot_tui.model.enums import OrderStatus, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.gateio.texts import seconds, size_text
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import Reason
from jackbot_tui.sim.requests import AccountOrder, Fill, Holding, OrderChange, PositionView, TriggerPrice

FIRST_USER = 10_000_000
OWN_TEXT = ("t-", "liq-")
"""Beginnings of texts that an order keeps; without one, Gate names the way by which the order came."""

TIMES = {TimeInForce.GTC: "gtc", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}
SPOT_ENDS = {Reason.IOC: "ioc", Reason.FOK: "fok", Reason.POST_ONLY: "poc", Reason.SELF_TRADE: "stp",
             Reason.NO_LIQUIDITY: "depth_not_enough"}  # fmt: skip
LINEAR_ENDS = {
    Reason.IOC: "ioc", Reason.FOK: "ioc", Reason.POST_ONLY: "cancelled", Reason.SELF_TRADE: "stp",
    Reason.NO_LIQUIDITY: "ioc", Reason.REDUCE_ONLY: "reduce_only", Reason.LIQUIDATION: "liquidated",
}  # fmt: skip
EVENTS = {OrderChange.NEW: "put", OrderChange.AMENDED: "update"}
NONE = "0"


def user_id(account: int) -> int:
    """The account's uid: private channels of perpetuals name it."""
    return FIRST_USER + account


def number(value: Decimal) -> msgspec.Raw:
    """A JSON number with all its digits."""
    return msgspec.Raw(text_of(value).encode())


def own_text(order_text: str, otherwise: str) -> str:
    return order_text if order_text.startswith(OWN_TEXT) else otherwise


def average(market: SimMarket, order: AccountOrder) -> str:
    return text_of(Decimal(market.text.average(order.value, order.filled))) if order.filled else NONE


def tif(order: AccountOrder) -> str:
    if order.post_only:
        return "poc"
    return "ioc" if order.is_market and order.tif is TimeInForce.GTC else TIMES[order.tif]


# --- spot ----------------------------------------------------------------------------------------------------------


def spot_finish(order: AccountOrder) -> str:
    if order.is_open:
        return "open"
    if order.status is OrderStatus.FILLED:
        return "filled"
    return SPOT_ENDS.get(order.reason, "cancelled")


def _value(market: SimMarket, order: AccountOrder) -> Decimal:
    instrument = market.listing.instrument
    return order.value * instrument.tick * instrument.lot


def spot_row(market: SimMarket, order: AccountOrder, wire_id: int, fills: Sequence[Fill]) -> dict[str, Any]:
    """An order as pages and ``spot.orders`` write it. A market buy counts quote currency."""
    instrument, text = market.listing.instrument, market.text
    amount, left = Decimal(text.base(order.quantity)), Decimal(text.base(order.remaining))
    if order.cost is not None:
        amount, left = order.cost, order.cost - _value(market, order)
    is_open = order.is_open
    status = "open" if is_open else "closed" if order.status is OrderStatus.FILLED else "cancelled"
    fee = sum((fill.fee for fill in fills), ZERO)
    fee_currency = instrument.base if order.side is Side.BUY else instrument.quote
    return {
        "id": str(wire_id),
        "text": own_text(order.client_id, "apiv4"),
        "amend_text": "-",
        "create_time": str(order.created_ms // 1000),
        "update_time": str(order.updated_ms // 1000),
        "create_time_ms": order.created_ms,
        "update_time_ms": order.updated_ms,
        "status": status,
        "currency_pair": market.native,
        "type": "market" if order.is_market else "limit",
        "account": "spot",
        "side": order.side.value,
        "amount": text_of(amount),
        "price": text.price(order.price),
        "time_in_force": tif(order),
        "iceberg": NONE,
        "left": text_of(left),
        "filled_amount": text.base(order.filled),
        "fill_price": text_of(_value(market, order)),
        "filled_total": text_of(_value(market, order)),
        "avg_deal_price": average(market, order),
        "fee": text_of(fee),
        "fee_currency": fills[0].fee_currency if fills else fee_currency,
        "point_fee": NONE,
        "gt_fee": NONE,
        "gt_maker_fee": NONE,
        "gt_taker_fee": NONE,
        "gt_discount": False,
        "rebated_fee": NONE,
        "rebated_fee_currency": instrument.quote if order.side is Side.BUY else instrument.base,
        "stp_id": 1,
        "stp_act": "cn",
        "finish_as": spot_finish(order),
    }


def spot_event(market: SimMarket, change: OrderChange, row: dict[str, Any], order: AccountOrder) -> dict[str, Any]:
    """A row of ``spot.orders``, whose times are texts."""
    event = EVENTS.get(change) or ("update" if order.is_open else "finish")
    times = {name: str(row[name]) for name in ("create_time_ms", "update_time_ms")}
    return row | times | {"user": user_id(order.account), "event": event, "biz_info": "-"}


def spot_trade_row(market: SimMarket, fill: Fill, wire_id: int) -> dict[str, Any]:
    return {
        "id": str(fill.trade_id),
        "create_time": str(fill.ms // 1000),
        "create_time_ms": f"{fill.ms}.000000",
        "currency_pair": market.native,
        "side": fill.side.value,
        "role": "maker" if fill.is_maker else "taker",
        "amount": market.text.base(fill.quantity),
        "price": market.text.price(fill.price),
        "order_id": str(wire_id),
        "fee": text_of(fill.fee),
        "fee_currency": fill.fee_currency,
        "point_fee": NONE,
        "gt_fee": NONE,
        "amend_text": "-",
        "sequence_id": str(fill.trade_id),
        "text": own_text(fill.client_id, "apiv4"),
    }


def spot_trade_event(market: SimMarket, fill: Fill, wire_id: int) -> dict[str, Any]:
    row = spot_trade_row(market, fill, wire_id)
    more = {"id": fill.trade_id, "user_id": user_id(fill.account), "id_market": fill.trade_id}
    return row | more | {"create_time": fill.ms // 1000}


def account_row(holding: Holding) -> dict[str, Any]:
    return {
        "currency": holding.currency, "available": text_of(holding.free), "locked": text_of(holding.locked),
        "update_id": 1,
    }  # fmt: skip


def balance_event(account: int, holding: Holding, before: Holding | None, ms: int, change_type: str) -> dict[str, Any]:
    """A row of ``spot.balances``; ``before`` is what was told last."""
    total, locked = (before.total, before.locked) if before is not None else (holding.total, ZERO)
    return {
        "timestamp": str(ms // 1000),
        "timestamp_ms": str(ms),
        "user": str(user_id(account)),
        "currency": holding.currency,
        "change": text_of(holding.total - total),
        "total": text_of(holding.total),
        "available": text_of(holding.free),
        "freeze": text_of(holding.locked),
        "freeze_change": text_of(holding.locked - locked),
        "change_type": change_type,
    }


def spot_trigger_row(market: SimMarket, order: AccountOrder, wire_id: int, fired: int) -> dict[str, Any]:
    """A price-triggered order. ``fired`` is the order that followed, 0 while there is none."""
    trigger, text = order.trigger, market.text
    assert trigger is not None
    return {
        "id": wire_id,
        "market": market.native,
        "user": user_id(order.account),
        "trigger": {"price": text.price(trigger.price), "rule": ">=" if trigger.rises else "<=", "expiration": 86_400},
        "put": {
            "type": "market" if order.is_market else "limit",
            "side": order.side.value,
            "price": text.price(order.price),
            "amount": text.base(order.quantity) if order.cost is None else text_of(order.cost),
            "account": "normal",
            "time_in_force": tif(order),
            "text": own_text(order.client_id, "api"),
        },
        "ctime": order.created_ms // 1000,
        "ftime": 0 if order.waiting and order.is_open else order.updated_ms // 1000,
        "fired_order_id": fired,
        "status": trigger_status(order, ("open", "finish", "cancelled", "failed")),
        "reason": "",
    }


def trigger_status(order: AccountOrder, words: tuple[str, str, str, str]) -> str:
    """Of ``words``: waiting, set off, canceled, failed when it was set off."""
    if order.is_open and order.waiting:
        return words[0]
    if order.child_id:
        return words[1]
    return words[2] if order.status is OrderStatus.CANCELED else words[3]


# --- perpetuals ----------------------------------------------------------------------------------------------------


def size(market: SimMarket, lots: int, *, whole: bool) -> msgspec.Raw:
    """Signed contracts: a text where ``whole``, else an integer."""
    text = ("-" if lots < 0 else "") + size_text(market, abs(lots), whole=whole)
    return msgspec.Raw((f'"{text}"' if whole else text).encode())


def linear_finish(order: AccountOrder) -> str:
    """Empty while the order is open."""
    if order.is_open:
        return ""
    if order.status is OrderStatus.FILLED:
        return "filled"
    return LINEAR_ENDS.get(order.reason, "cancelled")


def linear_row(market: SimMarket, order: AccountOrder, wire_id: int, *, whole: bool) -> dict[str, Any]:
    """An order as pages write it."""
    instrument, sign = market.listing.instrument, order.side.sign
    row: dict[str, Any] = {
        "id": wire_id,
        "user": user_id(order.account),
        "contract": market.native,
        "create_time": msgspec.Raw(seconds(order.created_ms).encode()),
        "update_time": msgspec.Raw(seconds(order.updated_ms).encode()),
        "size": size(market, sign * order.quantity, whole=whole),
        "iceberg": 0,
        "left": size(market, sign * order.remaining, whole=whole),
        "price": market.text.price(order.price),
        "fill_price": average(market, order),
        "tif": tif(order),
        "text": own_text(order.client_id, "api"),
        "is_reduce_only": order.reduce_only,
        "is_close": False,
        "is_liq": order.is_liquidation,
        "status": "open" if order.is_open else "finished",
        "tkfr": text_of(instrument.taker_fee),
        "mkfr": text_of(instrument.maker_fee),
        "refu": 0,
        "refr": NONE,
        "stp_id": 1,
        "stp_act": "cn",
        "amend_text": "-",
        "biz_info": "-",
    }
    if not order.is_open:
        row |= {"finish_as": linear_finish(order), "finish_time": row["update_time"]}
    return row


def linear_event(
    market: SimMarket, change: OrderChange, row: dict[str, Any], order: AccountOrder, update_id: int
) -> dict[str, Any]:
    """A row of ``futures.orders``, whose figures are numbers."""
    figures = {name: msgspec.Raw(row[name].encode()) for name in ("price", "fill_price", "tkfr", "mkfr", "refr")}
    alive = "_new" if change is OrderChange.NEW else "_update"
    return (
        row
        | figures
        | {
            "user": str(user_id(order.account)),
            "create_time": order.created_ms // 1000,
            "create_time_ms": order.created_ms,
            "update_time": order.updated_ms,
            "finish_time": 0 if order.is_open else order.updated_ms // 1000,
            "finish_time_ms": 0 if order.is_open else order.updated_ms,
            "finish_as": alive if order.is_open else linear_finish(order),
            "update_id": update_id,
        }
    )


def linear_trade_row(market: SimMarket, fill: Fill, wire_id: int, *, whole: bool, named: str = "id") -> dict[str, Any]:
    """``named``: what the page calls the trade's id."""
    return {
        named: str(fill.trade_id),
        "create_time": msgspec.Raw(seconds(fill.ms).encode()),
        "contract": market.native,
        "order_id": str(wire_id),
        "size": size(market, fill.side.sign * fill.quantity, whole=whole),
        "close_size": size(market, 0, whole=whole),
        "price": market.text.price(fill.price),
        "role": "maker" if fill.is_maker else "taker",
        "text": own_text(fill.client_id, "api"),
        "fee": text_of(fill.fee),
        "point_fee": NONE,
    }


def linear_trade_event(market: SimMarket, fill: Fill, wire_id: int, *, whole: bool) -> dict[str, Any]:
    row = linear_trade_row(market, fill, wire_id, whole=whole)
    return row | {
        "create_time": fill.ms // 1000, "create_time_ms": fill.ms, "fee": number(fill.fee), "point_fee": 0,
    }  # fmt: skip


def linear_trigger_row(
    market: SimMarket, order: AccountOrder, wire_id: int, fired: int, *, whole: bool
) -> dict[str, Any]:
    trigger = order.trigger
    assert trigger is not None
    row: dict[str, Any] = {
        "user": user_id(order.account),
        "id": wire_id,
        "id_string": str(wire_id),
        "trigger": {
            "strategy_type": 0,
            "price_type": 1 if trigger.by is TriggerPrice.MARK else 0,
            "price": market.text.price(trigger.price),
            "rule": 1 if trigger.rises else 2,
            "expiration": 0,
        },
        "initial": {
            "contract": market.native,
            "size": size(market, order.side.sign * order.quantity, whole=whole),
            "price": market.text.price(order.price),
            "tif": tif(order),
            "text": own_text(order.client_id, "api"),
            "is_close": order.close_position,
            "is_reduce_only": order.reduce_only,
        },
        "trade_id": fired,
        "status": trigger_status(order, ("open", "finished", "finished", "finished")),
        "create_time": order.created_ms // 1000,
        "reason": "",
    }
    if row["status"] != "open":
        row["finish_as"] = trigger_status(order, ("", "succeeded", "cancelled", "failed"))
        row["finish_time"] = order.updated_ms // 1000
    return row


def position_row(market: SimMarket, view: PositionView, pending: int, *, whole: bool) -> dict[str, Any]:
    """One-way positions; leverage 0 is cross."""
    instrument = market.listing.instrument
    leverage = text_of(view.leverage)
    margin = view.isolated_margin if view.is_isolated else view.initial_margin
    return {
        "user": user_id(view.account),
        "contract": market.native,
        "size": size(market, view.lots, whole=whole),
        "leverage": leverage if view.is_isolated else NONE,
        "cross_leverage_limit": NONE if view.is_isolated else leverage,
        "leverage_max": text_of(instrument.max_leverage),
        "risk_limit": "1000000",
        "maintenance_rate": "0.005",
        "value": text_of(abs(view.quantity * view.mark)),
        "margin": text_of(_eight(margin)),
        "entry_price": text_of(_eight(view.entry)),
        "liq_price": NONE if view.liquidation is None else text_of(_eight(view.liquidation)),
        "mark_price": text_of(view.mark),
        "initial_margin": text_of(_eight(view.initial_margin)),
        "maintenance_margin": text_of(_eight(view.maintenance)),
        "unrealised_pnl": text_of(_eight(view.unrealized)),
        "realised_pnl": text_of(_eight(view.realized)),
        "history_pnl": NONE,
        "last_close_pnl": NONE,
        "realised_point": NONE,
        "history_point": NONE,
        "adl_ranking": 5,
        "pending_orders": pending,
        "close_order": None,
        "mode": "single",
        "update_time": view.updated_ms // 1000,
        "update_id": 0,
        "open_time": view.updated_ms // 1000 if view.lots else 0,
        "trade_max_size": NONE,
    }


_NUMBERS = (
    "leverage", "cross_leverage_limit", "leverage_max", "risk_limit", "maintenance_rate", "margin", "entry_price",
    "liq_price", "realised_pnl", "history_pnl", "last_close_pnl", "realised_point", "history_point",
)  # fmt: skip


def position_event(row: Mapping[str, Any], account: int, update_id: int, ms: int) -> dict[str, Any]:
    """A row of ``futures.positions``, whose figures are numbers."""
    figures = {name: msgspec.Raw(row[name].encode()) for name in _NUMBERS}
    return {
        "contract": row["contract"], "size": row["size"], "mode": row["mode"], **figures,
        "user": str(user_id(account)), "update_id": update_id, "time": ms // 1000, "time_ms": ms,
    }  # fmt: skip


def wallet_event(account: int, currency: str, total: Decimal, change: Decimal, kind: str, ms: int) -> dict[str, Any]:
    """A row of ``futures.balances``."""
    return {
        "balance": number(_eight(total)), "change": number(_eight(change)), "text": "-", "time": ms // 1000,
        "time_ms": ms, "type": kind, "user": str(user_id(account)), "currency": currency.lower(),
    }  # fmt: skip


def _eight(value: Decimal) -> Decimal:
    return Decimal(f"{value:.8f}")

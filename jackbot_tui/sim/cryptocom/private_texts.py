"""Orders, fills, balances and positions of accounts as Crypto.com writes them, for pages and channels alike.

Pure: values of ``sim.requests`` in, dictionaries in the venue's shape out. Fees of fills are negative when paid, those
of orders positive. Shapes: ../shared/exchanges/cryptocom.md §7 and the venue's pages on orders and trades.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind, OrderStatus, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.model.transitions import EXACT
from jackbot_tui.sim.margin import MONEY
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import Reason
from jackbot_tui.sim.requests import AccountOrder, Fill, Holding, PositionView, TriggerPrice

STATUSES = {
    OrderStatus.NEW: "ACTIVE",
    OrderStatus.PARTIALLY_FILLED: "ACTIVE",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELED: "CANCELED",
    OrderStatus.EXPIRED: "CANCELED",
    OrderStatus.REJECTED: "REJECTED",
}
REASONS = {
    Reason.POST_ONLY: "43005",
    Reason.FOK: "43003",
    Reason.IOC: "43004",
    Reason.NO_LIQUIDITY: "43004",
    Reason.SELF_TRADE: "43012",
    Reason.REDUCE_ONLY: "1110",
    Reason.UNAFFORDABLE: "306",
    Reason.LIQUIDATION: "311",
}
"""Reason codes of orders that ended by themselves."""

TIMES = {
    TimeInForce.GTC: "GOOD_TILL_CANCEL",
    TimeInForce.IOC: "IMMEDIATE_OR_CANCEL",
    TimeInForce.FOK: "FILL_OR_KILL",
}
NS_PER_MS = 1_000_000


def account_id(account: int) -> str:
    return f"52e7c00f-1324-4a6a-bfde-{account:012d}"


def money(value: Decimal) -> str:
    return text_of(value.quantize(MONEY, context=EXACT))


def order_type(order: AccountOrder) -> str:
    if order.trigger is None:
        return "MARKET" if order.is_market else "LIMIT"
    if order.trigger.takes_profit:
        return "TAKE_PROFIT" if order.is_market else "TAKE_PROFIT_LIMIT"
    return "STOP_LOSS" if order.is_market else "STOP_LIMIT"


def client_id(order: AccountOrder, unnamed: str) -> str:
    """``unnamed``: what the venue calls an order whose sender did not."""
    return unnamed if order.client_id == f"auto{order.order_id}" else order.client_id


def fee_currency(market: SimMarket, order: AccountOrder) -> str:
    instrument = market.listing.instrument
    return instrument.base if market.kind is MarketKind.SPOT and order.side.sign > 0 else instrument.settle


def order_row(market: SimMarket, order: AccountOrder, wire_id: str, fees: Decimal, unnamed: str = "") -> dict[str, Any]:
    """``fees`` of its fills so far."""
    text, instrument = market.text, market.listing.instrument
    instructions = [
        name
        for name, given in (("POST_ONLY", order.post_only), ("REDUCE_ONLY", order.reduce_only))
        if given and not order.is_liquidation
    ]
    if order.is_liquidation:
        instructions.append("LIQUIDATION")
    trigger: dict[str, str] = {}
    if order.trigger is not None:
        by = "MARK_PRICE" if order.trigger.by is TriggerPrice.MARK else "LAST_PRICE"
        trigger = {"ref_price": text.price(order.trigger.price), "ref_price_type": by}
    reason = REASONS.get(order.reason, "") if not order.is_open else ""
    return {
        "account_id": account_id(order.account),
        "order_id": wire_id,
        "client_oid": client_id(order, unnamed),
        "order_type": order_type(order),
        "time_in_force": TIMES[order.tif],
        "side": order.side.value.upper(),
        "exec_inst": instructions,
        "quantity": text.quantity(order.quantity),
        **({} if order.is_market else {"limit_price": text.price(order.price)}),
        **trigger,
        "order_value": text.value(order.price * order.quantity),
        "maker_fee_rate": text_of(instrument.maker_fee),
        "taker_fee_rate": text_of(instrument.taker_fee),
        "avg_price": text.average(order.value, order.filled) if order.filled else "0",
        "cumulative_quantity": text.quantity(order.filled),
        "cumulative_value": text.value(order.value),
        "cumulative_fee": money(fees),
        "status": STATUSES[order.status],
        "update_user_id": account_id(order.account),
        "instrument_name": market.native,
        "fee_instrument_name": fee_currency(market, order),
        **({"reason": reason} if reason else {}),
        "create_time": order.created_ms,
        "create_time_ns": str(order.created_ms * NS_PER_MS),
        "update_time": order.updated_ms,
        "transaction_time_ns": str(order.updated_ms * NS_PER_MS),
        "isolation_type": "CROSS_MARGIN",
    }


def fill_ns(fill: Fill) -> int:
    """A moment of its own for each fill: pages are asked for by them."""
    return fill.ms * NS_PER_MS + fill.trade_id % NS_PER_MS


def fill_row(market: SimMarket, fill: Fill, wire_id: str, client_order_id: str) -> dict[str, Any]:
    return {
        "account_id": account_id(fill.account),
        "journal_type": "TRADING",
        "side": fill.side.value.upper(),
        "instrument_name": market.native,
        "order_id": wire_id,
        "client_oid": client_order_id,
        "trade_id": str(fill.trade_id),
        "trade_match_id": str(fill.trade_id),
        "traded_price": market.text.price(fill.price),
        "traded_quantity": market.text.quantity(fill.quantity),
        "fees": money(-fill.fee),
        "fee_instrument_name": fill.fee_currency,
        "taker_side": "MAKER" if fill.is_maker else "TAKER",
        "create_time": fill.ms,
        "create_time_ns": str(fill_ns(fill)),
        "match_count": "1",
        "match_index": "0",
    }


def balance_row(holdings: Sequence[Holding], figures: dict[str, Decimal]) -> dict[str, Any]:
    """The one row of ``user-balance``; ``figures`` are sums of the perpetuals' wallet."""
    return {
        **{name: money(value) for name, value in figures.items()},
        "instrument_name": "USD",
        "is_liquidating": False,
        "position_balances": [
            {
                "instrument_name": held.currency,
                "quantity": money(held.total),
                "reserved_qty": money(held.locked),
                "market_value": "0",
                "collateral_eligible": held.currency == "USD",
                "collateral_amount": money(held.total) if held.currency == "USD" else "0",
                "max_withdrawal_balance": money(max(ZERO, held.free)),
                "hourly_interest_rate": "0",
            }
            for held in holdings
        ],
    }


def position_row(market: SimMarket, view: PositionView) -> dict[str, Any]:
    cost = EXACT.multiply(view.quantity, view.entry)
    return {
        "account_id": account_id(view.account),
        "instrument_name": market.native,
        "type": "PERPETUAL_SWAP",
        "quantity": text_of(view.quantity),
        "cost": money(cost),
        "open_pos_cost": money(cost),
        "open_position_pnl": money(view.unrealized),
        "session_pnl": money(view.realized),
        "leverage": text_of(view.leverage),
        "liquidation_price": "" if view.liquidation is None else money(view.liquidation),
        "isolation_type": "CROSS_MARGIN",
        "update_timestamp_ms": view.updated_ms,
    }

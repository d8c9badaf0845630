"""What Bitget (v3, unified account) says of orders, fills, positions and wallets: rows of pages and of private streams.

Pure: back office values in, dictionaries ready for JSON out. Pages write categories in upper case and ``NO``, streams
in lower case and ``no`` (bitget.md §7 and §8). Fees are positive when paid.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind, OrderStatus, TimeInForce
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.bitget.texts import category_of
from jackbot_tui.sim.margin import Margin
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import Reason
from jackbot_tui.sim.requests import AccountOrder, Fill, PositionView

FIRST_ORDER = 1_420_000_000_000_000_000
FIRST_FILL = 1_320_000_000_000_000_000
PER_MARKET = 10**13
"""Ids of orders and fills are the account's alone, whatever the market: each market has a range of its own."""

TIMES_IN_FORCE = {TimeInForce.GTC: "gtc", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}
STATUSES = {
    OrderStatus.NEW: "live",
    OrderStatus.PARTIALLY_FILLED: "partially_filled",
    OrderStatus.FILLED: "filled",
}
"""Everything else is ``cancelled``."""

CANCEL_REASONS = {
    Reason.CANCELED: "normal_cancel",
    Reason.POST_ONLY: "post_only_cancel",
    Reason.IOC: "ioc_cancel",
    Reason.FOK: "fok_cancel",
    Reason.NO_LIQUIDITY: "ioc_cancel",
    Reason.REDUCE_ONLY: "reduce_only_cancel",
    Reason.SELF_TRADE: "stp_cancel",
    Reason.LIQUIDATION: "liquidation_cancel",
    Reason.COUNTDOWN: "countdown_cancel",
}
MODES = {True: "isolated", False: "crossed"}
_EIGHT = Decimal("1e-8")


def money(amount: Decimal) -> str:
    """To eight decimals, no zeros at the end."""
    return text_of(amount.quantize(_EIGHT).normalize()) if amount else "0"


class Numbers:
    """Ids on the wire, and the orders that they name. ``places`` numbers the markets by key."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        self._places = {key: number for number, key in enumerate(keys)}

    def order(self, key: str, order_id: int) -> str:
        return str(FIRST_ORDER + self._places[key] * PER_MARKET + order_id)

    def find(self, text: str) -> tuple[str, int] | None:
        """Instrument key and order id; None for no id of ours."""
        if not text.isascii() or not text.isdigit() or len(text) > 20 or int(text) < FIRST_ORDER:
            return None
        place, order_id = divmod(int(text) - FIRST_ORDER, PER_MARKET)
        return (self._keys[place], order_id) if place < len(self._keys) else None

    def fill(self, fill: Fill) -> str:
        """A trade between two own orders is one execution for each."""
        return str(FIRST_FILL + self._places[fill.key] * PER_MARKET + 2 * fill.trade_id + fill.is_maker)


def client_id_text(order: AccountOrder) -> str:
    """The exchange makes one up where the client gave none."""
    return order.client_id


def status_text(order: AccountOrder) -> str:
    return STATUSES.get(order.status, "cancelled")


def order_row(
    market: SimMarket, order: AccountOrder, fills: Sequence[Fill], numbers: Numbers, *, isolated: bool, pushed: bool
) -> dict[str, Any]:
    """``fills`` are the order's own, oldest first; those after its picture are left out."""
    text, perpetual = market.text, market.kind is MarketKind.LINEAR
    category = category_of(market.listing.instrument)
    average = text.average(order.value, order.filled).rstrip("0").rstrip(".") if order.filled else "0"
    reduces = "yes" if order.reduce_only else "no"
    row: dict[str, Any] = {
        "orderId": numbers.order(order.key, order.order_id),
        "clientOid": client_id_text(order),
        "category": category.lower() if pushed else category,
        "symbol": market.native,
        "orderType": "market" if order.is_market else "limit",
        "side": order.side.value,
        "price": text.price(order.price) if order.price else "0",
        "qty": money(order.cost) if order.cost is not None else text.quantity(order.quantity),
        "amount": money(order.cost) if order.cost is not None else "0",
        "cumExecQty": text.quantity(order.filled),
        "cumExecValue": text.value(order.value),
        "avgPrice": average,
        "timeInForce": "post_only" if order.post_only else TIMES_IN_FORCE[order.tif],
        "orderStatus": status_text(order),
        "holdMode": "one_way_mode",
        "marginMode": MODES[isolated],
        "reduceOnly": reduces if pushed else reduces.upper(),
        "cancelReason": "" if order.is_open else CANCEL_REASONS.get(order.reason, ""),
        "feeDetail": [{"feeCoin": coin, "fee": money(fee)} for coin, fee in _fees(order, fills).items()],
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }
    if perpetual:
        row["posSide"] = ""
        if pushed:
            row |= {"posMode": "one_way_mode", "holdSide": "", "tradeSide": ""}
    return row


def _fees(order: AccountOrder, fills: Sequence[Fill]) -> dict[str, Decimal]:
    fees: dict[str, Decimal] = {}
    left = order.filled
    for fill in fills:
        if left <= 0:
            break
        left -= fill.quantity
        fees[fill.fee_currency] = fees.get(fill.fee_currency, ZERO) + fill.fee
    return fees


def fill_row(
    market: SimMarket, fill: Fill, order: AccountOrder | None, numbers: Numbers, *, pushed: bool
) -> dict[str, Any]:
    """Only a stream names the client id."""
    text, category = market.text, category_of(market.listing.instrument)
    return {
        "execId": numbers.fill(fill),
        "orderId": numbers.order(fill.key, fill.order_id),
        **({"clientOid": fill.client_id} if pushed else {}),
        "category": category.lower() if pushed else category,
        "symbol": market.native,
        "orderType": "market" if order is not None and order.is_market else "limit",
        "side": fill.side.value,
        "execPrice": text.price(fill.price),
        "execQty": text.quantity(fill.quantity),
        "execValue": text.value(fill.price * fill.quantity),
        "tradeScope": "maker" if fill.is_maker else "taker",
        "feeDetail": [{"feeCoin": fill.fee_currency, "fee": money(fill.fee)}],
        "execPnl": money(fill.profit),
        **({"execTime": str(fill.ms)} if pushed else {"createdTime": str(fill.ms)}),
        "updatedTime": str(fill.ms),
    }


def position_row(market: SimMarket, view: PositionView, *, pushed: bool) -> dict[str, Any]:
    """A stream says ``size`` where the page says ``total``."""
    instrument, size = market.listing.instrument, market.text.quantity(abs(view.lots))
    category = category_of(instrument)
    margin = view.isolated_margin if view.is_isolated else view.initial_margin
    rate = view.maintenance / abs(view.quantity * view.mark) if view.lots and view.mark else ZERO
    gain = view.unrealized / margin if margin else ZERO
    return {
        "category": category.lower() if pushed else category,
        "symbol": market.native,
        "marginCoin": instrument.settle,
        "holdMode": "one_way_mode",
        "posSide": "long" if view.lots >= 0 else "short",
        "marginMode": MODES[view.is_isolated],
        "positionBalance": money(margin),
        "available": size,
        "frozen": "0",
        "size" if pushed else "total": size,
        "leverage": text_of(view.leverage),
        "curRealisedPnl": money(view.realized),
        "avgPrice": money(view.entry),
        "positionStatus": "normal" if view.lots else "ended",
        "unrealisedPnl": money(view.unrealized),
        "liquidationPrice": money(view.liquidation) if view.liquidation is not None else "0",
        "mmr": money(rate),
        "profitRate": money(gain),
        "markPrice": text_of(view.mark),
        "breakEvenPrice": money(view.break_even),
        "createdTime": str(view.updated_ms),
        "updatedTime": str(view.updated_ms),
    }


def coin_row(
    currency: str, owned: Decimal, free: Decimal, locked: Decimal, margin: Margin | None, price: Decimal
) -> dict[str, Any]:
    """One currency of the unified wallet. ``locked``: by spot orders; margin is not in it, only missing in ``free``."""
    equity = owned + (margin.unrealized if margin is not None else ZERO)
    return {
        "coin": currency,
        "equity": money(equity),
        "usdValue": money(equity * price),
        "balance": money(owned),
        "available": money(max(ZERO, free)),
        "debt": "0",
        "locked": money(locked),
    }

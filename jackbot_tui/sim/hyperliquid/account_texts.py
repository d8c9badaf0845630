"""What the embedded Hyperliquid says of accounts: orders, fills, positions, balances, and why it refuses. Pure.

Used by the private parts of the front. Shapes: ../shared/exchanges/hyperliquid.md §7, §8 and §11. An order's id is one
for the whole chain, while engines number their own: ``Coins`` makes one of the other. The venue does not say what open
orders bind; here they count as margin used, so that what is free is what may still be traded with.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind, OrderStatus, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.hyperliquid.listings import TOKENS
from jackbot_tui.sim.hyperliquid.texts import figure, plain, trade_number, transaction
from jackbot_tui.sim.ledger import Cause, Entry
from jackbot_tui.sim.margin import Margin
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.orders import Reason
from jackbot_tui.sim.requests import AccountOrder, Fill, Holding, PositionView, Refusal

SPOT_ASSETS = 10_000
MOST_COINS = 100
"""Ids of orders are multiples of this and the coin's number."""

ASKED_FOR = "0x"
"""Client ids that a client gave begin so; those of the back office do not."""

REFUSALS: Mapping[Refusal, str] = {
    Refusal.UNKNOWN_ORDER: "Order was never placed, already canceled, or filled.",
    Refusal.DUPLICATE_CLIENT_ID: "Duplicate cloid.",
    Refusal.BAD_TICK: "Price must be divisible by tick size.",
    Refusal.PRICE_TOO_LOW: "Order has invalid price.",
    Refusal.PRICE_TOO_HIGH: "Order has invalid price.",
    Refusal.BAD_LOT: "Order has invalid size.",
    Refusal.QUANTITY_TOO_SMALL: "Order has zero size.",
    Refusal.QUANTITY_TOO_LARGE: "Order has invalid size.",
    Refusal.MARKET_QUANTITY_TOO_LARGE: "Order has invalid size.",
    Refusal.NOTIONAL_TOO_SMALL: "Order must have minimum value of $10.",
    Refusal.NOTIONAL_TOO_LARGE: "Order value too large.",
    Refusal.BAND_TOO_HIGH: "Order price cannot be more than 95% away from the reference price",
    Refusal.BAND_TOO_LOW: "Order price cannot be more than 95% away from the reference price",
    Refusal.TOO_MANY_ORDERS: "Too many open orders.",
    Refusal.INSUFFICIENT_FUNDS: "Insufficient spot balance",
    Refusal.INSUFFICIENT_MARGIN: "Insufficient margin to place order.",
    Refusal.POSITION_LIMIT: "Order would exceed maximum position size for the leverage.",
    Refusal.POST_ONLY: "Post only order would have immediately matched, bbo was {touch}.",
    Refusal.REDUCE_ONLY: "Reduce only order would increase position.",
    Refusal.WOULD_TRIGGER: "Invalid TP/SL price.",
    Refusal.AMEND_NOT_ALLOWED: "Cannot modify canceled or filled order",
    Refusal.NOTHING_CHANGED: "Cannot modify canceled or filled order",
    Refusal.BAD_LEVERAGE: "Invalid leverage value",
    Refusal.MODE_UNCHANGED: "Margin mode unchanged",
    Refusal.MODE_WITH_ORDERS: "Cannot switch leverage type with open orders.",
    Refusal.MODE_WITH_POSITION: "Cannot switch leverage type with open position.",
    Refusal.ISOLATED_LEVERAGE: "Cannot decrease leverage with open position.",
    Refusal.FILL_OR_KILL: "Order could not immediately match against any resting orders.",
}
"""The page has the texts of what clients meet daily; those of band, margin mode and duplicate ids are in its spirit."""

MISSED = "Order could not immediately match against any resting orders."

ENDS: Mapping[Reason, str] = {
    Reason.COUNTDOWN: "scheduledCancel",
    Reason.LIQUIDATION: "liquidatedCanceled",
    Reason.SELF_TRADE: "selfTradeCanceled",
    Reason.REDUCE_ONLY: "reduceOnlyCanceled",
    Reason.UNAFFORDABLE: "marginCanceled",
    Reason.POST_ONLY: "badAloPxRejected",
    Reason.NO_LIQUIDITY: "marketOrderNoLiquidityRejected",
}
TIMES_IN_FORCE: Mapping[TimeInForce, str] = {TimeInForce.GTC: "Gtc", TimeInForce.IOC: "Ioc"}


class Coins:
    """Assets of orders, and ids of orders that are unique over all coins."""

    def __init__(self, markets: Mapping[MarketKind, Mapping[str, SimMarket]]) -> None:
        self._markets = [market for by_native in markets.values() for market in by_native.values()]
        self._numbers = {market.listing.key: number for number, market in enumerate(self._markets)}
        self._assets: dict[int, SimMarket] = dict(enumerate(markets[MarketKind.LINEAR].values()))
        for market in markets[MarketKind.SPOT].values():
            self._assets[SPOT_ASSETS + int(market.native.removeprefix("@"))] = market

    def of_asset(self, asset: int) -> SimMarket | None:
        return self._assets.get(asset)

    def market(self, key: str) -> SimMarket:
        return self._markets[self._numbers[key]]

    def order_number(self, key: str, order_id: int) -> int:
        return order_id * MOST_COINS + self._numbers[key]

    def parted(self, number: int) -> tuple[str, int]:
        """Key and the engine's id of an order; an empty key for a number that no order can have."""
        order_id, place = divmod(number, MOST_COINS)
        return (self._markets[place].listing.key, order_id) if place < len(self._markets) else ("", 0)


def status_of(order: AccountOrder) -> str:
    """An IOC order of which nothing was filled counts as rejected, one that was filled in part as canceled."""
    match order.status:
        case OrderStatus.NEW | OrderStatus.PARTIALLY_FILLED:
            return "open"
        case OrderStatus.FILLED:
            return "filled"
    if order.reason is Reason.IOC and not order.filled:
        return "iocCancelRejected"
    return ENDS.get(order.reason, "canceled")


def order_row(coins: Coins, order: AccountOrder) -> dict[str, Any]:
    """An order as the stream and ``openOrders`` show it: ``sz`` is what is left."""
    market = coins.market(order.key)
    shown = order.price or (order.trigger.price if order.trigger is not None else 0)
    row: dict[str, Any] = {
        "coin": market.native,
        "side": side_letter(order.side),
        "limitPx": figure(market.text.price(shown)),
        "sz": figure(market.text.quantity(order.remaining)),
        "oid": coins.order_number(order.key, order.order_id),
        "timestamp": order.created_ms,
        "origSz": figure(market.text.quantity(order.quantity)),
    }
    return row | ({"cloid": order.client_id} if order.client_id.startswith(ASKED_FOR) else {})


def full_row(coins: Coins, order: AccountOrder) -> dict[str, Any]:
    """The same with what the venue's own screen shows."""
    market, trigger = coins.market(order.key), order.trigger
    row = {
        "triggerCondition": "N/A",
        "isTrigger": False,
        "triggerPx": "0.0",
        "children": [],
        "isPositionTpsl": False,
        "reduceOnly": order.reduce_only,
        "orderType": "Limit",
        "tif": "Alo" if order.post_only else TIMES_IN_FORCE.get(order.tif, "Ioc"),
        "cloid": None,
    }
    if trigger is not None:
        price = figure(market.text.price(trigger.price))
        word = "Take Profit" if trigger.takes_profit else "Stop"
        row |= {
            "triggerCondition": f"Price {'above' if trigger.rises else 'below'} {price.removesuffix('.0')}",
            "isTrigger": True,
            "triggerPx": price,
            "orderType": f"{word} {'Market' if order.is_market else 'Limit'}",
            "tif": None if order.is_market else "Gtc",
        }
    return row | order_row(coins, order)


def update_row(coins: Coins, order: AccountOrder, status: str) -> dict[str, Any]:
    return {"order": order_row(coins, order), "status": status, "statusTimestamp": order.updated_ms}


def history_row(coins: Coins, order: AccountOrder) -> dict[str, Any]:
    return {"order": full_row(coins, order), "status": status_of(order), "statusTimestamp": order.updated_ms}


def side_letter(side: Side) -> str:
    return "B" if side is Side.BUY else "A"


def fill_row(coins: Coins, fill: Fill, start: int, liquidated: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``start``: lots held before it; ``liquidated`` is said of fills of the exchange's own closing orders."""
    market = coins.market(fill.key)
    row: dict[str, Any] = {
        "coin": market.native,
        "px": figure(market.text.price(fill.price)),
        "sz": figure(market.text.quantity(fill.quantity)),
        "side": side_letter(fill.side),
        "time": fill.ms,
        "startPosition": figure(market.text.base(start)),
        "dir": _direction(market, fill, start),
        "closedPnl": plain(fill.profit),
        "hash": transaction(market, fill.order_id),
        "oid": coins.order_number(fill.key, fill.order_id),
        "crossed": not fill.is_maker,
        "fee": plain(fill.fee),
        "tid": trade_number(market, fill.trade_id),
        "feeToken": TOKENS.get(fill.fee_currency, fill.fee_currency),
    }
    if fill.client_id.startswith(ASKED_FOR):
        row["cloid"] = fill.client_id
    return row | ({"liquidation": dict(liquidated)} if liquidated else {})


def _direction(market: SimMarket, fill: Fill, start: int) -> str:
    if market.kind is MarketKind.SPOT:
        return "Buy" if fill.side is Side.BUY else "Sell"
    after = start + fill.side.sign * fill.quantity
    if start * after < 0:
        return "Long > Short" if start > 0 else "Short > Long"
    held = start or after
    return f"{'Open' if abs(after) > abs(start) else 'Close'} {'Long' if held > 0 else 'Short'}"


def starts_of(fills: Sequence[Fill], held: Mapping[str, int]) -> list[int]:
    """Lots held before each fill, oldest first, where ``held`` is what is held after the last one."""
    left, found = dict(held), []
    for fill in reversed(fills):
        left[fill.key] = left.get(fill.key, 0) - fill.side.sign * fill.quantity
        found.append(left[fill.key])
    return found[::-1]


def spot_state(holdings: Iterable[Holding], places: Mapping[str, int]) -> dict[str, Any]:
    """``places``: index of each token on the chain, by the venue's name for it."""
    rows = [
        {
            "coin": TOKENS[held.currency],
            "token": places[TOKENS[held.currency]],
            "total": plain(held.total),
            "hold": plain(held.locked),
            "entryNtl": "0.0",
        }
        for held in holdings
    ]
    return {"balances": rows}


def clearinghouse_state(
    coins: Coins, margin: Margin, views: Sequence[PositionView], most: Mapping[str, Decimal], now_ms: int
) -> dict[str, Any]:
    """Perpetuals: the account's margin and the positions that are not flat. ``most`` is the top leverage by key."""
    value = sum((abs(view.quantity * view.mark) for view in views), ZERO)
    whole = margin.wallet + margin.unrealized
    cross = margin.cross_wallet + margin.cross_unrealized
    free = max(ZERO, margin.available)
    cross_value = sum((abs(view.quantity * view.mark) for view in views if not view.is_isolated), ZERO)
    return {
        "marginSummary": _summary(whole, value, whole - value, whole - free),
        "crossMarginSummary": _summary(cross, cross_value, cross - cross_value, cross - free),
        "crossMaintenanceMarginUsed": _money(margin.cross_maintenance),
        "withdrawable": _money(free),
        "assetPositions": [
            {"type": "oneWay", "position": _position(coins.market(view.key), view, most[view.key])}
            for view in views
            if view.lots
        ],
        "time": now_ms,
    }


def _summary(account: Decimal, value: Decimal, raw: Decimal, used: Decimal) -> dict[str, str]:
    return {
        "accountValue": _money(account),
        "totalNtlPos": _money(value),
        "totalRawUsd": _money(raw),
        "totalMarginUsed": _money(used),
    }


def _position(market: SimMarket, view: PositionView, most: Decimal) -> dict[str, Any]:
    kind = "isolated" if view.is_isolated else "cross"
    leverage: dict[str, Any] = {"type": kind, "value": int(view.leverage)}
    used = view.initial_margin
    if view.is_isolated:
        used = view.isolated_margin + view.unrealized
        leverage["rawUsd"] = _money(view.isolated_margin - view.quantity * view.entry)
    return {
        "coin": market.native,
        "szi": plain(view.quantity),
        "leverage": leverage,
        "entryPx": _money(view.entry),
        "positionValue": _money(abs(view.quantity * view.mark)),
        "unrealizedPnl": _money(view.unrealized),
        "returnOnEquity": _money(view.unrealized / used if used else ZERO),
        "liquidationPx": None if view.liquidation is None else _money(view.liquidation),
        "marginUsed": _money(used),
        "maxLeverage": int(most),
        "cumFunding": {"allTime": "0.0", "sinceOpen": "0.0", "sinceChange": "0.0"},
    }


def funding_row(market: SimMarket, entry: Entry, account: int, lots: int, rate: Decimal) -> dict[str, Any]:
    """One payment, positive when it was received."""
    received = entry.amount if entry.target.account == account else -entry.amount
    return {
        "time": entry.ms,
        "coin": market.native,
        "usdc": plain(received),
        "szi": figure(market.text.base(lots)),
        "fundingRate": plain(rate),
        "nSamples": None,
    }


def is_funding_of(entry: Entry, account: int) -> bool:
    return entry.cause is Cause.FUNDING and account in (entry.source.account, entry.target.account)


def _money(value: Decimal) -> str:
    """To eight decimals."""
    return plain(value.quantize(Decimal("1e-8")))

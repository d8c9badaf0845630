"""Binance's private side: spot and USD-M, one ccxt class for both."""

from collections.abc import Mapping
from typing import Any

from jackbot_tui.execution.live.dialect import (
    BOTH_KINDS,
    ClientIdRule,
    DeadMan,
    Dialect,
    KeyRights,
    RightsRule,
    Weights,
    flag,
)
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues.binance.errors import ERRORS

_TRADE_RIGHT = {MarketKind.SPOT: "enableSpotAndMarginTrading", MarketKind.LINEAR: "enableFutures"}


def _rights(said: Mapping[str, Any], kind: MarketKind) -> KeyRights:
    return KeyRights(may_trade=flag(said.get(_TRADE_RIGHT[kind])), may_withdraw=flag(said.get("enableWithdrawals")))


def _count_down(market_id: str, ms: int) -> dict[str, object]:
    return {"symbol": market_id, "countdownTime": ms}


DIALECT = Dialect(
    venue="binance",
    client_ids=ClientIdRule(36, ".A-Z:/a-z0-9_-", "newClientOrderId, spot and USD-M order pages"),
    errors=ERRORS,
    exchanges=dict.fromkeys(BOTH_KINDS, "binance"),
    options={
        # fetchCurrencies and fetchMargins are signed calls that loading markets would make unasked
        "fetchCurrencies": False,
        "fetchMargins": False,
        "fetchMarkets": {"types": ["spot", "linear"]},
        "warnOnFetchOpenOrdersWithoutSymbol": False,
        "fetchOpenOrders": {"warnWithoutSymbol": False},
        "recvWindow": 5000,
        # else ccxt asks for them by itself, outside of our rate limits; the session asks for them anyway
        "watchPositions": {"fetchPositionsSnapshot": False, "awaitPositionsSnapshot": False},
    },
    trades_of_order="orderId",
    tokens=("linear",),
    rights=RightsRule("sapiGetAccountApiRestrictions", _rights),
    amends=frozenset({MarketKind.LINEAR}),
    settle_s=7.0,  # recvWindow and a second that Binance allows for clocks, with some room
    weights={
        MarketKind.SPOT: Weights(order=4, open_orders=6, trades=20, balance=20),
        MarketKind.LINEAR: Weights(open_orders=1, trades=5, balance=5, positions=5),
    },
    dead_man={MarketKind.LINEAR: DeadMan("fapiPrivatePostCountdownCancelAll", _count_down)},  # no unified method
    dead_man_s=(5.0, 3600.0),
    source="rest-api.md and user-data-stream.md of spot, USD-M pages, 2026-07-21",
)

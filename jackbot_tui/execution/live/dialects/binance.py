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
    StopRule,
    StopState,
    Weights,
    flag,
    trigger_of_kind,
)
from jackbot_tui.model.enums import MarketKind, TriggerBy
from jackbot_tui.venues.binance.errors import ERRORS

_TRADE_RIGHT = {MarketKind.SPOT: "enableSpotAndMarginTrading", MarketKind.LINEAR: "enableFutures"}


def _rights(said: Mapping[str, Any], kind: MarketKind) -> KeyRights:
    return KeyRights(may_trade=flag(said.get(_TRADE_RIGHT[kind])), may_withdraw=flag(said.get("enableWithdrawals")))


def _count_down(market_id: str, ms: int) -> dict[str, object]:
    return {"symbol": market_id, "countdownTime": ms}


def _spot_stop(raw: Mapping[str, Any]) -> StopState | None:
    """A stop stays one order; whether it is in the book is told by ``isWorking`` (``w`` on the stream)."""
    info: Mapping[str, Any] = raw.get("info") or {}
    if not str(info.get("type") or info.get("o") or "").startswith(("STOP_LOSS", "TAKE_PROFIT")):
        return None
    works = flag(info.get("isWorking", info.get("w")))
    begun = works or bool(float(info.get("executedQty") or info.get("z") or 0))
    return StopState(waits=None if works is None and not begun else not begun)


def _algo(raw: Mapping[str, Any]) -> StopState | None:
    """A conditional order of USD-M lives on pages of its own, and another order follows from it when it is woken."""
    info: Mapping[str, Any] = raw.get("info") or {}
    if "algoId" not in info and "aid" not in info:
        return None
    status = str(info.get("algoStatus") or info.get("X") or "")
    follower = str(info.get("actualOrderId") or info.get("ai") or "")
    woken = status in ("TRIGGERING", "TRIGGERED", "FINISHED")
    waits = False if woken else True if status == "NEW" else None
    return StopState(waits=waits, stands_for=True, follower=follower if follower != "0" else "")


_APART: Mapping[str, object] = {"trigger": True}

DIALECT = Dialect(
    venue="binance",
    client_ids=ClientIdRule(36, ".A-Z:/a-z0-9_-", "newClientOrderId, spot and USD-M order pages"),
    errors=ERRORS,
    floating=frozenset({MarketKind.LINEAR}),
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
    tokens=("linear.listenKey", "linear.lastAuthenticatedTime"),
    rights=RightsRule("sapiGetAccountApiRestrictions", _rights),
    amends=frozenset({MarketKind.LINEAR}),
    settle_s=7.0,  # recvWindow and a second that Binance allows for clocks, with some room
    weights={
        MarketKind.SPOT: Weights(order=4, open_orders=6, trades=20, balance=20),
        MarketKind.LINEAR: Weights(open_orders=1, trades=5, balance=5, positions=5),
    },
    dead_man={MarketKind.LINEAR: DeadMan("fapiPrivatePostCountdownCancelAll", _count_down)},  # no unified method
    dead_man_s=(5.0, 3600.0),
    stops={
        MarketKind.SPOT: StopRule(triggers={TriggerBy.LAST: ""}, ask=trigger_of_kind, read=_spot_stop),
        # /fapi/v1/algoOrder since 2025-12-09, USD-M page "New Algo Order"
        MarketKind.LINEAR: StopRule(
            triggers={TriggerBy.LAST: "CONTRACT_PRICE", TriggerBy.MARK: "MARK_PRICE"},
            by="workingType",
            ask=trigger_of_kind,
            query=_APART,
            cancel=_APART,
            listed=_APART,
            read=_algo,
        ),
    },
    source="rest-api.md and user-data-stream.md of spot, USD-M pages, 2026-07-21",
)

"""The private sides of the eleven venues. Facts only, from the venues' documents and from ccxt 4.5.90.

A venue is open for live trading once its own gateway, driven through unmodified ccxt, has proven the executor; until
then ``closed`` says so and the console refuses to go live there.
"""

from jackbot_tui.execution.live.dialect import ClientIdRule, Dialect, IdWriting, Weights
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import ConfigError
from jackbot_tui.venues.binance.errors import ERRORS as BINANCE_ERRORS
from jackbot_tui.venues.errors import VenueErrors

_BOTH = (MarketKind.SPOT, MarketKind.LINEAR)
_WORD = "A-Za-z0-9_-"
_UNPROVEN = "its private side is not proven yet: use paper there"

DIALECTS: dict[str, Dialect] = {
    "binance": Dialect(
        venue="binance",
        client_ids=ClientIdRule(36, ".A-Z:/a-z0-9_-", "newClientOrderId, spot and USD-M order pages"),
        errors=BINANCE_ERRORS,
        exchanges=dict.fromkeys(_BOTH, "binance"),
        options={
            # fetchCurrencies and fetchMargins are signed calls that loading markets would make unasked
            "fetchCurrencies": False,
            "fetchMargins": False,
            "fetchMarkets": {"types": ["spot", "linear"]},
            "warnOnFetchOpenOrdersWithoutSymbol": False,
            "fetchOpenOrders": {"warnWithoutSymbol": False},
            "recvWindow": 5000,
        },
        trades_of_order="orderId",
        tokens=("linear",),
        rights_call="sapiGetAccountApiRestrictions",
        trade_right={MarketKind.SPOT: "enableSpotAndMarginTrading", MarketKind.LINEAR: "enableFutures"},
        withdraw_right="enableWithdrawals",
        amends=frozenset({MarketKind.LINEAR}),
        settle_s=7.0,  # recvWindow and a second that Binance allows for clocks, with some room
        weights={
            MarketKind.SPOT: Weights(order=4, open_orders=6, trades=20, balance=20),
            MarketKind.LINEAR: Weights(open_orders=1, trades=5, balance=5, positions=5),
        },
        dead_man={MarketKind.LINEAR: "fapiPrivatePostCountdownCancelAll"},  # ccxt has no unified method for it
        dead_man_s=(5.0, 3600.0),
        source="rest-api.md and user-data-stream.md of spot, USD-M pages, 2026-07-21",
    ),
    "bybit": Dialect(
        venue="bybit",
        client_ids=ClientIdRule(36, _WORD, "orderLinkId, v5 order page"),
        errors=VenueErrors("bybit", code=r'"retCode"\s*:\s*"?(-?\w+)'),
        exchanges=dict.fromkeys(_BOTH, "bybit"),
        query_id="orderLinkId",
        query_extra={"acknowledged": True},
        cancel_id="orderLinkId",
        closed=_UNPROVEN,
    ),
    "okx": Dialect(
        venue="okx",
        client_ids=ClientIdRule(32, "A-Za-z0-9", "clOrdId, v5 trade page: letters and digits only"),
        errors=VenueErrors("okx", code=r'"sCode"\s*:\s*"(\w+)'),
        exchanges=dict.fromkeys(_BOTH, "okx"),
        credentials=("apiKey", "secret", "password"),
        dead_man_s=(10.0, 120.0),
        closed=_UNPROVEN,
    ),
    "bitget": Dialect(
        venue="bitget",
        client_ids=ClientIdRule(32, _WORD, "clientOid, v2 and v3"),
        errors=VenueErrors("bitget"),
        exchanges=dict.fromkeys(_BOTH, "bitget"),
        market_buy_by_cost=True,
        credentials=("apiKey", "secret", "password"),
        closed=_UNPROVEN,
    ),
    "gateio": Dialect(
        venue="gateio",
        client_ids=ClientIdRule(30, "0-9A-Za-z_.-", "text: t- and at most 28 bytes", prefix="t-"),
        errors=VenueErrors("gateio", code=r'"label"\s*:\s*"(\w+)'),
        exchanges=dict.fromkeys(_BOTH, "gate"),
        market_buy_by_cost=True,
        closed=_UNPROVEN,
    ),
    "kucoin": Dialect(
        venue="kucoin",
        client_ids=ClientIdRule(40, _WORD, "clientOid, spot and futures order pages"),
        errors=VenueErrors("kucoin"),
        exchanges=dict.fromkeys(_BOTH, "kucoin"),
        cancel_id="clientOrderId",
        credentials=("apiKey", "secret", "password"),
        closed=_UNPROVEN,
    ),
    "mexc": Dialect(
        venue="mexc",
        client_ids=ClientIdRule(32, _WORD, "newClientOrderId; externalOid, error 2030"),
        errors=VenueErrors("mexc"),
        exchanges=dict.fromkeys(_BOTH, "mexc"),
        market_buy_by_cost=True,
        closed=_UNPROVEN,
    ),
    "coinbase": Dialect(
        venue="coinbase",
        client_ids=ClientIdRule(36, _WORD, "client_order_id (length unconfirmed)"),
        errors=VenueErrors("coinbase", code=r'"(?:error|failure_reason)"\s*:\s*"(\w+)'),
        exchanges=dict.fromkeys(_BOTH, "coinbase"),
        create_id="client_order_id",  # ccxt drops clientOrderId and sends one of its own
        query_id="",
        cancel_id="",
        market_buy_by_cost=True,
        closed=_UNPROVEN,
    ),
    "kraken": Dialect(
        venue="kraken",
        client_ids=ClientIdRule(18, _WORD, "cl_ord_id: free text of at most 18 characters"),
        errors=VenueErrors("kraken", code=r"(E[A-Z]\w+:[A-Za-z ]+)"),
        exchanges={MarketKind.SPOT: "kraken", MarketKind.LINEAR: "krakenfutures"},
        query_id="clientOrderId",
        dead_man_s=(15.0, 86400.0),
        closed=_UNPROVEN,
    ),
    "cryptocom": Dialect(
        venue="cryptocom",
        client_ids=ClientIdRule(36, _WORD, "client_oid (charset unconfirmed)"),
        errors=VenueErrors("cryptocom"),
        exchanges=dict.fromkeys(_BOTH, "cryptocom"),
        query_id="",
        cancel_id="",
        closed=_UNPROVEN,
    ),
    "hyperliquid": Dialect(
        venue="hyperliquid",
        client_ids=ClientIdRule(34, "0-9a-fx", "c: 0x and 32 hexadecimal digits", writing=IdWriting.HEX_128),
        errors=VenueErrors("hyperliquid"),
        exchanges=dict.fromkeys(_BOTH, "hyperliquid"),
        credentials=("walletAddress", "privateKey"),
        closed="ccxt signs approvals of its own there when it loads markets: refused until that is prevented",
    ),
}


def dialect_of(venue: str) -> Dialect:
    """The dialect of ``venue``; ConfigError with the reason where it cannot be traded live."""
    dialect = DIALECTS.get(venue)
    if dialect is None:
        raise ConfigError(f"{venue!r} cannot be traded live: known are {', '.join(sorted(DIALECTS))}")
    if dialect.closed:
        raise ConfigError(f"{venue} cannot be traded live: {dialect.closed}")
    return dialect

"""The two exchangeInfo replies: trading rules of the listed markets in Binance's shape.

Shapes: ../shared/exchanges/binance.md §8 and §10 and the recorded replies of 2021. Built once, by ``rest``.
"""

from collections.abc import Sequence
from typing import Any

from jackbot_tui.model.numbers import text_of
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.limits import Limits

DELIVERY_MS = 4_133_404_800_000  # Binance's "never" for perpetuals
ONBOARD_MS = 1_569_398_400_000
SPOT_TYPES = [
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
]  # fmt: skip
LINEAR_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]
_STP_MODES = ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"]


def spot_exchange_info(listings: Sequence[Listing], limits: Limits, now_ms: int) -> dict[str, Any]:
    """Reply of GET /api/v3/exchangeInfo for these markets."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, limits.spot_weight),
            _limit("ORDERS", "SECOND", 10, 100),
            _limit("ORDERS", "DAY", 1, 200_000),
            _limit("RAW_REQUESTS", "MINUTE", 5, 300_000),
        ],
        "exchangeFilters": [],
        "symbols": [_spot_symbol(listing) for listing in listings],
    }


def linear_exchange_info(listings: Sequence[Listing], limits: Limits, now_ms: int) -> dict[str, Any]:
    """Reply of GET /fapi/v1/exchangeInfo for these markets."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, limits.linear_weight),
            _limit("ORDERS", "MINUTE", 1, 1200),
            _limit("ORDERS", "SECOND", 10, 300),
        ],
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [_linear_symbol(listing) for listing in listings],
    }


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _spot_symbol(listing: Listing) -> dict[str, Any]:
    instrument = listing.instrument
    band = instrument.band

    def eight(value: Any) -> str:
        return f"{value:.8f}"

    filters: list[dict[str, Any]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": eight(instrument.min_price),
            "maxPrice": eight(instrument.max_price),
            "tickSize": eight(instrument.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": eight(instrument.min_qty),
            "maxQty": eight(instrument.max_qty),
            "stepSize": eight(instrument.lot),
        },
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": eight(0),
            "maxQty": eight(instrument.market_max_qty),
            "stepSize": eight(0),
        },
    ]
    if band is not None:
        filters.append(
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": text_of(band.buy_up),
                "bidMultiplierDown": text_of(band.buy_down),
                "askMultiplierUp": text_of(band.sell_up),
                "askMultiplierDown": text_of(band.sell_down),
                "avgPriceMins": 5,
            }
        )
    filters += [
        {
            "filterType": "NOTIONAL",
            "minNotional": eight(instrument.min_notional),
            "applyMinToMarket": True,
            "maxNotional": eight(instrument.max_notional),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": instrument.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    ]
    return {
        "symbol": instrument.native,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": SPOT_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters,
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": _STP_MODES,
    }


def _linear_symbol(listing: Listing) -> dict[str, Any]:
    instrument = listing.instrument
    band = instrument.band
    price = f".{listing.price_places}f"
    quantity = f".{listing.qty_places}f"

    filters: list[dict[str, Any]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": f"{instrument.min_price:{price}}",
            "maxPrice": text_of(instrument.max_price),
            "tickSize": f"{instrument.tick:{price}}",
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": f"{instrument.min_qty:{quantity}}",
            "maxQty": text_of(instrument.max_qty),
            "stepSize": f"{instrument.lot:{quantity}}",
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": f"{instrument.min_qty:{quantity}}",
            "maxQty": text_of(instrument.market_max_qty),
            "stepSize": f"{instrument.lot:{quantity}}",
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": instrument.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
        {"filterType": "MIN_NOTIONAL", "notional": text_of(instrument.min_notional)},
    ]
    if band is not None:
        filters.append(
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": f"{band.buy_up:.4f}",
                "multiplierDown": f"{band.sell_down:.4f}",
                "multiplierDecimal": "4",
            }
        )
    return {
        "symbol": instrument.native,
        "pair": instrument.native,
        "contractType": "PERPETUAL",
        "deliveryDate": DELIVERY_MS,
        "onboardDate": ONBOARD_MS,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.settle,
        "pricePrecision": listing.price_places,
        "quantityPrecision": listing.qty_places,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": filters,
        "orderTypes": LINEAR_TYPES,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }

"""Bybit's signed pages for the unified account: key, wallet, positions, leverage, margin mode, fees, coins.

``private`` mounts them. One wallet pays for spot and perpetuals; isolated margin is the whole account's mode and not a
market's. Shapes and codes: ../shared/exchanges/bybit.md §8 and §11.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import ONE, ZERO, text_of
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.bybit import order_texts as texts
from jackbot_tui.sim.bybit.private_rest import PARAMETER_ERROR, PrivatePage, Signed, VenueError, venue_error
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import PositionView, Refused
from jackbot_tui.sim.timeline import Timeline

STABLE = ("USDT", "USDC", "USD")
CROSS, ISOLATED = "REGULAR_MARGIN", "ISOLATED_MARGIN"


class AccountPages:
    """``markets`` by kind and native symbol."""

    def __init__(
        self, accounts: Accounts, markets: Mapping[MarketKind, Mapping[str, SimMarket]], timeline: Timeline
    ) -> None:
        self._accounts = accounts
        self._markets = markets
        self._by_key = {market.listing.key: market for by_native in markets.values() for market in by_native.values()}
        self._timeline = timeline

    def pages(self) -> list[PrivatePage]:
        trade = Permission.TRADE
        return [
            PrivatePage("GET", "/v5/user/query-api", self._key, "query"),
            PrivatePage("GET", "/v5/account/info", self._info, "query"),
            PrivatePage("GET", "/v5/account/wallet-balance", self._wallet_page, "query"),
            PrivatePage("GET", "/v5/account/fee-rate", self._fees, "query"),
            PrivatePage("GET", "/v5/asset/coin/query-info", self._coins, "query"),
            PrivatePage("GET", "/v5/position/list", self._positions, "query"),
            PrivatePage("POST", "/v5/position/set-leverage", self._set_leverage, "setting", trade),
            PrivatePage("POST", "/v5/position/switch-mode", self._switch_mode, "setting", trade),
            PrivatePage("POST", "/v5/account/set-margin-mode", self._set_margin_mode, "setting", trade),
        ]

    # --- the account ---------------------------------------------------------------------------------------------

    def _key(self, signed: Signed) -> dict[str, Any]:
        trades, withdraws = signed.key.may(Permission.TRADE), signed.key.may(Permission.WITHDRAW)
        contract, spot = (["Order", "Position"], ["SpotTrade"]) if trades else ([], [])
        return {
            "id": str(signed.account),
            "note": "sim",
            "apiKey": signed.key.key,
            "readOnly": 0 if trades else 1,
            "secret": "",
            "permissions": {
                "ContractTrade": contract,
                "Spot": spot,
                "Wallet": ["AccountTransfer", "Withdraw"] if withdraws else [],
                "Options": [],
                "Derivatives": ["DerivativesTrade"] if trades else [],
                "Exchange": [],
            },
            "ips": ["*"],
            "type": 1,
            "uta": 1,
            "unified": 0,
            "userID": signed.account,
            "isMaster": True,
        }

    def _info(self, signed: Signed) -> dict[str, Any]:
        return {
            "marginMode": ISOLATED if self._isolated(signed.account) else CROSS,
            "updatedTime": str(self._timeline.origin_ns // 1_000_000),
            "unifiedMarginStatus": 6,
            "dcpStatus": "OFF",
            "timeWindow": 0,
            "smpGroup": 0,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
        }

    def _wallet_page(self, signed: Signed) -> dict[str, Any]:
        if signed.required("accountType") != "UNIFIED":
            raise VenueError(PARAMETER_ERROR, "accountType only support UNIFIED.")
        named = [coin for coin in signed.text("coin").split(",") if coin]
        return {"list": [self.wallet(signed.account, named or None)]}

    def wallet(self, account: int, only: list[str] | None = None) -> dict[str, Any]:
        """The wallet now: all its currencies, or some of them; totals are the whole account's."""
        rows, equity, total, free, profit, initial, kept = [], ZERO, ZERO, ZERO, ZERO, ZERO, ZERO
        settles = self._accounts.currencies(MarketKind.LINEAR)
        for currency in self._currencies():
            holding, price = self._accounts.holding(account, currency), self._price(currency)
            margin = self._accounts.positions.margin(account, currency) if currency in settles else None
            owned = margin.wallet if margin is not None else holding.total
            locked = self._accounts.spot.locked(account, currency)
            if only is None or currency in only:
                rows.append(texts.coin_row(currency, owned, locked, margin, price))
            total += owned * price
            equity += owned * price
            if margin is not None:
                equity += margin.unrealized * price
                profit += margin.unrealized * price
                initial += (margin.position_initial + margin.order_initial) * price
                kept += margin.maintenance * price
                free += max(ZERO, margin.available) * price
            else:
                free += holding.free * price
        return {
            "accountType": "UNIFIED",
            "totalEquity": texts.money(equity),
            "totalWalletBalance": texts.money(total),
            "totalMarginBalance": texts.money(equity),
            "totalAvailableBalance": texts.money(free),
            "totalPerpUPL": texts.money(profit),
            "totalInitialMargin": texts.money(initial),
            "totalMaintenanceMargin": texts.money(kept),
            "accountIMRate": texts.money(initial / equity) if equity else "0",
            "accountMMRate": texts.money(kept / equity) if equity else "0",
            "accountLTV": "0",
            "coin": rows,
        }

    def _currencies(self) -> list[str]:
        return list(dict.fromkeys(name for kind in MarketKind for name in self._accounts.currencies(kind)))

    def _price(self, currency: str) -> Decimal:
        """In US dollars, roughly: the last price of the spot market in USDT."""
        market = self._markets[MarketKind.SPOT].get(f"{currency}USDT")
        if currency in STABLE or market is None:
            return ONE
        return (market.engine.last_price or market.listing.opening_ticks) * market.listing.instrument.tick

    def _fees(self, signed: Signed) -> dict[str, Any]:
        category, symbol = signed.required("category"), signed.text("symbol")
        markets = self._markets[MarketKind(category)] if category in ("spot", "linear") else {}
        rows = [
            {
                "symbol": market.native,
                "makerFeeRate": text_of(market.listing.instrument.maker_fee),
                "takerFeeRate": text_of(market.listing.instrument.taker_fee),
            }
            for market in markets.values()
            if symbol in ("", market.native)
        ]
        return {"category": category, "list": rows}

    def _coins(self, signed: Signed) -> dict[str, Any]:
        rows = [
            {"name": coin, "coin": coin, "remainAmount": "150", "chains": []}
            for coin in self._currencies()
            if signed.text("coin") in ("", coin)
        ]
        return {"rows": rows}

    # --- positions and settings ----------------------------------------------------------------------------------

    def _positions(self, signed: Signed) -> dict[str, Any]:
        """Those that are not flat; the asked symbol's in any case."""
        category = signed.required("category")
        symbol, settle = signed.text("symbol"), signed.text("settleCoin")
        if category not in ("linear", "inverse", "option"):
            raise VenueError(PARAMETER_ERROR, "params error: category invalid")
        if category == "linear" and not symbol and not settle and not signed.text("baseCoin"):
            raise VenueError(PARAMETER_ERROR, "Missing some parameters that must be filled in, symbol or settleCoin")
        views = [self._accounts.positions.view(signed.account, key) for key in self._accounts.positions.perpetuals()]
        rows = []
        for view in views if category == "linear" else []:
            market = self._by_key[view.key]
            named = symbol == market.native or (not symbol and settle in ("", market.listing.instrument.settle))
            if named and (view.lots or symbol):
                rows.append(self.position(view, pushed=False))
        return {"category": category, "nextPageCursor": "", "list": rows}

    def position(self, view: PositionView, *, pushed: bool) -> dict[str, Any]:
        return texts.position_row(self._by_key[view.key], view, pushed=pushed)

    def _set_leverage(self, signed: Signed) -> dict[str, Any]:
        market = self._perpetual(signed)
        signed.required("buyLeverage")
        leverage, other = signed.number("buyLeverage"), signed.number("sellLeverage")
        if leverage is None or leverage != other:
            raise VenueError(PARAMETER_ERROR, "buyLeverage must equal sellLeverage in one-way mode")
        key = market.listing.key
        if self._accounts.positions.setting(signed.account, key).leverage == leverage:
            raise VenueError(110043, "leverage not modified")
        try:
            self._accounts.set_leverage(signed.account, key, leverage)
        except Refused as refused:
            raise venue_error(MarketKind.LINEAR, refused) from None
        return {}

    def _switch_mode(self, signed: Signed) -> dict[str, Any]:
        if signed.whole("mode", 0) != 0:
            raise VenueError(110029, "Hedge mode is not available here: positions are one-way.")
        raise VenueError(110025, "Position mode is not modified")

    def _set_margin_mode(self, signed: Signed) -> dict[str, Any]:
        """Of the whole account, at once or not at all."""
        mode = signed.required("setMarginMode")
        if mode not in (CROSS, ISOLATED):
            raise VenueError(PARAMETER_ERROR, "setMarginMode invalid")
        isolated, account = mode == ISOLATED, signed.account
        if self._isolated(account) is isolated:
            raise VenueError(110026, "Cross/isolated margin mode is not modified")
        keys = self._accounts.positions.perpetuals()
        for key in keys:
            if self._accounts.orders.open_orders(account, key) or self._accounts.positions.position(account, key).lots:
                raise VenueError(110073, "Set margin mode failed: close positions and orders first")
        for key in keys:
            self._accounts.set_isolated(account, key, isolated=isolated)
        return {"reasons": []}

    def _isolated(self, account: int) -> bool:
        keys = self._accounts.positions.perpetuals()
        return any(self._accounts.positions.setting(account, key).isolated for key in keys)

    def _perpetual(self, signed: Signed) -> SimMarket:
        market = self._markets[MarketKind.LINEAR].get(signed.required("symbol"))
        if signed.required("category") != "linear" or market is None:
            raise VenueError(PARAMETER_ERROR, "params error: symbol invalid")
        return market

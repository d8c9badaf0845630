"""Bitget's signed v3 pages for the unified account: settings, key rights, wallet, positions, leverage, fees.

``private`` mounts them. One wallet pays for spot and perpetuals. Shapes and codes: ../shared/exchanges/bitget.md §8 and
§11.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import ONE, ZERO, text_of
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.bitget import order_texts as texts
from jackbot_tui.sim.bitget.private_rest import PrivatePage, Signed, VenueError, venue_error, wrong
from jackbot_tui.sim.bitget.texts import category_of
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import PositionView, Refused

STABLE = ("USDT", "USDC", "USD")


class AccountPages:
    """``markets`` by category and native symbol."""

    def __init__(self, accounts: Accounts, markets: Mapping[tuple[str, str], SimMarket]) -> None:
        self._accounts = accounts
        self._markets = markets
        self._by_key = {market.listing.key: market for market in markets.values()}

    def pages(self) -> list[PrivatePage]:
        trade = Permission.TRADE
        return [
            PrivatePage("GET", "/api/v3/account/settings", self._settings),
            PrivatePage("GET", "/api/v3/account/info", self._info, 5),
            PrivatePage("GET", "/api/v3/account/assets", self._assets),
            PrivatePage("GET", "/api/v3/account/fee-rate", self._fee),
            PrivatePage("GET", "/api/v3/position/current-position", self._positions),
            PrivatePage("POST", "/api/v3/account/set-leverage", self._set_leverage, 10, trade),
            PrivatePage("POST", "/api/v3/account/set-hold-mode", self._set_hold_mode, 10, trade),
        ]

    # --- the account ---------------------------------------------------------------------------------------------

    def _settings(self, signed: Signed) -> dict[str, Any]:
        config = []
        for (category, native), market in self._markets.items():
            if market.kind is MarketKind.LINEAR:
                setting = self._accounts.positions.setting(signed.account, market.listing.key)
                mode, leverage = texts.MODES[setting.isolated], text_of(setting.leverage)
                config.append({"category": category, "symbol": native, "marginMode": mode, "leverage": leverage})
        return {
            "uid": str(signed.account),
            "accountMode": "unified",
            "assetMode": "single",
            "holdMode": "one_way_mode",
            "symbolConfigList": config,
            "coinConfigList": [],
        }

    def _info(self, signed: Signed) -> dict[str, Any]:
        trades, withdraws = signed.key.may(Permission.TRADE), signed.key.may(Permission.WITHDRAW)
        permissions = ["uta_mgt", "uta_trade"] + ["withdraw"] * withdraws
        return {
            "userId": str(signed.account),
            "parentId": str(signed.account),
            "ips": "",
            "permType": "read-and-write" if trades else "read-only",
            "permissions": permissions,
        }

    def _assets(self, signed: Signed) -> dict[str, Any]:
        """Currencies that are there."""
        return self.wallet(signed.account, "assets")

    def wallet(self, account: int, name: str) -> dict[str, Any]:
        """The wallet now; its currencies under ``name``."""
        rows, equity, profit, initial, kept = [], ZERO, ZERO, ZERO, ZERO
        settles = self._accounts.currencies(MarketKind.LINEAR)
        for currency in dict.fromkeys(each for kind in MarketKind for each in self._accounts.currencies(kind)):
            holding, price = self._accounts.holding(account, currency), self._price(currency)
            margin = self._accounts.positions.margin(account, currency) if currency in settles else None
            owned, free = holding.total, holding.free
            if margin is not None:
                owned, free = margin.wallet, margin.available
                equity += margin.unrealized * price
                profit += margin.unrealized * price
                initial += (margin.position_initial + margin.order_initial) * price
                kept += margin.maintenance * price
            equity += owned * price
            locked = self._accounts.spot.locked(account, currency)
            if owned or locked:
                rows.append(texts.coin_row(currency, owned, free, locked, margin, price))
        return {
            "accountEquity": texts.money(equity),
            "usdtEquity": texts.money(equity),
            "unrealisedPnl": texts.money(profit),
            "effEquity": texts.money(equity),
            "mmr": texts.money(kept),
            "imr": texts.money(initial),
            "mgnRatio": texts.money(kept / equity) if equity else "0",
            "positionMgnRatio": "0",
            name: rows,
        }

    def _price(self, currency: str) -> Decimal:
        """In US dollars, roughly: the last price of the spot market in USDT."""
        market = self._markets.get(("SPOT", f"{currency}USDT"))
        if currency in STABLE or market is None:
            return ONE
        return (market.engine.last_price or market.listing.opening_ticks) * market.listing.instrument.tick

    def _fee(self, signed: Signed) -> dict[str, str]:
        instrument = self._market(signed).listing.instrument
        return {"makerFeeRate": text_of(instrument.maker_fee), "takerFeeRate": text_of(instrument.taker_fee)}

    # --- positions and settings ----------------------------------------------------------------------------------

    def _positions(self, signed: Signed) -> dict[str, Any]:
        """Those of a category that are not flat."""
        category, symbol = signed.required("category").upper(), signed.text("symbol")
        rows = [
            texts.position_row(self._by_key[view.key], view, pushed=False)
            for view in self.views(signed.account)
            if category_of(self._by_key[view.key].listing.instrument) == category
            and symbol in ("", self._by_key[view.key].native)
        ]
        return {"list": rows}

    def views(self, account: int) -> list[PositionView]:
        views = [self._accounts.positions.view(account, key) for key in self._accounts.positions.perpetuals()]
        return [view for view in views if view.lots]

    def _set_leverage(self, signed: Signed) -> str:
        market = self._market(signed)
        signed.required("leverage")
        leverage = signed.number("leverage") or ZERO
        if market.kind is MarketKind.SPOT:
            raise wrong("category")
        try:
            self._accounts.set_leverage(signed.account, market.listing.key, leverage)
        except Refused as refused:
            raise venue_error(refused) from None
        return "success"

    def _set_hold_mode(self, signed: Signed) -> str:
        if signed.required("holdMode") != "one_way_mode":
            raise VenueError("40017", "Hedge mode is not available here: positions are one-way")
        return "success"

    def _market(self, signed: Signed) -> SimMarket:
        market = self._markets.get((signed.required("category").upper(), signed.required("symbol")))
        if market is None:
            raise wrong("symbol")
        return market

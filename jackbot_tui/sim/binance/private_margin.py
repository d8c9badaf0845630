"""Binance USD-M's signed pages for the account: wallets, positions, leverage, margin, income, commissions.

``private`` mounts them. Shapes, weights and codes: ../shared/exchanges/binance.md §8, §9 and §11. Hedge mode and
multi-asset margin are refused plainly: this exchange keeps one-way positions in one currency.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.binance import order_texts as texts
from jackbot_tui.sim.binance.private_fields import market_of, shown
from jackbot_tui.sim.binance.private_rest import PrivatePage, Signed, page_error
from jackbot_tui.sim.binance.rest import PageError
from jackbot_tui.sim.keys import Permission
from jackbot_tui.sim.ledger import Cause, Entry
from jackbot_tui.sim.margin import LINEAR_WALLET, Margin, settled
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import PositionView, Refused
from jackbot_tui.sim.timeline import Timeline

_SUCCESS = {"code": 200, "msg": "success"}
INCOMES = {
    Cause.PROFIT: "REALIZED_PNL",
    Cause.FEE: "COMMISSION",
    Cause.FUNDING: "FUNDING_FEE",
    Cause.LIQUIDATION_FEE: "INSURANCE_CLEAR",
    Cause.INSURANCE: "INSURANCE_CLEAR",
    Cause.DEPOSIT: "TRANSFER",
}


def _weigh(weight: int) -> Any:
    return lambda fields: weight


class LinearAccount:
    """``markets`` by native symbol."""

    def __init__(self, accounts: Accounts, markets: Mapping[str, SimMarket], timeline: Timeline) -> None:
        self._accounts = accounts
        self._markets = markets
        self._by_key = {market.listing.key: market for market in markets.values()}
        self._timeline = timeline

    def pages(self) -> list[PrivatePage]:
        trade = Permission.TRADE
        pages = [PrivatePage("GET", f"/fapi/{version}/balance", _weigh(5), self._balance) for version in ("v2", "v3")]
        pages += [PrivatePage("GET", f"/fapi/{version}/account", _weigh(5), self._account) for version in ("v2", "v3")]
        pages += [
            PrivatePage("GET", "/fapi/v2/positionRisk", _weigh(5), self._all_positions),
            PrivatePage("GET", "/fapi/v3/positionRisk", _weigh(5), self._positions),
        ]
        return [
            *pages,
            PrivatePage("POST", "/fapi/v1/leverage", _weigh(1), self._set_leverage, trade),
            PrivatePage("POST", "/fapi/v1/marginType", _weigh(1), self._set_margin_type, trade),
            PrivatePage("POST", "/fapi/v1/positionMargin", _weigh(1), self._move_margin, trade),
            PrivatePage("GET", "/fapi/v1/positionSide/dual", _weigh(30), self._position_mode),
            PrivatePage("POST", "/fapi/v1/positionSide/dual", _weigh(1), self._set_position_mode, trade),
            PrivatePage("GET", "/fapi/v1/multiAssetsMargin", _weigh(30), self._assets_mode),
            PrivatePage("POST", "/fapi/v1/multiAssetsMargin", _weigh(1), self._set_assets_mode, trade),
            PrivatePage("GET", "/fapi/v1/leverageBracket", _weigh(1), self._brackets),
            PrivatePage("GET", "/fapi/v1/symbolConfig", _weigh(5), self._symbol_config),
            PrivatePage("GET", "/fapi/v1/accountConfig", _weigh(5), self._account_config),
            PrivatePage("GET", "/fapi/v1/commissionRate", _weigh(20), self._commission),
            PrivatePage("GET", "/fapi/v1/income", _weigh(30), self._income),
            PrivatePage("GET", "/fapi/v1/adlQuantile", _weigh(5), self._quantiles),
        ]

    # --- wallets -------------------------------------------------------------------------------------------------

    def _margins(self, account: int) -> dict[str, Margin]:
        return {
            currency: self._accounts.positions.margin(account, currency)
            for currency in self._accounts.currencies(MarketKind.LINEAR)
        }

    def _balance(self, signed: Signed) -> list[dict[str, Any]]:
        return [
            {
                "accountAlias": f"sim{signed.account}",
                "asset": currency,
                "balance": texts.eight(margin.wallet),
                "crossWalletBalance": texts.eight(margin.cross_wallet),
                "crossUnPnl": texts.eight(margin.cross_unrealized),
                "availableBalance": texts.eight(max(ZERO, margin.available)),
                "maxWithdrawAmount": texts.eight(_withdrawable(margin)),
                "marginAvailable": True,
                "updateTime": self._timeline.now_ms(),
            }
            for currency, margin in self._margins(signed.account).items()
        ]

    def _account(self, signed: Signed) -> dict[str, Any]:
        margins = self._margins(signed.account)
        sums = {
            "totalInitialMargin": sum((m.position_initial + m.order_initial for m in margins.values()), ZERO),
            "totalMaintMargin": sum((m.maintenance for m in margins.values()), ZERO),
            "totalWalletBalance": sum((m.wallet for m in margins.values()), ZERO),
            "totalUnrealizedProfit": sum((m.unrealized for m in margins.values()), ZERO),
            "totalMarginBalance": sum((m.wallet + m.unrealized for m in margins.values()), ZERO),
            "totalPositionInitialMargin": sum((m.position_initial for m in margins.values()), ZERO),
            "totalOpenOrderInitialMargin": sum((m.order_initial for m in margins.values()), ZERO),
            "totalCrossWalletBalance": sum((m.cross_wallet for m in margins.values()), ZERO),
            "totalCrossUnPnl": sum((m.cross_unrealized for m in margins.values()), ZERO),
            "availableBalance": sum((max(ZERO, m.available) for m in margins.values()), ZERO),
            "maxWithdrawAmount": sum((_withdrawable(m) for m in margins.values()), ZERO),
        }
        return {
            **{name: texts.eight(amount) for name, amount in sums.items()},
            "assets": [self._asset(currency, margin) for currency, margin in margins.items()],
            "positions": [self._held_row(view) for view in self._views(signed.account)],
        }

    def _asset(self, currency: str, margin: Margin) -> dict[str, Any]:
        return {
            "asset": currency,
            "walletBalance": texts.eight(margin.wallet),
            "unrealizedProfit": texts.eight(margin.unrealized),
            "marginBalance": texts.eight(margin.wallet + margin.unrealized),
            "maintMargin": texts.eight(margin.maintenance),
            "initialMargin": texts.eight(margin.position_initial + margin.order_initial),
            "positionInitialMargin": texts.eight(margin.position_initial),
            "openOrderInitialMargin": texts.eight(margin.order_initial),
            "crossWalletBalance": texts.eight(margin.cross_wallet),
            "crossUnPnl": texts.eight(margin.cross_unrealized),
            "availableBalance": texts.eight(max(ZERO, margin.available)),
            "maxWithdrawAmount": texts.eight(_withdrawable(margin)),
            "updateTime": self._timeline.now_ms(),
        }

    def _held_row(self, view: PositionView) -> dict[str, Any]:
        instrument = self._by_key[view.key].listing.instrument
        row = texts.position_row(view, instrument.native, instrument.settle)
        names = (
            "symbol", "positionSide", "positionAmt", "isolatedMargin", "notional", "isolatedWallet", "initialMargin",
            "maintMargin", "updateTime",
        )  # fmt: skip
        more = {
            "unrealizedProfit": row["unRealizedProfit"],
            "entryPrice": row["entryPrice"],
            "leverage": text_of(view.leverage),
            "isolated": view.is_isolated,
        }
        return {name: row[name] for name in names} | more

    def _views(self, account: int) -> list[PositionView]:
        """Instruments with a position or with orders, as v3 lists them."""
        views = [self._accounts.positions.view(account, key) for key in self._by_key]
        return [view for view in views if view.lots or view.buys or view.sells]

    def _positions(self, signed: Signed) -> list[dict[str, Any]]:
        wanted = market_of(self._markets, signed).listing.key if signed.fields.get("symbol") else None
        rows = []
        for view in self._views(signed.account):
            if wanted is None or view.key == wanted:
                instrument = self._by_key[view.key].listing.instrument
                rows.append(texts.position_row(view, instrument.native, instrument.settle))
        return rows

    def _all_positions(self, signed: Signed) -> list[dict[str, Any]]:
        """The older page: every symbol, flat ones too, with leverage and margin type."""
        rows = []
        for market in self._chosen(signed):
            view = self._accounts.positions.view(signed.account, market.listing.key)
            row = texts.position_row(view, market.native, market.listing.instrument.settle)
            most = self._accounts.positions.limit(view.key, view.leverage)
            rows.append(
                row
                | {
                    "leverage": text_of(view.leverage),
                    "marginType": "isolated" if view.is_isolated else "cross",
                    "isAutoAddMargin": "false",
                    "maxNotionalValue": text_of(most),
                }
            )
        return rows

    # --- settings ------------------------------------------------------------------------------------------------

    def _set_leverage(self, signed: Signed) -> dict[str, Any]:
        market = market_of(self._markets, signed)
        signed.required("leverage")
        leverage = Decimal(signed.whole("leverage") or 0)
        key = market.listing.key
        try:
            self._accounts.set_leverage(signed.account, key, leverage)
        except Refused as refused:
            error = page_error(MarketKind.LINEAR, refused)
            raise PageError(error.code, str(error).replace("{leverage}", str(leverage))) from None
        most = self._accounts.positions.limit(key, leverage)
        return {"leverage": int(leverage), "maxNotionalValue": text_of(most), "symbol": market.native}

    def _set_margin_type(self, signed: Signed) -> dict[str, Any]:
        market, mode = market_of(self._markets, signed), signed.required("marginType")
        if mode not in ("ISOLATED", "CROSSED"):
            raise PageError(-4049, "Invalid margin type.")
        try:
            self._accounts.set_isolated(signed.account, market.listing.key, isolated=mode == "ISOLATED")
        except Refused as refused:
            raise page_error(MarketKind.LINEAR, refused) from None
        return _SUCCESS

    def _move_margin(self, signed: Signed) -> dict[str, Any]:
        key = market_of(self._markets, signed).listing.key
        signed.required("amount")
        amount, direction = signed.number("amount") or ZERO, signed.required("type")
        view = self._accounts.positions.view(signed.account, key)
        if not view.lots:
            raise PageError(-4054, "Cannot add position margin: position is 0.")
        if not view.is_isolated:
            raise PageError(-4046, "No need to change margin type.")
        if amount <= ZERO or direction not in ("1", "2"):
            raise PageError(-1130, "Data sent for parameter 'amount' is not valid.")
        if amount != settled(amount):
            raise PageError(-1111, "Precision is over the maximum defined for this asset.")
        settle = self._by_key[key].listing.instrument.settle
        if direction == "1" and amount > self._accounts.positions.margin(signed.account, settle).available:
            raise PageError(-4050, "Cross balance insufficient.")
        if direction == "2" and amount > view.isolated_margin + min(ZERO, view.unrealized) - view.initial_margin:
            raise PageError(-4051, "Isolated balance insufficient.")
        change = amount if direction == "1" else -amount
        self._accounts.positions.add_margin(signed.account, key, change, ms=self._timeline.now_ms())
        self._accounts.touch_money(signed.account, key, (settle,), Cause.MARGIN)
        done = "Successfully modify position margin."
        return {"amount": float(amount), "code": 200, "msg": done, "type": int(direction)}

    def _position_mode(self, signed: Signed) -> dict[str, Any]:
        return {"dualSidePosition": False}

    def _set_position_mode(self, signed: Signed) -> dict[str, Any]:
        if signed.required("dualSidePosition").lower() == "true":
            raise PageError(-1000, "Hedge mode is not available here: positions are one-way.")
        raise PageError(-4059, "No need to change position side.")

    def _assets_mode(self, signed: Signed) -> dict[str, Any]:
        return {"multiAssetsMargin": False}

    def _set_assets_mode(self, signed: Signed) -> dict[str, Any]:
        if signed.required("multiAssetsMargin").lower() == "true":
            raise PageError(-1000, "Multi-asset margin is not available here: each currency stands for itself.")
        raise PageError(-4171, "No need to change the multi-assets mode.")

    # --- facts ---------------------------------------------------------------------------------------------------

    def _chosen(self, signed: Signed) -> list[SimMarket]:
        return [market_of(self._markets, signed)] if signed.fields.get("symbol") else list(self._markets.values())

    def _brackets(self, signed: Signed) -> list[dict[str, Any]]:
        rows = []
        for market in self._chosen(signed):
            floor, brackets = ZERO, []
            for number, bracket in enumerate(self._accounts.positions.brackets[market.listing.key], 1):
                brackets.append(
                    {
                        "bracket": number,
                        "initialLeverage": int(bracket.max_leverage),
                        "notionalCap": int(bracket.cap),
                        "notionalFloor": int(floor),
                        "maintMarginRatio": float(bracket.rate),
                        "cum": float(bracket.amount),
                    }
                )
                floor = bracket.cap
            rows.append({"symbol": market.native, "notionalCoef": 1.0, "brackets": brackets})
        return rows

    def _symbol_config(self, signed: Signed) -> list[dict[str, Any]]:
        rows = []
        for market in self._chosen(signed):
            key = market.listing.key
            setting = self._accounts.positions.setting(signed.account, key)
            rows.append(
                {
                    "symbol": market.native,
                    "marginType": "ISOLATED" if setting.isolated else "CROSSED",
                    "isAutoAddMargin": False,
                    "leverage": int(setting.leverage),
                    "maxNotionalValue": text_of(self._accounts.positions.limit(key, setting.leverage)),
                }
            )
        return rows

    def _account_config(self, signed: Signed) -> dict[str, Any]:
        return {
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": True,
            "dualSidePosition": False,
            "updateTime": 0,
            "multiAssetsMargin": False,
            "tradeGroupId": -1,
        }

    def _commission(self, signed: Signed) -> dict[str, Any]:
        instrument = market_of(self._markets, signed).listing.instrument
        maker, taker = text_of(instrument.maker_fee), text_of(instrument.taker_fee)
        return {"symbol": instrument.native, "makerCommissionRate": maker, "takerCommissionRate": taker}

    def _income(self, signed: Signed) -> list[dict[str, Any]]:
        wanted = signed.fields.get("incomeType")
        key = market_of(self._markets, signed).listing.key if signed.fields.get("symbol") else None
        entries = [
            entry
            for entry in self._accounts.ledger.entries
            if _concerns(entry, signed.account, key)
            and (not wanted or INCOMES[entry.cause] == wanted)
            and (entry.key in self._by_key or not entry.key)
        ]
        chosen = shown(
            entries, signed, id_of=lambda entry: entry.number, ms_of=lambda entry: entry.ms, from_name="fromId"
        )
        return [self._income_row(entry, signed.account) for entry in chosen]

    def _income_row(self, entry: Entry, account: int) -> dict[str, Any]:
        received = entry.target.account == account
        return {
            "symbol": self._by_key[entry.key].native if entry.key else "",
            "incomeType": INCOMES[entry.cause],
            "income": texts.eight(entry.amount if received else -entry.amount),
            "asset": entry.source.currency,
            "info": entry.reference,
            "time": entry.ms,
            "tranId": entry.number,
            "tradeId": entry.reference,
        }

    def _quantiles(self, signed: Signed) -> list[dict[str, Any]]:
        held = [view for view in self._views(signed.account) if view.lots]
        return [{"symbol": self._by_key[view.key].native, "adlQuantile": {"BOTH": 1}} for view in held]


def _withdrawable(margin: Margin) -> Decimal:
    return max(ZERO, min(margin.available, margin.cross_wallet))


def _concerns(entry: Entry, account: int, key: str | None) -> bool:
    """Whether a move changed the account's perpetual wallets, isolated ones too."""
    if entry.cause not in INCOMES or (key is not None and entry.key != key):
        return False
    own = next((purse for purse in (entry.source, entry.target) if purse.account == account), None)
    return own is not None and own.wallet in (LINEAR_WALLET, entry.key)

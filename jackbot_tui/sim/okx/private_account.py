"""OKX's signed pages for balance, positions, leverage, margin and settings of the account.

``private`` mounts them. The account is in Futures mode (``acctLv`` 2) and one-way: one wallet for spot and swaps, each
currency standing for itself. Shapes: ../shared/exchanges/okx.md §1, §7 and §8.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import ZERO, text_of
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.budgets import Budget
from jackbot_tui.sim.keys import ApiKey, Permission
from jackbot_tui.sim.ledger import Cause, Entry
from jackbot_tui.sim.margin import LINEAR_WALLET, settled
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.okx import private_texts as texts
from jackbot_tui.sim.okx.private_modes import TradeModes
from jackbot_tui.sim.okx.private_rest import (
    NO_INSTRUMENT,
    Fields,
    OkxError,
    PrivatePage,
    Signed,
    bad_parameter,
    error_of,
)
from jackbot_tui.sim.requests import PositionView, Refused
from jackbot_tui.sim.timeline import Timeline

ROWS = 100


class AccountPages:
    """``markets`` by native symbol."""

    def __init__(
        self, accounts: Accounts, markets: Mapping[str, SimMarket], modes: TradeModes, timeline: Timeline
    ) -> None:
        self._accounts = accounts
        self._markets = markets
        self._swaps = {native: market for native, market in markets.items() if market.kind is MarketKind.LINEAR}
        self._by_key = {market.listing.key: market for market in markets.values()}
        self._modes = modes
        self._timeline = timeline

    def pages(self) -> list[PrivatePage]:
        trade, base = Permission.TRADE, "/api/v5/account"
        return [
            PrivatePage("GET", f"{base}/balance", Budget(10), self._balance),
            PrivatePage("GET", f"{base}/positions", Budget(10), self._positions),
            PrivatePage("GET", f"{base}/config", Budget(5), self._config),
            PrivatePage("GET", f"{base}/leverage-info", Budget(20), self._leverage),
            PrivatePage("POST", f"{base}/set-leverage", Budget(40), self._set_leverage, trade),
            PrivatePage("POST", f"{base}/set-position-mode", Budget(5), self._set_position_mode, trade),
            PrivatePage("POST", f"{base}/position/margin-balance", Budget(20), self._move_margin, trade),
            PrivatePage("GET", f"{base}/trade-fee", Budget(5), self._fees),
            PrivatePage("GET", f"{base}/bills", Budget(5, 1_000), self._bills),
            PrivatePage("GET", "/api/v5/asset/currencies", Budget(6, 1_000), self._currencies),
        ]

    # --- figures -------------------------------------------------------------------------------------------------

    def moneys(self, account: int, currencies: Sequence[str] = ()) -> list[texts.Money]:
        """The wallet, or those of its currencies."""
        settled_in = self._accounts.currencies(MarketKind.LINEAR)
        known = dict.fromkeys([*settled_in, *self._accounts.currencies(MarketKind.SPOT)])
        return [self._money(account, name, settled_in) for name in known if not currencies or name in currencies]

    def _money(self, account: int, currency: str, settled_in: Sequence[str]) -> texts.Money:
        holding = self._accounts.holding(account, currency)
        if currency not in settled_in:
            return texts.Money(currency, holding.total, ZERO, ZERO, None, holding)
        margin = self._accounts.positions.margin(account, currency)
        isolated = margin.wallet - margin.cross_wallet
        return texts.Money(currency, margin.wallet, margin.unrealized, isolated, margin.available, holding)

    def balance_row(self, account: int, currencies: Sequence[str] = ()) -> dict[str, Any]:
        return texts.balance_row(self.moneys(account, currencies), self._timeline.now_ms())

    def position_rows(self, views: Sequence[PositionView]) -> list[dict[str, Any]]:
        now_ms = self._timeline.now_ms()
        return [texts.position_row(self._by_key[view.key], view, now_ms) for view in views]

    def views(self, account: int, native: str = "") -> list[PositionView]:
        """Open positions; ``native`` may name several instruments."""
        wanted = native.split(",") if native else list(self._swaps)
        found = [
            self._accounts.positions.view(account, self._swaps[name].listing.key)
            for name in wanted
            if name in self._swaps
        ]
        return [view for view in found if view.lots]

    def _balance(self, signed: Signed) -> list[dict[str, Any]]:
        asked = signed.fields.text("ccy")
        return [self.balance_row(signed.account, asked.split(",") if asked else ())]

    def _positions(self, signed: Signed) -> list[dict[str, Any]]:
        fields = signed.fields
        if fields.text("instType") not in ("", "SWAP"):
            return []
        return self.position_rows(self.views(signed.account, fields.text("instId")))

    # --- settings ------------------------------------------------------------------------------------------------

    def _config(self, signed: Signed) -> list[dict[str, Any]]:
        uid = uid_of(signed.account)
        return [
            {
                "uid": uid, "mainUid": uid, "acctLv": "2", "posMode": "net_mode", "acctStpMode": "cancel_maker",
                "autoLoan": False, "ctIsoMode": "automatic", "level": "Lv1", "kycLv": "2", "label": signed.sender.role,
                "perm": rights_of(signed.sender), "ip": "", "type": "0", "roleType": "0",
            }
        ]  # fmt: skip

    def _swap(self, fields: Fields) -> SimMarket:
        found = self._swaps.get(fields.required("instId"))
        if found is None:
            raise NO_INSTRUMENT
        return found

    @staticmethod
    def _mode(fields: Fields) -> str:
        mode = fields.required("mgnMode")
        if mode not in ("cross", "isolated"):
            raise bad_parameter("mgnMode")
        if fields.text("posSide") not in ("", "net"):
            raise bad_parameter("posSide")
        return mode

    def _leverage(self, signed: Signed) -> list[dict[str, Any]]:
        market, mode = self._swap(signed.fields), self._mode(signed.fields)
        leverage = self._modes.leverage(signed.account, market, mode)
        return [{"instId": market.native, "mgnMode": mode, "posSide": "net", "lever": text_of(leverage)}]

    def _set_leverage(self, signed: Signed) -> list[dict[str, Any]]:
        fields = signed.fields
        market, mode = self._swap(fields), self._mode(fields)
        fields.required("lever")
        leverage = fields.number("lever") or ZERO
        try:
            self._modes.set_leverage(signed.account, market, mode, leverage)
        except Refused as refused:
            raise error_of(refused, market.listing.instrument.settle) from None
        return [{"instId": market.native, "mgnMode": mode, "posSide": "net", "lever": text_of(leverage)}]

    @staticmethod
    def _set_position_mode(signed: Signed) -> list[dict[str, Any]]:
        match signed.fields.required("posMode"):
            case "net_mode":
                return [{"posMode": "net_mode"}]
            case "long_short_mode":
                raise OkxError("50062", "This feature is currently unavailable.")
        raise bad_parameter("posMode")

    def _move_margin(self, signed: Signed) -> list[dict[str, Any]]:
        fields, market = signed.fields, self._swap(signed.fields)
        amount, direction = fields.number("amt") or ZERO, fields.required("type")
        if amount <= ZERO or amount != settled(amount):
            raise bad_parameter("amt")
        if direction not in ("add", "reduce"):
            raise bad_parameter("type")
        key, settle = market.listing.key, market.listing.instrument.settle
        view = self._accounts.positions.view(signed.account, key)
        if not view.lots or not view.is_isolated:
            raise OkxError("59300", "Margin call failed. Position doesn't exist.")
        free = self._accounts.positions.margin(signed.account, settle).available
        spare = view.isolated_margin + min(ZERO, view.unrealized) - view.initial_margin
        if amount > (free if direction == "add" else spare):
            raise OkxError("59301", "Margin adjustment failed for exceeding the max limit.")
        change = amount if direction == "add" else -amount
        self._accounts.positions.add_margin(signed.account, key, change, ms=self._timeline.now_ms())
        self._accounts.touch_money(signed.account, key, (settle,), Cause.MARGIN)
        row = {"instId": market.native, "posSide": "net", "type": direction, "amt": text_of(amount), "ccy": settle}
        return [row | {"leverage": text_of(view.leverage)}]

    # --- facts ---------------------------------------------------------------------------------------------------

    def _fees(self, signed: Signed) -> list[dict[str, Any]]:
        kind = signed.fields.required("instType")
        wanted = MarketKind.SPOT if kind == "SPOT" else MarketKind.LINEAR
        markets = [market for market in self._markets.values() if market.kind is wanted]
        if kind not in ("SPOT", "SWAP") or not markets:
            raise bad_parameter("instType")
        instrument = markets[0].listing.instrument
        maker, taker = (text_of(-Decimal(fee)) for fee in (instrument.maker_fee, instrument.taker_fee))
        names = ("maker", "taker") if wanted is MarketKind.SPOT else ("makerU", "takerU")
        now = str(self._timeline.now_ms())
        return [{"instType": kind, "level": "Lv1", "ts": now, names[0]: maker, names[1]: taker}]

    def _bills(self, signed: Signed) -> list[dict[str, Any]]:
        """Moves of the account's own wallet, newest first."""
        fields, account = signed.fields, signed.account
        currency, kind, after = fields.text("ccy"), fields.text("type"), fields.whole("after")
        rows = []
        for entry in reversed(self._accounts.ledger.entries):
            row = self._bill(account, entry)
            if row is None or (currency and row["ccy"] != currency) or (kind and row["type"] != kind):
                continue
            if after is None or entry.number < after:
                rows.append(row)
            if len(rows) >= min(ROWS, fields.whole("limit") or ROWS):
                break
        return rows

    def _bill(self, account: int, entry: Entry) -> dict[str, Any] | None:
        gains = entry.target.account == account and entry.target.wallet == LINEAR_WALLET
        loses = entry.source.account == account and entry.source.wallet == LINEAR_WALLET
        if gains is loses:
            return None
        market = self._by_key.get(entry.key)
        amount = texts.amount_text(entry.amount if gains else -entry.amount)
        of_contract = market is not None and market.kind is MarketKind.LINEAR
        return {
            "billId": str(entry.number),
            "type": texts.BILL_TYPES[entry.cause],
            "subType": "",
            "ccy": entry.target.currency,
            "balChg": amount,
            "pnl": amount if of_contract and entry.cause in (Cause.PROFIT, Cause.FUNDING) else "0",
            "fee": amount if entry.cause is Cause.FEE else "0",
            "bal": "",
            "instType": "" if market is None else texts.inst_type(market),
            "instId": "" if market is None else market.native,
            "ts": str(entry.ms),
        }

    def _currencies(self, signed: Signed) -> list[dict[str, Any]]:
        names = dict.fromkeys(currency for kind in MarketKind for currency in self._accounts.currencies(kind))
        return [
            {
                "ccy": name, "chain": f"{name}-Sim", "name": name, "canDep": False, "canWd": False,
                "canInternal": False, "minWd": "1", "minDep": "1", "maxWd": "1", "fee": "0", "wdTickSz": "8",
                "mainNet": True,
            }
            for name in names
        ]  # fmt: skip


def uid_of(account: int) -> str:
    return str(44_000_000 + account)


def rights_of(key: ApiKey) -> str:
    """As ``account/config`` tells what a key may do."""
    rights = {Permission.TRADE: "trade", Permission.WITHDRAW: "withdraw"}
    return ",".join(["read_only", *(name for permission, name in rights.items() if key.may(permission))])

"""Hyperliquid's queries about an account, by its address. Nothing is signed: who knows an address may ask.

Part of ``front``, which answers them beside the public ones. An address that is no account's (an agent's, say) has
valid answers that are empty. Facts: ../shared/exchanges/hyperliquid.md §7, §8.2, §9.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.hyperliquid import account_texts as texts
from jackbot_tui.sim.hyperliquid.account_texts import Coins
from jackbot_tui.sim.hyperliquid.listings import TOKENS
from jackbot_tui.sim.hyperliquid.private import Actions
from jackbot_tui.sim.hyperliquid.queries import Query
from jackbot_tui.sim.hyperliquid.signing import Signers
from jackbot_tui.sim.hyperliquid.texts import plain
from jackbot_tui.sim.margin import Margin
from jackbot_tui.sim.requests import Fill
from jackbot_tui.sim.timeline import Timeline

MOST_ROWS = 2_000
"""Newest fills or orders that one answer holds."""

_NOTHING = Margin(ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO)


class AccountQueries:
    """See the module's text. ``places``: index of each token on the chain, by the venue's name for it."""

    def __init__(
        self,
        accounts: Accounts,
        coins: Coins,
        signers: Signers,
        actions: Actions,
        timeline: Timeline,
        places: Mapping[str, int],
    ) -> None:
        self._accounts = accounts
        self._coins = coins
        self._signers = signers
        self._actions = actions
        self._timeline = timeline
        self._places = places

    def answers(self) -> dict[str, Callable[[Query], Any]]:
        """Queries by name."""
        return {
            "openOrders": lambda query: self.open_orders(self._of(query)),
            "frontendOpenOrders": lambda query: self.full_orders(self._of(query)),
            "historicalOrders": self._history,
            "orderStatus": self._order,
            "userFills": lambda query: self.fills(self._of(query))[::-1][:MOST_ROWS],
            "userFillsByTime": self._fills_by_time,
            "clearinghouseState": lambda query: self.clearinghouse(self._of(query)),
            "spotClearinghouseState": lambda query: self.spot(self._of(query)),
            "userFunding": self._funding,
            "userAbstraction": lambda query: "disabled",
            "userRole": self._role,
            "extraAgents": self._agents,
            "userRateLimit": self._rate_limit,
            "userFees": lambda query: self._fees(),
            "activeAssetData": self._asset,
        }

    def _of(self, query: Query) -> int | None:
        return self._signers.account(query.user)

    # --- orders and fills ----------------------------------------------------------------------------------------

    def open_orders(self, account: int | None) -> list[dict[str, Any]]:
        return [texts.order_row(self._coins, order) for order in self._accounts.orders.open_orders(account or 0)]

    def full_orders(self, account: int | None) -> list[dict[str, Any]]:
        return [texts.full_row(self._coins, order) for order in self._accounts.orders.open_orders(account or 0)]

    def fills(self, account: int | None) -> list[dict[str, Any]]:
        """All that are kept, oldest first."""
        if account is None:
            return []
        made = self._accounts.orders.fills(account)
        starts = texts.starts_of(made, {key: self.held(account, key) for key in {fill.key for fill in made}})
        return [self.fill_row(fill, start) for fill, start in zip(made, starts, strict=True)]

    def fill_row(self, fill: Fill, start: int) -> dict[str, Any]:
        order = self._accounts.orders.order(fill.account, fill.key, fill.order_id)
        said = None
        if order is not None and order.is_liquidation:
            mark = plain(self._accounts.mark(fill.key))
            said = {"liquidatedUser": self._signers.wallet(fill.account), "markPx": mark, "method": "market"}
        return texts.fill_row(self._coins, fill, start, said)

    def held(self, account: int, key: str) -> int:
        """Lots that an account holds of an instrument."""
        instrument = self._accounts.listings[key].instrument
        if instrument.kind is MarketKind.LINEAR:
            return self._accounts.positions.position(account, key).lots
        return int(self._accounts.holding(account, instrument.base).total / instrument.lot)

    def _fills_by_time(self, query: Query) -> list[dict[str, Any]]:
        """From ``startTime`` to ``endTime``, both included, oldest first."""
        end = query.endTime or self._timeline.now_ms() + 1
        rows = [row for row in self.fills(self._of(query)) if (query.startTime or 0) <= row["time"] <= end]
        return rows[:MOST_ROWS]

    def _history(self, query: Query) -> list[dict[str, Any]]:
        """Newest first."""
        account = self._of(query)
        if account is None:
            return []
        orders = sorted(self._accounts.orders.orders(account), key=lambda order: order.updated_ms, reverse=True)
        return [texts.history_row(self._coins, order) for order in orders[:MOST_ROWS]]

    def _order(self, query: Query) -> dict[str, Any]:
        account, found = self._of(query), None
        if account is not None and isinstance(query.oid, int):
            found = self._accounts.orders.order(account, *self._coins.parted(query.oid))
        elif account is not None and isinstance(query.oid, str):
            cloid = query.oid.lower()
            keys = self._accounts.listings
            made = [self._accounts.orders.by_client_id(account, key, cloid) for key in keys]
            found = max((order for order in made if order), key=lambda order: order.created_ms, default=None)
        return {"status": "unknownOid"} if found is None else self._told(texts.history_row(self._coins, found))

    @staticmethod
    def _told(row: dict[str, Any]) -> dict[str, Any]:
        return {"status": "order", "order": row}

    # --- money ---------------------------------------------------------------------------------------------------

    def clearinghouse(self, account: int | None) -> dict[str, Any]:
        """Margin and positions of perpetuals."""
        positions, now_ms = self._accounts.positions, self._timeline.now_ms()
        keys = positions.perpetuals()
        most = {key: self._accounts.listings[key].instrument.max_leverage for key in keys}
        if account is None or not keys:
            return texts.clearinghouse_state(self._coins, _NOTHING, (), most, now_ms)
        settle = self._accounts.listings[keys[0]].instrument.settle
        views = [positions.view(account, key) for key in keys]
        return texts.clearinghouse_state(self._coins, positions.margin(account, settle), views, most, now_ms)

    def spot(self, account: int | None) -> dict[str, Any]:
        if account is None:
            return {"balances": []}
        names = self._accounts.currencies(MarketKind.SPOT)
        return texts.spot_state((self._accounts.holding(account, name) for name in names), self._places)

    def fundings(self, account: int | None) -> list[dict[str, Any]]:
        """Payments, oldest first. The position is the one held now where it is not known what it was."""
        if account is None:
            return []
        rows = []
        for entry in self._accounts.ledger.entries:
            if texts.is_funding_of(entry, account):
                market = self._coins.market(entry.key)
                rate = _rate(market.marks.settlements[-1].rate) if market.marks and market.marks.settlements else ZERO
                lots = self._accounts.positions.position(account, entry.key).lots
                rows.append(texts.funding_row(market, entry, account, lots, rate))
        return rows

    def _funding(self, query: Query) -> list[dict[str, Any]]:
        rows = [row for row in self.fundings(self._of(query)) if row["time"] >= (query.startTime or 0)]
        nothing = "0x" + 64 * "0"
        return [
            {"time": row.pop("time"), "hash": nothing, "delta": {"type": "funding", **row}} for row in rows[:MOST_ROWS]
        ]

    # --- who ------------------------------------------------------------------------------------------------------

    def _role(self, query: Query) -> dict[str, Any]:
        if self._of(query) is not None:
            return {"role": "user"}
        account = self._signers.agent_of(query.user)
        if account is None:
            return {"role": "missing"}
        return {"role": "agent", "data": {"user": self._signers.wallet(account)}}

    def _agents(self, query: Query) -> list[dict[str, Any]]:
        account = self._of(query)
        if account is None:
            return []
        until = self._timeline.now_ms() + 180 * 86_400_000
        return [{"name": "trader", "address": self._signers.agent(account), "validUntil": until}]

    def _rate_limit(self, query: Query) -> dict[str, Any]:
        account = self._of(query)
        volume = self._actions.volume(account) if account else ZERO
        return {
            "cumVlm": plain(volume),
            "nRequestsUsed": self._actions.used(account) if account else 0,
            "nRequestsCap": self._actions.free_actions + int(volume),
        }

    def _fees(self) -> dict[str, Any]:
        """Rates of an account with no volume behind it."""
        spot, linear = (self._instrument_fees(kind) for kind in (MarketKind.SPOT, MarketKind.LINEAR))
        return {
            "dailyUserVlm": [],
            "userCrossRate": linear[1], "userAddRate": linear[0],
            "userSpotCrossRate": spot[1], "userSpotAddRate": spot[0],
            "activeReferralDiscount": "0.0",
        }  # fmt: skip

    def _instrument_fees(self, kind: MarketKind) -> tuple[str, str]:
        for listing in self._accounts.listings.values():
            if listing.instrument.kind is kind:
                return plain(listing.instrument.maker_fee), plain(listing.instrument.taker_fee)
        return "0.0", "0.0"

    def _asset(self, query: Query) -> dict[str, Any] | None:
        """Leverage of an account in a coin."""
        account = self._of(query)
        for key in self._accounts.positions.perpetuals():
            if account is not None and self._coins.market(key).native == query.coin:
                setting = self._accounts.positions.setting(account, key)
                kind = "isolated" if setting.isolated else "cross"
                leverage = {"type": kind, "value": int(setting.leverage)}
                return {"user": query.user, "coin": query.coin, "leverage": leverage}
        return None


def token_places(meta: Mapping[str, Any]) -> dict[str, int]:
    """Index of each token of ``spotMeta``, by its name."""
    return {token["name"]: token["index"] for token in meta["tokens"]} | dict.fromkeys(
        set(TOKENS.values()) - {token["name"] for token in meta["tokens"]}, -1
    )


def _rate(rate: float) -> Decimal:
    return Decimal(f"{rate:.8f}")

"""Hyperliquid's actions as the embedded exchange carries them out: ``POST /exchange``, and the same over the socket.

Part of ``front``. ``signing`` finds out who asked, ``actions`` what; the back office does it. The envelope says ``ok``
even when every order in it failed; a failure of the whole says ``err``. There are no numeric codes. Facts:
../shared/exchanges/hyperliquid.md §8, §9 (limits per address), §11 (texts).

Not played: vaults and sub-accounts, transfers, TWAP orders, groups of take-profit and stop-loss, expiry of agents, and
the ten times a day that the dead-man switch may strike.
"""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.front import Call, Reply, json_reply
from jackbot_tui.sim.hyperliquid.account_texts import MISSED, REFUSALS, Coins
from jackbot_tui.sim.hyperliquid.actions import (
    Action,
    BatchModify,
    Cancel,
    CancelByCloid,
    Modify,
    Noop,
    Place,
    ScheduleCancel,
    SetReferrer,
    UpdateIsolatedMargin,
    UpdateLeverage,
    WantedOrder,
    is_cancel,
    size_of,
)
from jackbot_tui.sim.hyperliquid.queries import NOT_UNDERSTOOD
from jackbot_tui.sim.hyperliquid.signing import Signature, Signers, action_digest, user_digest
from jackbot_tui.sim.hyperliquid.texts import figure
from jackbot_tui.sim.limits import Verdict, WeightLimiter
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.requests import AccountOrder, OrderSpec, Refusal, Refused, TriggerPrice
from jackbot_tui.sim.timeline import Timeline

ORDERS_A_WEIGHT = 40
FREE_ACTIONS = 10_000
FREE_CANCELS = 100_000
"""An address may do so many actions, and one more for each USDC it traded; of cancels more."""

SCHEDULE_VOLUME = Decimal(1_000_000)
SCHEDULE_LEAST_MS = 5_000
MICRO = Decimal(1_000_000)
APPROVE_BUILDER = "approveBuilderFee"


class _Envelope(Struct):
    action: msgspec.Raw
    nonce: int
    signature: Signature
    vaultAddress: str | None = None
    expiresAfter: int | None = None


class _Name(Struct):
    type: str


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_NAME = msgspec.json.Decoder(_Name)
_ACTION: msgspec.json.Decoder[Action] = msgspec.json.Decoder(Action)


class NotUnderstood(InputError):
    """A body that has not the shape of an action: answered with 422 and no more."""

    def __init__(self) -> None:
        super().__init__(NOT_UNDERSTOOD)


class Actions:
    """See the module's text. ``replaced`` is told the numbers of an order that was modified, before and after."""

    def __init__(
        self,
        accounts: Accounts,
        coins: Coins,
        signers: Signers,
        timeline: Timeline,
        limiter: WeightLimiter,
        replaced: Callable[[int, int], None],
    ) -> None:
        self.schedule_volume = SCHEDULE_VOLUME
        """What an account must have traded before it may have a dead-man switch."""

        self.free_actions = FREE_ACTIONS
        """What an account may do before it has traded anything."""

        self.signed: Counter[str] = Counter()
        """Signed actions that came in, by type, whatever became of them."""

        self._accounts = accounts
        self._coins = coins
        self._signers = signers
        self._timeline = timeline
        self._limiter = limiter
        self._replaced = replaced
        self._used: Counter[int] = Counter()
        self._builders: dict[tuple[int, str], Decimal] = {}

    # --- ways in -------------------------------------------------------------------------------------------------

    def page(self, call: Call) -> Reply:
        """``POST /exchange``."""
        try:
            return json_reply(self.perform(call.body))
        except NotUnderstood as error:
            return Reply(str(error).encode(), 422, content_type="text/plain")
        except OverflowError:
            return Reply(b"null", 429)

    def perform(self, body: bytes) -> dict[str, Any]:
        """What the venue answers. NotUnderstood for a body of another shape, OverflowError beyond the rate limit."""
        try:
            asked = _ENVELOPE.decode(body)
            name = _NAME.decode(asked.action).type
            action = None if name == APPROVE_BUILDER else _ACTION.decode(asked.action)
        except (msgspec.DecodeError, UnicodeError):
            raise NotUnderstood from None
        size = 1 if action is None else size_of(action)
        if self._limiter.admit(1 + size // ORDERS_A_WEIGHT, self._timeline.now_ms()) is not Verdict.ALLOWED:
            raise OverflowError
        self.signed[name] += 1
        try:
            if action is None:
                return self._approve(asked)
            account = self._authorised(asked, action)
            if said := self._beyond_limit(account, action, size):
                return _failed(said)
            return self._do(account, action)
        except InputError as error:
            return _failed(str(error))

    def _approve(self, asked: _Envelope) -> dict[str, Any]:
        """Consent to a builder's fee: only the account itself can give it."""
        fields = msgspec.json.decode(asked.action)
        signer = self._signers.signer(user_digest(fields), asked.signature)
        account = self._signers.account(signer)
        if account is None:
            raise InputError(f"Must deposit before performing actions. User: {signer}")
        if said := self._signers.take_nonce(signer, asked.nonce, self._timeline.now_ms()):
            raise InputError(said)
        self._builders[account, str(fields["builder"]).lower()] = Decimal(str(fields["maxFeeRate"]).rstrip("%"))
        return _done()

    def _authorised(self, asked: _Envelope, action: Action) -> int:
        """The account for which the signer may act."""
        try:
            digest = action_digest(action, asked.nonce, asked.vaultAddress, asked.expiresAfter)
        except (ValueError, OverflowError):
            raise NotUnderstood from None
        signer = self._signers.signer(digest, asked.signature)
        account = self._signers.account(signer) or self._signers.agent_of(signer)
        if account is None:
            raise InputError(f"User or API Wallet {signer} does not exist.")
        if asked.vaultAddress is not None:
            raise InputError(f"Vault not registered: 0x{asked.vaultAddress.removeprefix('0x').lower()}")
        now_ms = self._timeline.now_ms()
        if said := self._signers.take_nonce(signer, asked.nonce, now_ms):
            raise InputError(said)
        if asked.expiresAfter is not None and asked.expiresAfter < now_ms:
            raise InputError("Action expired: expiresAfter has passed")
        return account

    def _beyond_limit(self, account: int, action: Action, size: int) -> str:
        """Count what an account does; what it is told when that is too much, "" when it is not."""
        volume = self.volume(account)
        limit = self.free_actions + int(volume)
        if is_cancel(action):
            limit = min(limit + FREE_CANCELS, 2 * limit)
        if self._used[account] + size > limit:
            return (
                f"Too many cumulative requests sent ({self._used[account] + size} > {limit}) for cumulative volume "
                f"traded ${volume:.2f}. Place taker orders to free up 1 request per USDC traded."
            )
        self._used[account] += size
        return ""

    def volume(self, account: int) -> Decimal:
        """What an account has traded, in quote currency."""
        total = ZERO
        for fill in self._accounts.orders.fills(account):
            instrument = self._accounts.listings[fill.key].instrument
            total += fill.price * fill.quantity * instrument.tick * instrument.lot
        return total

    def used(self, account: int) -> int:
        """Actions of an account so far."""
        return self._used[account]

    # --- what is done --------------------------------------------------------------------------------------------

    def _do(self, account: int, action: Action) -> dict[str, Any]:
        match action:
            case Place():
                if action.builder is not None and (account, action.builder.b.lower()) not in self._builders:
                    raise InputError("Builder fee has not been approved.")
                return _statuses("order", [self._place(account, order) for order in action.orders])
            case Cancel():
                rows = [(row.a, self._by_number(account, row.a, row.o)) for row in action.cancels]
                return _statuses("cancel", [self._cancel(asset, order) for asset, order in rows])
            case CancelByCloid():
                found = [(row.asset, self._by_cloid(account, row.asset, row.cloid)) for row in action.cancels]
                return _statuses("cancel", [self._cancel(asset, order) for asset, order in found])
            case Modify():
                status = self._modify(account, action.oid, action.order)
                if "error" in status:
                    raise InputError(str(status["error"]))
                return _done()
            case BatchModify():
                return _statuses("order", [self._modify(account, row.oid, row.order) for row in action.modifies])
            case UpdateLeverage():
                self._set_leverage(account, action)
            case UpdateIsolatedMargin():
                self._move_margin(account, action)
            case ScheduleCancel():
                self._schedule(account, action.time)
            case SetReferrer() | Noop():
                pass
        return _done()

    def _place(self, account: int, wanted: WantedOrder) -> dict[str, Any]:
        market = self._coins.of_asset(wanted.a)
        if market is None:
            return {"error": f"Asset not found. asset={wanted.a}"}
        if market.kind is MarketKind.SPOT and wanted.t.trigger is not None:
            return {"error": "Placing trigger orders is not enabled on spot trading yet."}
        try:
            order = self._accounts.submit(account, _spec(market, wanted))
        except Refused as refused:
            return {"error": self._words(refused.refusal, market, wanted.a)}
        return self._placed(market, wanted.a, order)

    def _placed(self, market: SimMarket, asset: int, order: AccountOrder) -> dict[str, Any]:
        named: dict[str, Any] = {"oid": self._coins.order_number(order.key, order.order_id)}
        if order.client_id.startswith("0x"):
            named["cloid"] = order.client_id
        if order.is_open:
            return {"resting": named}
        if not order.filled:
            return {"error": f"{MISSED} asset={asset}"}
        average = market.text.average(order.value, order.filled).rstrip("0").rstrip(".")
        total = figure(market.text.quantity(order.filled))
        return {"filled": {"totalSz": total, "avgPx": figure(average), **named}}

    def _cancel(self, asset: int, order: AccountOrder | None) -> Any:
        if order is None or not order.is_open:
            return {"error": f"{REFUSALS[Refusal.UNKNOWN_ORDER]} asset={asset}"}
        self._accounts.cancel(order)
        return "success"

    def _modify(self, account: int, named: int | str, wanted: WantedOrder) -> dict[str, Any]:
        """A new order in place of an old one: a new number, the same client id, the end of the queue."""
        found = self._by_number if isinstance(named, int) else self._by_cloid
        order = found(account, wanted.a, named)  # type: ignore[arg-type]
        market = self._coins.of_asset(wanted.a)
        if order is None or market is None or not order.is_open:
            return {"error": REFUSALS[Refusal.AMEND_NOT_ALLOWED]}
        kept = order.client_id if wanted.c is None and order.client_id.startswith("0x") else wanted.c or ""
        spec = msgspec.structs.replace(_spec(market, wanted), client_id="")
        try:
            self._accounts.examine(account, spec)
            self._accounts.cancel(order)
            made = self._accounts.submit(account, msgspec.structs.replace(spec, client_id=kept.lower()))
        except Refused as refused:
            return {"error": self._words(refused.refusal, market, wanted.a)}
        self._replaced(
            self._coins.order_number(order.key, order.order_id), self._coins.order_number(made.key, made.order_id)
        )
        return self._placed(market, wanted.a, made)

    def _by_number(self, account: int, asset: int, number: int) -> AccountOrder | None:
        market = self._coins.of_asset(asset)
        key, order_id = self._coins.parted(number)
        if market is None or key != market.listing.key:
            return None
        return self._accounts.orders.order(account, key, order_id)

    def _by_cloid(self, account: int, asset: int, cloid: str) -> AccountOrder | None:
        market = self._coins.of_asset(asset)
        if market is None:
            return None
        return self._accounts.orders.by_client_id(account, market.listing.key, cloid.lower())

    def _words(self, refusal: Refusal, market: SimMarket, asset: int) -> str:
        text, engine = market.text, market.engine
        touch = f"{text.price(engine.best_bid or 0)}@{text.price(engine.best_ask or 0)}"
        return f"{REFUSALS[refusal].replace('{touch}', touch)} asset={asset}"

    # --- settings ------------------------------------------------------------------------------------------------

    def _perpetual(self, asset: int) -> str:
        market = self._coins.of_asset(asset)
        if market is None or market.kind is not MarketKind.LINEAR:
            raise InputError(f"Asset not found. asset={asset}")
        return market.listing.key

    def _set_leverage(self, account: int, action: UpdateLeverage) -> None:
        key = self._perpetual(action.asset)
        isolated = not action.isCross
        try:
            if self._accounts.positions.setting(account, key).isolated is not isolated:
                self._accounts.set_isolated(account, key, isolated=isolated)
            self._accounts.set_leverage(account, key, Decimal(action.leverage))
        except Refused as refused:
            raise InputError(REFUSALS[refused.refusal]) from None

    def _move_margin(self, account: int, action: UpdateIsolatedMargin) -> None:
        key, positions = self._perpetual(action.asset), self._accounts.positions
        amount, settle = action.ntli / MICRO, self._accounts.listings[key].instrument.settle
        if not positions.position(account, key).lots or not positions.setting(account, key).isolated:
            raise InputError("Cannot update isolated margin: there is no isolated position.")
        view = positions.view(account, key)
        spare = view.isolated_margin + min(ZERO, view.unrealized) - view.initial_margin
        if amount > positions.margin(account, settle).available or -amount > spare:
            raise InputError(REFUSALS[Refusal.INSUFFICIENT_MARGIN])
        positions.add_margin(account, key, amount, ms=self._timeline.now_ms())

    def _schedule(self, account: int, at_ms: int | None) -> None:
        """The dead-man switch of the whole account."""
        ms = 0
        if at_ms is not None:
            traded = self.volume(account)
            if traded < self.schedule_volume:
                raise InputError(
                    "Cannot set scheduled cancel time until enough volume traded. "
                    f"Required: ${self.schedule_volume:f}. Traded: ${traded:.2f}."
                )
            ms = at_ms - self._timeline.now_ms()
            if ms < SCHEDULE_LEAST_MS:
                raise InputError("Scheduled cancel time too early, must be at least 5 seconds from now.")
        for key in self._accounts.listings:
            self._accounts.count_down(account, key, ms)


def _spec(market: SimMarket, wanted: WantedOrder) -> OrderSpec:
    limit, trigger = wanted.t.limit, wanted.t.trigger
    tif = "Gtc" if limit is None else limit.tif
    at_market = trigger is not None and trigger.isMarket
    return OrderSpec(
        key=market.listing.key,
        side=Side.BUY if wanted.b else Side.SELL,
        quantity=Decimal(wanted.s),
        price=None if at_market else Decimal(wanted.p),
        client_id="" if wanted.c is None else wanted.c.lower(),
        tif=TimeInForce.IOC if tif in ("Ioc", "FrontendMarket") else TimeInForce.GTC,
        post_only=tif == "Alo",
        reduce_only=wanted.r and market.kind is MarketKind.LINEAR,
        trigger_price=None if trigger is None else Decimal(trigger.triggerPx),
        trigger_by=TriggerPrice.MARK,
        takes_profit=trigger is not None and trigger.tpsl == "tp",
    )


def _done() -> dict[str, Any]:
    return {"status": "ok", "response": {"type": "default"}}


def _failed(words: str) -> dict[str, Any]:
    return {"status": "err", "response": words}


def _statuses(kind: str, statuses: list[Any]) -> dict[str, Any]:
    return {"status": "ok", "response": {"type": kind, "data": {"statuses": statuses}}}

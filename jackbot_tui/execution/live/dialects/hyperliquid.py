"""Hyperliquid's private side: one wallet, spot and perpetuals, every action signed by a key of the account.

``mended`` makes of ccxt's class one that signs nothing unasked. Loading markets with a key, and every trading call,
ccxt signs and sends the consent to its own builder's fee and names itself as referrer: that is consent to a fee, which
is nobody's to give but the account's owner. Facts: the venue's documents, and ccxt 4.5.90 (``hyperliquid.py``,
``pro/hyperliquid.py``).
"""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from jackbot_tui.execution.live.dialect import (
    BOTH_KINDS,
    ClientIdRule,
    DeadMan,
    Dialect,
    IdWriting,
    KeyRights,
    RightsRule,
    StopRule,
    StopState,
    Weights,
    trigger_of_kind,
)
from jackbot_tui.model.enums import MarketKind, TriggerBy
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.venues.hyperliquid.errors import ERRORS

EXPIRES_MS = 15_000
"""An order that reaches the chain later than this after it was signed is refused there."""

FULL_PAGE = 2_000
MOST_PAGES = 5
"""Fills in one answer, and so many answers are to be had: the venue keeps the newest 10,000."""


class NotSupported(JackbotError):
    """Named as ccxt's, by which failures are classified."""


class OrderNotFillable(JackbotError):
    """The same."""


class Mended:
    """What ccxt 4.5.90 gets wrong at Hyperliquid, each method with what it would do otherwise."""

    options: dict[str, Any]
    privateKey: str
    walletAddress: str
    positions: Any
    balance: Any
    safe_dict: Any
    safe_list: Any
    safe_string: Any
    market: Any
    load_markets: Any
    fetch_order_book: Any
    parse_position: Any
    safe_position: Any
    sign_l1_action: Any
    is_unified_enabled: Any
    milliseconds: Any
    eth_get_address_from_private_key: Any
    update_spot_currency_code: Any
    parse_trades: Any
    filter_by_symbol_since_limit: Any
    handle_public_address: Any
    publicPostInfo: Any
    privatePostExchange: Any

    last_nonce: ClassVar[int] = 0
    """Nonces are one sequence per key, and several clients share it."""

    wound: ClassVar[dict[str, set[int]]] = {}
    """Clients that want the dead-man switch of a wallet, which counts for all its orders."""

    # --- nothing is signed unasked -------------------------------------------------------------------------------

    async def initialize_client(self) -> bool:
        """ccxt: signs ``approveBuilderFee`` and ``setReferrer``, when markets are loaded and before trading calls. What
        is left of it is to ask, once, whether spot and perpetuals are one account.
        """
        if "enableUnifiedMargin" not in self.options:
            await self.is_unified_enabled("fetchBalance", None, False, {})
        return True

    async def handle_builder_fee_approval(self) -> bool:
        """ccxt: signs ``approveBuilderFee``."""
        return True

    async def set_ref(self) -> bool:
        """ccxt: signs ``setReferrer``."""
        return True

    def incrementing_nonce(self) -> int:
        """ccxt: counts by client, so that two clients of one key may use the same millisecond."""
        Mended.last_nonce = max(int(self.milliseconds()), Mended.last_nonce + 1)
        return Mended.last_nonce

    def _venue_ms(self) -> int:
        """The venue's present, as measured. ccxt: measures it and signs by our own clock."""
        return int(self.milliseconds()) - int(self.options.get("timeDifference") or 0)

    # --- orders --------------------------------------------------------------------------------------------------

    async def create_order(
        self, symbol: str, type: str, side: str, amount: float, price: float | None = None, params: Any = None
    ) -> Any:
        """ccxt: wants a price with a market order, sends a fill-or-kill that the venue does not have, and shows what an
        IOC order got as what it asked for. The price of a stop at market is its trigger: what bounds it (5 %) has to
        count from there.
        """
        params = dict(params or {})
        if str(params.get("timeInForce", "")).upper() == "FOK":
            raise NotSupported("hyperliquid has no fill-or-kill: it was not sent")
        trigger = params.get("stopLossPrice", params.get("takeProfitPrice"))
        if type == "market" and price is None and trigger is not None:
            price = trigger  # its bound counts from where it will act, not from today's book
        if type == "market" and price is None:
            book = await self.fetch_order_book(symbol, 1)
            facing = book["asks" if side == "buy" else "bids"]
            if not facing:
                raise OrderNotFillable("hyperliquid: nothing rests on the other side: it was not sent")
            price = facing[0][0]
        made = await cast(Any, super()).create_order(symbol, type, side, amount, price, params)
        return {**made, "amount": amount, "remaining": None}

    def create_orders_request(self, orders: Any, params: Any = None) -> Any:
        """ccxt: signs orders without an expiry, so that one that was given up may still arrive."""
        request = cast(Any, super()).create_orders_request(orders, params or {})
        expires = self._venue_ms() + EXPIRES_MS
        vault = request.get("vaultAddress")
        request["expiresAfter"] = expires
        request["signature"] = self.sign_l1_action(request["action"], request["nonce"], vault, expires)
        return request

    def parse_order_status(self, status: Any) -> Any:
        """ccxt: does not know the end by the dead-man switch."""
        return "canceled" if status == "scheduledCancel" else cast(Any, super()).parse_order_status(status)

    # --- fills ---------------------------------------------------------------------------------------------------

    async def fetch_my_trades(
        self, symbol: Any = None, since: Any = None, limit: Any = None, params: Any = None
    ) -> Any:
        """ccxt: asks once. An answer holds the oldest 2,000 of the account from then on, whatever their market."""
        if since is None:
            return await cast(Any, super()).fetch_my_trades(symbol, since, limit, params or {})
        await self.load_markets()
        user, more = self.handle_public_address("fetchMyTrades", dict(params or {}))
        found: dict[tuple[Any, Any], Any] = {}
        start = since
        for _ in range(MOST_PAGES):
            rows = await self.publicPostInfo({"type": "userFillsByTime", "user": user, "startTime": start, **more})
            found |= {(row["tid"], row["oid"]): row for row in rows}
            if len(rows) < FULL_PAGE:
                break
            start = max(int(row["time"]) for row in rows)
        trades = self.parse_trades(list(found.values()), None, None, None)
        return self.filter_by_symbol_since_limit(trades, symbol, since, limit)

    def parse_trade(self, trade: Any, market: Any = None) -> Any:
        """ccxt: leaves out the client id, and calls fee currencies by the chain's names."""
        return self._told(cast(Any, super()).parse_trade(trade, market), trade)

    def parse_ws_trade(self, trade: Any, market: Any = None) -> Any:
        """ccxt: the same, and no fill of the stream says who made it or what currency the fee was in."""
        return self._told(cast(Any, super()).parse_ws_trade(trade, market), trade)

    def _told(self, made: Any, said: Any) -> Any:
        if said.get("crossed") is not None:
            made["takerOrMaker"] = "taker" if said["crossed"] else "maker"
        made["clientOrderId"] = said.get("cloid")
        token = said.get("feeToken")
        if token is not None:
            fee = {"cost": float(said["fee"]), "currency": self.update_spot_currency_code(token)}
            made["fee"], made["fees"] = fee, [fee]
        return made

    # --- account -------------------------------------------------------------------------------------------------

    def parse_ws_balance(self, balance: Any, accountType: Any = None) -> None:
        """ccxt: calls spot balances of the stream by the chain's names (UBTC)."""
        coin = balance.get("coin")
        named = balance if coin is None else {**balance, "coin": self.update_spot_currency_code(coin)}
        cast(Any, super()).parse_ws_balance(named, accountType)

    def handle_positions(self, client: Any, message: Any) -> None:
        """ccxt: says nothing of a position that has gone flat, which the venue's picture leaves out."""
        state = message["data"]["clearinghouseState"]
        rows = [self.parse_position(row) for row in state["assetPositions"]]
        shown = {row["symbol"] for row in rows}
        gone = sorted(self.options.get("heldPositions", set()) - shown)
        self.options["heldPositions"] = shown
        flat = [self.safe_position({"symbol": symbol, "contracts": 0.0}) for symbol in gone]
        client.resolve(rows + flat, "clearinghouseState::positions")

    async def set_leverage(self, leverage: int, symbol: str, params: Any = None) -> Any:
        """ccxt: always makes the margin cross, since the venue sets both in one action."""
        mode = (await self._setting(symbol))["type"]
        return await cast(Any, super()).set_leverage(leverage, symbol, {"marginMode": mode, **(params or {})})

    async def set_margin_mode(self, marginMode: str, symbol: str, params: Any = None) -> Any:
        """ccxt: cannot without being told the leverage, for the same reason."""
        leverage = (await self._setting(symbol))["value"]
        return await cast(Any, super()).set_margin_mode(marginMode, symbol, {"leverage": leverage, **(params or {})})

    async def _setting(self, symbol: str) -> Any:
        await self.load_markets()
        request = {"type": "activeAssetData", "user": self.walletAddress, "coin": self.market(symbol)["baseName"]}
        return (await self.publicPostInfo(request))["leverage"]

    # --- what ccxt does not have ---------------------------------------------------------------------------------

    async def fetch_key_role(self) -> dict[str, Any]:
        """Whose the signing key is: the account's own, an agent's, or nobody's."""
        address = self.eth_get_address_from_private_key(self.privateKey)
        role = await self.publicPostInfo({"type": "userRole", "user": address})
        return {"address": address.lower(), "wallet": self.walletAddress.lower(), **role}

    async def count_down(self, request: Mapping[str, Any]) -> Any:
        """Dead-man switch of the account: ``ms`` from now, 0 takes it back where no other client wants it. ccxt: cannot
        take it back.
        """
        wanting = Mended.wound.setdefault(self.walletAddress.lower(), set())
        (wanting.add if request["ms"] else wanting.discard)(id(self))
        if not request["ms"] and wanting:
            return None
        nonce = self.incrementing_nonce()
        action: dict[str, Any] = {"type": "scheduleCancel"}
        if request["ms"]:
            action["time"] = self._venue_ms() + request["ms"]
        body = {"action": action, "nonce": nonce, "signature": self.sign_l1_action(action, nonce)}
        return await self.privatePostExchange(body)


def mended(plain: type[Any]) -> type[Any]:
    """ccxt's class without what it gets wrong."""
    return type(plain.__name__, (Mended, plain), {})


def _rights(said: Mapping[str, Any], kind: MarketKind) -> KeyRights:
    """The account's own key may do everything; an agent trades and moves no money."""
    if said["address"] == said["wallet"]:
        return KeyRights(may_trade=True, may_withdraw=True)
    owner = str((said.get("data") or {}).get("user", "")).lower()
    return KeyRights(may_trade=said.get("role") == "agent" and owner == said["wallet"], may_withdraw=False)


def _stop(raw: Mapping[str, Any]) -> StopState | None:
    """A trigger order stays one order; rows of the stream tell only that it was ``triggered``."""
    info: Mapping[str, Any] = raw.get("info") or {}
    row = info.get("order") or info
    if info.get("status") == "triggered":
        return StopState(waits=False)
    return StopState(waits=True) if row.get("isTrigger") and info.get("status") in (None, "open") else None


def _count_down(market_id: str, ms: int) -> dict[str, object]:
    return {"ms": ms}


_DEAD_MAN = DeadMan("count_down", _count_down, whole=True)
_WEIGHTS = Weights(
    load=130, create=3, cancel=1, amend=1, order=2, open_orders=20, trades=25, balance=2, positions=2, setting=21,
    count_down=1,
)  # fmt: skip

DIALECT = Dialect(
    venue="hyperliquid",
    client_ids=ClientIdRule(34, "0-9a-fx", "c: 0x and 32 hexadecimal digits", writing=IdWriting.HEX_128),
    errors=ERRORS,
    floating=frozenset({MarketKind.LINEAR}),
    exchanges=dict.fromkeys(BOTH_KINDS, "hyperliquid"),
    options={"fetchMarkets": {"types": ["spot", "swap"]}},  # builders' markets have collateral and rules of their own
    # no amends: the venue replaces the order by one of the full new size, whatever was filled meanwhile
    watch_params={kind: {} for kind in BOTH_KINDS},  # ccxt sends them along
    settle_s=2 * EXPIRES_MS / 1000,
    weights=dict.fromkeys(BOTH_KINDS, _WEIGHTS),
    rights=RightsRule("fetch_key_role", _rights),
    dead_man=dict.fromkeys(BOTH_KINDS, _DEAD_MAN),
    dead_man_s=(6.0, 86_400.0),  # 5 s at least when it arrives
    stops={  # "Placing trigger orders is not enabled on spot trading yet."
        MarketKind.LINEAR: StopRule(triggers={TriggerBy.MARK: ""}, ask=trigger_of_kind, read=_stop)
    },
    override=mended,
    credentials=("walletAddress", "privateKey"),
    source="API documents: exchange and info endpoints, signing, nonces, rate limits; ccxt 4.5.90",
)

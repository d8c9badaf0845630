"""KuCoin's private side, classic accounts: ccxt's ``kucoin`` is spot and perpetuals, with a wallet each.

What ccxt 4.5.90 gets wrong there, and ``corrected`` mends: markets ask for margin pairs with the key; an order of a
perpetual names no margin mode, so that KuCoin takes it for an isolated one, and the leverage 1; isolated leverage
cannot be set; fill-or-kill is sent where it does not exist; own trades and open orders end with the first page; a spot
order of which a part was taken back counts as canceled while it works; the balance of perpetuals counts profit that is
not realised, the streamed one has no total; positions are heard of on unified accounts only; a streamed fill that comes
late opens an order again; a frame that refuses something is raised where nobody hears it; the address of a stream,
token included, outlives the stream.
"""

from collections.abc import Mapping
from typing import Any

from jackbot_tui.execution.live.dialect import (
    BOTH_KINDS,
    WORD,
    ClientIdRule,
    DeadMan,
    Dialect,
    KeyRights,
    RightsRule,
    StopRule,
    StopState,
    Weights,
)
from jackbot_tui.model.enums import MarketKind, TriggerBy
from jackbot_tui.model.orders import Order, trigger_rises
from jackbot_tui.venues.kucoin.errors import ERRORS

_NOTHING: dict[str, Any] = {}
SPOT_PAGE, CONTRACT_PAGE, MOST_PAGES = 100, 1000, 50
NOT_SUPPORTED = "415"
POSITIONS = "/contract/positionAll"
TRADING = {MarketKind.SPOT: "Spot", MarketKind.LINEAR: "Futures"}
TAKES_OUT = frozenset({"Transfer", "Withdrawal"})
ENDED = ("closed", "canceled")


def _rights(said: Mapping[str, Any], kind: MarketKind) -> KeyRights:
    told = (said.get("data") or {}).get("permission")
    if told is None:
        return KeyRights()
    rights = {each.strip() for each in str(told).split(",")}
    return KeyRights(may_trade=TRADING[kind] in rights, may_withdraw=bool(rights & TAKES_OUT))


def _trigger(order: Order, price: float) -> dict[str, object]:
    """ccxt's stop loss and take profit would make it reduce-only, and its trigger knows one direction for each side."""
    return {"triggerPrice": price, "stop": "up" if trigger_rises(order.side, order.take_profit) else "down"}


def _stop(raw: Mapping[str, Any]) -> StopState | None:
    """A stop of a perpetual stays one order; lists show it apart while it waits."""
    info: Mapping[str, Any] = raw.get("info") or {}
    if not info.get("stop"):
        return None
    return StopState(waits=False if info.get("stopTriggered") else True if info.get("isActive") else None)


def _count_down(market_id: str, ms: int) -> dict[str, object]:
    """All markets: a second switch would take the place of the first."""
    return {"timeout": ms // 1000 or -1}


def corrected(plain: type[Any]) -> type[Any]:
    """``ccxt.pro.kucoin`` without what the module's text says against it."""

    class Kucoin(plain):  # type: ignore[misc]
        def __init__(self, config: Mapping[str, Any]) -> None:
            self.margin_modes: dict[str, str] = {}  # symbol -> as last set or read
            self.leverages: dict[str, int] = {}  # symbol -> isolated leverage, as last set
            self.position_rows: dict[str, dict[str, Any]] = {}  # all that the stream has told of a contract
            self.moved: dict[str, Any] = {}  # positions that were told and not taken yet
            super().__init__(config)

        # --- markets and sockets ---------------------------------------------------------------------------------

        async def fetch_currencies(self, params: Any = _NOTHING) -> dict[str, Any]:
            """Nothing here needs them."""
            return {}

        async def fetch_markets(self, params: Any = _NOTHING) -> Any:
            """Those of the client's own kind, without what needs the key."""
            own = "swap" if self.options.get("defaultType") == "swap" else "spot"
            self.options["fetchMarkets"] = {"types": [own], "fetchTickersFees": False}
            return await super().fetch_markets({**params, "marginables": False})

        async def close_ws_clients(self) -> None:
            """The next stream begins with a token of its own."""
            self.options.pop("urls", None)
            self.position_rows.clear()
            self.moved.clear()
            await super().close_ws_clients()

        # --- orders ----------------------------------------------------------------------------------------------

        async def create_contract_order(
            self, symbol: str, type: str, side: str, amount: float, price: float | None = None, params: Any = _NOTHING
        ) -> Any:
            if self.safe_string_upper(params, "timeInForce") == "FOK":
                raise self.exceptions["exact"][NOT_SUPPORTED](f"{self.id} its perpetuals have no fill-or-kill")
            await self._margin_mode(symbol)
            return await super().create_contract_order(symbol, type, side, amount, price, params)

        def create_contract_order_request(
            self, symbol: str, type: str, side: str, amount: float, price: float | None = None, params: Any = _NOTHING
        ) -> Any:
            request = super().create_contract_order_request(symbol, type, side, amount, price, params)
            mode = self.margin_modes[symbol]
            if mode != "isolated" or symbol not in self.leverages:
                return {**self.omit(request, "leverage"), "marginMode": mode.upper()}
            return {**request, "leverage": self.leverages[symbol], "marginMode": "ISOLATED"}

        async def fetch_contract_orders_by_status(
            self, status: str, symbol: str | None = None, since: int | None = None, limit: int | None = None,
            params: Any = _NOTHING,
        ) -> Any:  # fmt: skip
            """On one page: it has room for more orders than a contract may have open."""
            asked = {"pageSize": CONTRACT_PAGE, **params}
            return await super().fetch_contract_orders_by_status(status, symbol, since, limit, asked)

        async def fetch_my_trades(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> list[Any]:
            """Every page of one market, oldest first."""
            market = self.market(symbol)
            rows = await (self._spot_fills if market["spot"] else self._contract_fills)(market, since, params)
            return list(self.parse_trades(list(rows.values()), market, since, None))

        async def _spot_fills(self, market: Any, since: int | None, params: Mapping[str, Any]) -> dict[str, Any]:
            found: dict[str, Any] = {}
            asked = {"symbol": market["id"], "limit": SPOT_PAGE, **params}
            if since is not None:
                asked["startAt"] = since
            for _ in range(MOST_PAGES):
                page = (await self.privateGetHfFills(asked))["data"]
                before = len(found)
                found |= {str(row["tradeId"]): row for row in page["items"]}
                if len(page["items"]) < SPOT_PAGE or len(found) == before:
                    break
                asked["lastId"] = page["lastId"]
            return found

        async def _contract_fills(self, market: Any, since: int | None, params: Mapping[str, Any]) -> dict[str, Any]:
            found: dict[str, Any] = {}
            asked = {"symbol": market["id"], "pageSize": CONTRACT_PAGE, **params}
            if since is not None:
                asked["startAt"] = since
            for page in range(1, MOST_PAGES):
                told = (await self.futuresPrivateGetFills({**asked, "currentPage": page}))["data"]
                found |= {str(row["tradeId"]): row for row in told["items"]}
                if page >= int(told["totalPage"]):
                    break
            return found

        def parse_spot_order(self, order: Any, market: Any = None) -> Any:
            parsed = super().parse_spot_order(order, market)
            if self.safe_bool_2(order, "isActive", "active"):
                parsed["status"] = "open"
            parsed["lastUpdateTimestamp"] = self.safe_integer(order, "lastUpdatedAt")
            return parsed

        # --- the account -----------------------------------------------------------------------------------------

        async def fetch_contract_balance(self, params: Any = _NOTHING) -> Any:
            """Every wallet from which perpetuals are paid, without profit that is not realised."""
            result: dict[str, Any] = {"info": {}}
            for code in sorted({market["settle"] for market in self.markets.values() if market["linear"]}):
                told = (await self.futuresPrivateGetAccountOverview({"currency": self.currency_id(code)}))["data"]
                result["info"][code] = told
                account = self.account()
                account["free"] = self.safe_string(told, "availableBalance")
                account["total"] = self.safe_string(told, "marginBalance")
                result[code] = account
            return self.safe_balance(result)

        async def _margin_mode(self, symbol: str) -> str:
            if symbol not in self.margin_modes:
                self.margin_modes[symbol] = (await self.fetch_margin_mode(symbol))["marginMode"]
            return self.margin_modes[symbol]

        async def set_margin_mode(self, marginMode: str, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            said = await super().set_margin_mode(marginMode, symbol, params)
            self.margin_modes[str(symbol)] = marginMode
            return said

        async def set_leverage(self, leverage: int, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            """Of cross margin at KuCoin; isolated orders bring theirs along."""
            if await self._margin_mode(str(symbol)) == "cross":
                return await super().set_leverage(leverage, symbol, params)
            self.leverages[str(symbol)] = leverage
            return {}

        # --- streams ---------------------------------------------------------------------------------------------

        def parse_ws_order(self, order: Any, market: Any = None) -> Any:
            """A fill says nothing of whether the order still works, and nothing opens an order that has ended."""
            parsed = super().parse_ws_order(order, market)
            if self.safe_string(order, "type") == "match":
                parsed["status"] = None
            parsed["lastUpdateTimestamp"] = self.safe_integer_product(order, "ts", 0.000001)
            known = self.orders.hashmap.get(parsed["symbol"], {}).get(parsed["id"]) if self.orders is not None else None
            if known is not None:
                if known["status"] in ENDED:
                    parsed["status"] = known["status"]
                parsed["filled"] = max(parsed["filled"] or 0, known["filled"] or 0)
            return parsed

        async def watch_positions(
            self, symbols: Any = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> list[Any]:
            """Those of a classic account that have changed."""
            url = await self.negotiate(True, True)
            if not self.moved:
                await self.subscribe(url, "positions", POSITIONS, {"privateChannel": True})
            moved, self.moved = self.moved, {}
            return list(moved.values())

        def handle_position(self, client: Any, message: Any) -> None:
            """A frame tells only what has changed."""
            data = message["data"]
            name = data.get("symbol") or str(message.get("topic")).partition(":")[2]
            row = self.position_rows[name] = {**self.position_rows.get(name, {}), **data, "symbol": name}
            if row.get("currentQty") is not None:
                position = self.parse_position(row)
                self.moved[position["symbol"]] = position
                client.resolve(list(self.moved.values()), "positions")

        def handle_error_message(self, client: Any, message: Any) -> bool:
            """What is refused ends the socket's watches: ccxt raises it where nobody waits for it."""
            try:
                return bool(super().handle_error_message(client, message))
            except Exception as error:  # noqa: BLE001 - one of ccxt's tree, which is not loaded here
                client.reject(error)
                return False

        def handle_balance(self, client: Any, message: Any) -> None:
            data = message["data"]
            if message.get("topic") == "/contractAccount/wallet":
                if data.get("walletBalance") is None:
                    return  # an older frame: only a part of the wallet
                data = {**data, "total": data["walletBalance"], "isolatedPosMargin": None, "holdBalance": None}
            super().handle_balance(client, {**message, "data": data})

    return Kucoin


DIALECT = Dialect(
    venue="kucoin",
    client_ids=ClientIdRule(40, WORD, "clientOid, spot and futures order pages"),
    errors=ERRORS,
    exchanges=dict.fromkeys(BOTH_KINDS, "kucoin"),
    options={
        "uta": False,
        "hf": True,
        "watchBalance": {"fetchBalanceSnapshot": False, "awaitBalanceSnapshot": False},
    },
    trades_of_order="orderId",
    unwatched=dict.fromkeys(BOTH_KINDS, frozenset({"trades"})),  # streamed fills have no fee
    rights=RightsRule("privateGetUserApiKey", _rights),
    settle_s=10.0,  # a request is taken in for five seconds after its time
    weights={
        MarketKind.SPOT: Weights(load=4, order=2, open_orders=2, trades=2, balance=5, count_down=2),
        MarketKind.LINEAR: Weights(
            load=3, create=4, order=5, open_orders=2, trades=5, balance=10, positions=2, setting=4
        ),
    },
    dead_man={MarketKind.SPOT: DeadMan("privatePostHfOrdersDeadCancelAll", _count_down, whole=True)},
    dead_man_s=(5.0, 86400.0),
    stops={
        MarketKind.LINEAR: StopRule(
            triggers={TriggerBy.LAST: "TP", TriggerBy.MARK: "MP"},
            by="stopPriceType",
            ask=_trigger,
            listed={"trigger": True},
            read=_stop,
        ),
    },
    credentials=("apiKey", "secret", "password"),
    override=corrected,
    source="docs-new of KuCoin's classic API, its universal SDK (November 2025), ccxt 4.5.90",
)

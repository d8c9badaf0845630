"""OKX's private side: one account and one ccxt class for spot and perpetuals.

What ccxt 4.5.90 gets wrong there, and ``corrected`` mends: it asks for currencies with the key whenever markets are
loaded; own trades on the stream have the fee's sign the wrong way round; an order that followed from a stop is told
under the stop's id; stops lose our id, and on spot are sent as margin orders; own trades and open orders end at the
hundredth row; the wallet's kind goes into subscriptions that do not know it; logins of sockets are stamped by our clock
and not by the venue's.

Of two things that OKX does by itself the trader must be asked: it cuts a spot market order to what the balance allows
unless ``banAmend`` is sent, and a margin mode comes with each order and has a leverage of its own. The dead-man switch
is one for the account and may be asked for once a second: spot and perpetuals wind it together.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from msgspec import structs

from jackbot_tui.execution.live.dialect import (
    BOTH_KINDS,
    ClientIdRule,
    DeadMan,
    Dialect,
    KeyRights,
    RightsRule,
    StopRule,
    StopState,
    Weights,
    trigger_of_kind,
)
from jackbot_tui.model.enums import MarketKind, TriggerBy
from jackbot_tui.model.orders import Order
from jackbot_tui.venues.okx.errors import ERRORS

_NOTHING: dict[str, Any] = {}
PAGE = 100
MOST_PAGES = 50
FILLS_MS = 3 * 86_400_000 - 3_600_000
"""How far back the page of recent fills is asked: three days, less an hour for clocks."""

WINDING_MS = 1_200
"""The switch is not wound more often; the venue takes one request a second."""


class _Switch:
    """One account's dead-man switch: who counts on it, and when it was last wound."""

    def __init__(self) -> None:
        self.users: set[str] = set()
        self.wound_ms = 0


_switches: WeakKeyDictionary[Any, dict[int, _Switch]] = WeakKeyDictionary()
"""By event loop and key: clients of one account share one."""


def _rights(said: Mapping[str, Any], kind: MarketKind) -> KeyRights:
    rows = said.get("data") or [{}]
    told = str(rows[0].get("perm") or "")
    if not told:
        return KeyRights()
    names = told.split(",")
    return KeyRights(may_trade="trade" in names, may_withdraw="withdraw" in names)


def _count_down(market_id: str, ms: int) -> dict[str, object]:
    return {"timeOut": str(ms // 1000)}


def corrected(plain: type[Any]) -> type[Any]:
    """``ccxt.pro.okx`` without what the module's text says against it."""

    class Okx(plain):  # type: ignore[misc]
        def __init__(self, config: Mapping[str, Any]) -> None:
            self.margin_modes: dict[str, str] = {}
            super().__init__(config)

        def seconds(self) -> int:
            """Logins of sockets are stamped with it: by the venue's clock, as requests are."""
            return int(self.nonce() // 1000)

        async def fetch_currencies(self, params: Any = _NOTHING) -> dict[str, Any]:
            """A signed call that nobody asked for; currencies follow from the markets."""
            return {}

        # --- orders ----------------------------------------------------------------------------------------------

        def create_order_request(
            self, symbol: str, type: str, side: str, amount: float, price: float | None = None, params: Any = _NOTHING
        ) -> dict[str, Any]:
            market = self.market(symbol)
            if market["swap"] and not self.safe_string_2(params, "marginMode", "tdMode"):
                params = {**params, "marginMode": self.margin_modes.get(symbol, "cross")}
            request: dict[str, Any] = super().create_order_request(symbol, type, side, amount, price, params)
            if market["spot"] and request["ordType"] == "market":
                request["banAmend"] = True
            if request["ordType"] in ("trigger", "conditional"):
                self._name_stop(request, spot=market["spot"])
            return request

        @staticmethod
        def _name_stop(request: dict[str, Any], *, spot: bool) -> None:
            """ccxt names an algo order as one of the book, and makes a margin order of one on spot."""
            if "clOrdId" in request:
                request["algoClOrdId"] = request.pop("clOrdId")
            if spot:
                request["tdMode"] = "cash"
                if request["ordType"] == "trigger":
                    request.pop("tgtCcy", None)

        def parse_order(self, order: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            parsed: dict[str, Any] = super().parse_order(order, market)
            if "accFillSz" in order and order.get("ordId"):  # an order of the book, whatever it followed from
                parsed["id"] = order["ordId"]
            # algo orders, and what follows from them, carry our id under another name
            parsed["clientOrderId"] = order.get("clOrdId") or order.get("algoClOrdId") or None
            return parsed

        async def cancel_order(self, id: str | None, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            """ccxt cannot cancel an algo order by our id."""
            if not params.get("trigger"):
                return await super().cancel_order(id, symbol, params)
            market = self.market(str(symbol))
            named = {"algoId": id} if id else {"algoClOrdId": params["clientOrderId"]}
            answer = await self.privatePostTradeCancelAlgos([{"instId": market["id"], **named}])
            return self.parse_order(answer["data"][0], market)

        async def fetch_open_orders(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> list[Any]:
            found: list[Any] = []
            for _ in range(MOST_PAGES):
                older = {"after": found[-1]["id"]} if found else {}
                page = await super().fetch_open_orders(symbol, since, limit or PAGE, {**params, **older})
                found += sorted(page, key=lambda order: -int(order["id"]))
                if limit is not None or len(page) < PAGE:
                    break
            return found

        async def fetch_my_trades(
            self, symbol: str | None = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> list[Any]:
            """From the page of the last three days where that will do: it may be asked more often than the history."""
            market = self.market(symbol)
            request = {"instType": "SPOT" if market["spot"] else "SWAP", "instId": market["id"], **params}
            if since is not None:
                request["begin"] = str(since)
            rows: list[Any] = []
            if since is None or since > self.milliseconds() - FILLS_MS:
                rows = await self._all_pages(self.privateGetTradeFills, request, 40)
            if not rows and (since is None or since <= self.milliseconds() - FILLS_MS):
                rows = await self._all_pages(self.privateGetTradeFillsHistory, request, 220)
            trades: list[Any] = self.parse_trades(rows, market)
            return sorted(trades, key=lambda trade: trade["timestamp"])

        async def _all_pages(
            self, ask: Callable[[Any], Awaitable[Any]], request: Mapping[str, Any], space_ms: int
        ) -> list[Any]:
            """``space_ms`` between two pages, as their limits want it."""
            rows: list[Any] = []
            for _ in range(MOST_PAGES):
                older = {"after": min((row["billId"] for row in rows), key=int)} if rows else {}
                if older:
                    await self.sleep(space_ms)
                page = (await ask({**request, **older, "limit": str(PAGE)}))["data"]
                rows += page
                if len(page) < PAGE:
                    break
            return rows

        def parse_trade(self, trade: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            parsed: dict[str, Any] = super().parse_trade(trade, market)
            parsed["clientOrderId"] = trade.get("clOrdId") or None
            return parsed

        # --- margin ----------------------------------------------------------------------------------------------

        async def set_margin_mode(self, mode: str, symbol: str | None = None, params: Any = _NOTHING) -> None:
            """OKX keeps none: orders from now on bring it."""
            self.margin_modes[str(symbol)] = mode

        async def set_leverage(self, leverage: int, symbol: str | None = None, params: Any = _NOTHING) -> Any:
            mode = self.margin_modes.get(str(symbol), "cross")
            return await super().set_leverage(leverage, symbol, {"marginMode": mode, **params})

        def parse_position(self, position: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            parsed: dict[str, Any] = super().parse_position(position, market)
            if parsed["contracts"] and parsed["marginMode"] in ("cross", "isolated"):
                self.margin_modes[parsed["symbol"]] = parsed["marginMode"]
            return parsed

        # --- dead-man switch -------------------------------------------------------------------------------------

        async def count_down_account(self, request: Mapping[str, Any]) -> Any:
            """Wind the account's switch, or take it back once nobody counts on it any more."""
            shared = _switches.setdefault(self.asyncio_loop, {}).setdefault(hash(self.apiKey), _Switch())
            kind, seconds, now = str(self.options.get("defaultType")), int(request["timeOut"]), self.milliseconds()
            (shared.users.add if seconds else shared.users.discard)(kind)
            if shared.users if not seconds else 0 <= now - shared.wound_ms < WINDING_MS:
                return {}
            shared.wound_ms = now if seconds else 0
            return await self.privatePostTradeCancelAllAfter(request)

        # --- streams ---------------------------------------------------------------------------------------------

        def order_to_trade(self, order: Mapping[str, Any], market: Any = None) -> dict[str, Any]:
            trade: dict[str, Any] = super().order_to_trade(order, market)
            for fee in (trade["fee"], *trade["fees"]):
                if fee is not None and fee.get("cost") is not None:
                    fee["cost"] = -float(order["info"]["fillFee"])
            trade["clientOrderId"] = order.get("clientOrderId")
            return trade

        async def watch_balance(self, params: Any = _NOTHING) -> Any:
            return await super().watch_balance(self.omit(params, "type"))

        async def watch_positions(
            self, symbols: Any = None, since: int | None = None, limit: int | None = None, params: Any = _NOTHING
        ) -> Any:
            return await super().watch_positions(symbols, since, limit, self.omit(params, "type"))

    return Okx


def _trigger(order: Order, price: float) -> dict[str, object]:
    """A one-way stop (``conditional``), which may be reduce-only; ``trigger`` orders may not."""
    side = "tp" if order.take_profit else "sl"
    return {**trigger_of_kind(order, price), f"{side}TriggerPxType": order.trigger_by.value}


def _algo(raw: Mapping[str, Any]) -> StopState | None:
    """Algo orders have pages and ids of their own, and another order follows from one that is woken."""
    info: Mapping[str, Any] = raw.get("info") or {}
    if not info.get("algoId") or "accFillSz" in info:
        return None
    state = str(info.get("state") or "")
    woken = state in ("effective", "partially_effective")
    waits = False if woken else True if state in ("live", "pause") else None
    return StopState(waits=waits, stands_for=True, follower=str(info.get("ordId") or "") if woken else "")


_APART: Mapping[str, object] = {"trigger": True}
_STOPS = StopRule(
    triggers={TriggerBy.LAST: "last", TriggerBy.MARK: "mark"}, ask=_trigger, query=_APART, cancel=_APART,
    listed={"trigger": True, "ordType": "conditional"}, read=_algo,
)  # fmt: skip

DIALECT = Dialect(
    venue="okx",
    client_ids=ClientIdRule(32, "A-Za-z0-9", "clOrdId, v5 trade page: letters and digits only"),
    errors=ERRORS,
    floating=frozenset(BOTH_KINDS),
    exchanges=dict.fromkeys(BOTH_KINDS, "okx"),
    credentials=("apiKey", "secret", "password"),
    options={"fetchMarkets": {"types": ["spot", "swap"]}},
    trades_of_order="ordId",
    rights=RightsRule("privateGetAccountConfig", _rights),
    amends=frozenset(BOTH_KINDS),
    one_wallet=True,
    settle_s=31.0,  # a request's timestamp is good for 30 s
    # limits are per page and user; ours is 60 in 2 s over all of them, and pages that take 10 or 40 weigh accordingly
    weights=dict.fromkeys(BOTH_KINDS, Weights(load=4, balance=6, positions=6, setting=2, count_down=1)),
    dead_man=dict.fromkeys(BOTH_KINDS, DeadMan("count_down_account", _count_down, whole=True)),
    dead_man_s=(10.0, 120.0),
    stops={
        MarketKind.SPOT: structs.replace(_STOPS, triggers={TriggerBy.LAST: "last"}),
        MarketKind.LINEAR: _STOPS,
    },
    override=corrected,
    source="OKX API v5 documents of June 2026, okx.md",
)

"""Coinbase's private side: spot of Advanced Trade, tokens signed by an elliptic-curve key. Perpetuals have moved away.

``mended`` makes of ccxt's class one that asks for nothing signed when it loads markets, finds orders by our own id,
follows pages to their end and keeps the order stream alive. Facts: the venue's documents, and ccxt 4.5.90
(``coinbase.py``, ``pro/coinbase.py``).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from jackbot_tui.execution.live.dialect import (
    WORD,
    ClientIdRule,
    Dialect,
    KeyRights,
    RightsRule,
    Weights,
    flag,
)
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import JackbotError
from jackbot_tui.venues.coinbase.errors import ERRORS

PAGE = 1_000
MOST_PAGES = 20
HEARTBEATS = "heartbeats"
TOKEN_S = 120
"""Tokens that ccxt signs are good for so long, and a request with one for no longer."""

LEEWAY_S = 30


class ExchangeError(JackbotError):
    """Named as ccxt's, by which failures are classified where the venue gives no word of its own."""


class OrderNotFound(JackbotError):
    """The same."""


class NetworkError(JackbotError):
    """The same."""


class AuthenticationError(JackbotError):
    """The same."""


class Mended:
    """What ccxt 4.5.90 gets wrong at Coinbase, each method with what it would do otherwise."""

    options: dict[str, Any]
    urls: dict[str, Any]
    secret: str
    markets: Any
    json: Any
    iso8601: Any
    milliseconds: Any
    market: Any
    client: Any
    watch: Any
    load_markets: Any
    parse_orders: Any
    parse_order: Any
    parse_trades: Any
    v3PrivateGetBrokerageOrdersHistoricalBatch: Any
    v3PrivateGetBrokerageOrdersHistoricalFills: Any
    v3PrivatePostBrokerageOrdersBatchCancel: Any

    def __init__(self, config: Any = None) -> None:
        """ccxt: takes the two characters in which JSON writes a newline for part of the key, and asks for the account's
        fees, signed, when it loads markets; fills say what was paid.
        """
        given = dict(config or {})
        if isinstance(given.get("secret"), str):
            given["secret"] = given["secret"].replace("\\n", "\n")
        cast(Any, super()).__init__(given)
        self.v3PrivateGetBrokerageTransactionSummary = _nothing  # ccxt sets such methods on the object itself

    # --- keys and time -------------------------------------------------------------------------------------------

    def seconds(self) -> int:
        """The venue's present, as measured. ccxt: signs by our own clock."""
        return int((self.milliseconds() - int(self.options.get("timeDifference") or 0)) // 1000)

    def create_ws_auth(self, name: str, productIds: Any) -> Any:
        """ccxt: signs the stream of an Ed25519 key in a way that the venue has given up."""
        if not self.secret.lstrip().startswith("-----BEGIN"):
            raise AuthenticationError("the order stream needs an ECDSA (ES256) key: make one at Coinbase and add it")
        return cast(Any, super()).create_ws_auth(name, productIds)

    # --- orders --------------------------------------------------------------------------------------------------

    async def fetch_order(self, id: Any, symbol: Any = None, params: Any = None) -> Any:
        """ccxt: by the venue's id only. By ours, the history is looked through: all of it, so that nothing found is a
        proof.
        """
        params = dict(params or {})
        wanted = params.pop("clientOrderId", None)
        if wanted is None:
            return await cast(Any, super()).fetch_order(id, symbol, params)
        await self.load_markets()
        market = self.market(symbol)
        async for row in self._history({"product_id": market["id"]}):
            if row.get("client_order_id") == wanted:
                return self.parse_order(row, market)
        raise OrderNotFound("coinbase: no order has this client id")

    async def fetch_open_orders(
        self, symbol: Any = None, since: Any = None, limit: Any = None, params: Any = None
    ) -> Any:
        """ccxt: ends at the hundredth."""
        await self.load_markets()
        market = None if symbol is None else self.market(symbol)
        request = {"order_status": "OPEN", **({} if market is None else {"product_id": market["id"]}), **(params or {})}
        rows = [row async for row in self._history(request)]
        return self.parse_orders(rows, market, since, limit)

    async def _history(self, request: Mapping[str, Any]) -> Any:
        """Orders, newest first, page by page."""
        cursor = ""
        for _ in range(MOST_PAGES):
            more = {"cursor": cursor} if cursor else {}
            said = await self.v3PrivateGetBrokerageOrdersHistoricalBatch({**request, "limit": PAGE, **more})
            for row in said.get("orders") or ():
                yield row
            cursor = said.get("cursor") or ""
            if not said.get("has_next") or not cursor:
                return
        raise NetworkError(f"coinbase: the history goes on after {MOST_PAGES} pages of orders")

    async def cancel_order(self, id: Any, symbol: Any = None, params: Any = None) -> Any:
        """ccxt: by the venue's id only, and swallows why it failed."""
        params = dict(params or {})
        wanted = params.pop("clientOrderId", None)
        if id is None and wanted is not None:
            id = (await self.fetch_order(None, symbol, {"clientOrderId": wanted}))["id"]
        said = await self.v3PrivatePostBrokerageOrdersBatchCancel({"order_ids": [id], **params})
        (result,) = said["results"]
        if result.get("success") is not True:
            raise ExchangeError(f"coinbase {self.json(result)}")
        return self.parse_order({"order_id": id}, None if symbol is None else self.market(symbol))

    async def edit_order(
        self, id: str, symbol: str, type: str, side: str, amount: Any = None, price: Any = None, params: Any = None
    ) -> Any:
        """ccxt: takes a refused change for one that was made. One that was made says no more than that."""
        made = await cast(Any, super()).edit_order(id, symbol, type, side, amount, price, params or {})
        if made["info"].get("success") is not True:
            raise ExchangeError(f"coinbase {self.json(made['info'])}")
        return await self.fetch_order(id, symbol)

    # --- fills ---------------------------------------------------------------------------------------------------

    async def fetch_my_trades(
        self, symbol: Any = None, since: Any = None, limit: Any = None, params: Any = None
    ) -> Any:
        """ccxt: asks for one page, which holds the newest, and so loses the older ones."""
        await self.load_markets()
        market = None if symbol is None else self.market(symbol)
        request: dict[str, Any] = {"limit": PAGE, **(params or {})}
        if market is not None:
            request["product_id"] = market["id"]
        if since is not None:
            request["start_sequence_timestamp"] = self.iso8601(since)
        rows: list[Any] = []
        for _ in range(MOST_PAGES):
            said = await self.v3PrivateGetBrokerageOrdersHistoricalFills(request)
            rows += said.get("fills") or ()
            if not said.get("cursor"):
                return self.parse_trades(rows, market, since, limit)
            request["cursor"] = said["cursor"]
        raise NetworkError(f"coinbase: there are more than {MOST_PAGES} pages of fills since then")

    # --- the order stream ----------------------------------------------------------------------------------------

    async def watch_orders(self, symbol: Any = None, since: Any = None, limit: Any = None, params: Any = None) -> Any:
        """ccxt: leaves out the heartbeats, without which the venue closes a quiet stream after a minute or so."""
        await self.load_markets()
        url = self.urls["api"]["ws"]
        if HEARTBEATS not in self.client(url).subscriptions:
            message = {"type": "subscribe", "channel": HEARTBEATS}
            self.watch(url, HEARTBEATS, message, HEARTBEATS).add_done_callback(_look_at)
        return await cast(Any, super()).watch_orders(symbol, since, limit, params or {})

    def handle_heartbeats(self, client: Any, message: Any) -> Any:
        client.resolve(message, HEARTBEATS)
        return message

    def handle_message(self, client: Any, message: Any) -> None:
        """ccxt: does not look at the number of a frame, and a lost one may have been an order's end."""
        number = message.get("sequence_num") if isinstance(message, dict) else None
        if number is not None:
            expected = getattr(client, "next_number", number)
            client.next_number = number + 1
            if number > expected:
                client.on_error(NetworkError(f"coinbase: {number - expected} frames of the order stream were lost"))
                return
        if isinstance(message, dict) and message.get("type") == "error":
            client.on_error(ExchangeError(f"coinbase: {message.get('message')}"))
            return
        cast(Any, super()).handle_message(client, message)

    def parse_ws_order(self, order: Any, market: Any = None) -> Any:
        """ccxt: takes what is filled in part for the order's amount."""
        made = cast(Any, super()).parse_ws_order(order, market)
        is_open = made["status"] == "open"
        done, left = Decimal(order["cumulative_quantity"] or 0), Decimal(order["leaves_quantity"] or 0)
        made["amount"] = float(done + left) if is_open else None
        made["remaining"] = float(left) if is_open else None
        return made


async def _nothing(params: Any = None) -> dict[str, Any]:
    """The answer to what is not asked."""
    return {}


def _look_at(done: Any) -> None:
    """A stream that broke before its first heartbeat says so to who watches orders."""
    if not done.cancelled():
        done.exception()


def mended(plain: type[Any]) -> type[Any]:
    """ccxt's class without what it gets wrong."""
    return type(plain.__name__, (Mended, plain), {})


def _rights(said: Mapping[str, Any], kind: MarketKind) -> KeyRights:
    return KeyRights(may_trade=flag(said.get("can_trade")), may_withdraw=flag(said.get("can_transfer")))


DIALECT = Dialect(
    venue="coinbase",
    client_ids=ClientIdRule(36, WORD, "client_order_id: a UUID is advised, other texts are taken (length unconfirmed)"),
    errors=ERRORS,
    exchanges={MarketKind.SPOT: "coinbase"},
    options={
        "fetchBalance": "v3PrivateGetBrokerageAccounts",  # else the wallet pages, which know totals only
        "fetchTime": "v3PublicGetBrokerageTime",
    },
    create_id="client_order_id",  # ccxt drops clientOrderId and sends one of its own
    trades_of_order="order_ids",
    amends=frozenset({MarketKind.SPOT}),
    market_buy_by_cost=True,
    unwatched={MarketKind.SPOT: frozenset({"trades", "balance"})},  # the venue tells neither
    settle_s=TOKEN_S + LEEWAY_S,
    weights={MarketKind.SPOT: Weights(load=6, amend=2, cancel=1)},
    rights=RightsRule("v3PrivateGetBrokerageKeyPermissions", _rights),
    override=mended,
    source="Advanced Trade REST and user channel documents; ccxt 4.5.90",
)

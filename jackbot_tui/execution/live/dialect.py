"""How one venue's private side differs from another's, as one frozen record; ``dialects`` has one for each venue."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from jackbot_tui.model.enums import MarketKind, TriggerBy
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.ids import base36, is_client_order_id
from jackbot_tui.model.orders import Order, trigger_rises
from jackbot_tui.venues.errors import VenueErrors

BOTH_KINDS = (MarketKind.SPOT, MarketKind.LINEAR)
WORD = "A-Za-z0-9_-"
UNPROVEN = "its private side is not proven yet: use paper there"


class IdWriting(StrEnum):
    """How our client order ids are written on a venue's wire."""

    PLAIN = "plain"
    HEX_128 = "hex_128"  # 0x and 32 hexadecimal digits


class ClientIdRule(Struct, frozen=True):
    """What a venue takes as a client order id: at most ``longest`` characters (prefix included) of ``charset``.

    ``charset`` is the inside of a regular expression's brackets. ``source`` says where the rule comes from.
    """

    longest: int
    charset: str
    source: str
    prefix: str = ""
    writing: IdWriting = IdWriting.PLAIN

    def to_wire(self, client_id: str) -> str:
        """Our id as the venue sees it; InputError for an id that is not ours."""
        if not is_client_order_id(client_id):
            raise InputError(f"{client_id!r} is not one of our client order ids: it was not sent")
        if self.writing is IdWriting.HEX_128:
            return f"0x{len(client_id):02x}{int(client_id, 36):030x}"
        return self.prefix + client_id

    def from_wire(self, text: str) -> str:
        """Our id inside what the venue shows, "" for a foreign one."""
        if self.writing is IdWriting.HEX_128:
            return self._from_hex(text)
        plain = text.removeprefix(self.prefix)
        return plain if is_client_order_id(plain) else ""

    def _from_hex(self, text: str) -> str:
        try:
            length, number = int(text[2:4], 16), int(text[4:], 16)
        except ValueError:
            return ""
        made = base36(number, length) if length <= 18 else ""
        return made if is_client_order_id(made) and self.to_wire(made) == text.lower() else ""


class Weights(Struct, frozen=True, kw_only=True):
    """What each call costs of the venue's request weight, on one market kind."""

    load: int = 50
    create: int = 1
    cancel: int = 1
    amend: int = 1
    order: int = 1
    open_orders: int = 1
    trades: int = 1
    balance: int = 1
    positions: int = 1
    setting: int = 1
    count_down: int = 10


class KeyRights(Struct, frozen=True):
    """What a key may do; None where the venue does not tell."""

    may_trade: bool | None = None
    may_withdraw: bool | None = None


def untold_withdrawals(venue: str, kind: MarketKind) -> str:
    """What a person is told where ``may_withdraw`` is None."""
    return f"{venue} does not tell whether this key may withdraw ({kind.value}): look at its page there"


class RightsRule(Struct, frozen=True):
    """``call`` is ccxt's method that tells what the key may do, ``read`` understands its answer for a market kind."""

    call: str
    read: Callable[[Mapping[str, Any], MarketKind], KeyRights]


class DeadMan(Struct, frozen=True):
    """A venue's cancel-all-after. ``call`` is ccxt's method, ``request`` its fields for a market's id and a time in
    milliseconds (0 takes it back). ``whole``: it counts for the account and not for one market.
    """

    call: str
    request: Callable[[str, int], Mapping[str, object]]
    whole: bool = False


class StopState(Struct, frozen=True, kw_only=True):
    """What a row says of an order with a trigger. ``waits`` None: nothing of whether it still waits.

    ``stands_for``: the row is not the order that goes to the book but what let it go; ``follower`` is that order's id,
    "" where it is not told.
    """

    waits: bool | None = None
    stands_for: bool = False
    follower: str = ""


class StopRule(Struct, frozen=True, kw_only=True):
    """How a venue takes orders that wait for a trigger, on one kind of market.

    ``triggers``: the prices that may wake one, the usual one first, each with the value of the parameter ``by`` that
    says so ("" = it is not said, there is only one). ``ask`` gives the parameters of the trigger itself. A waiting
    order is asked for with ``query`` and canceled with ``cancel`` besides its id; ``listed`` lists those of a market
    where the usual list of open orders leaves them out. ``read`` understands a row of ccxt's, None for an order of the
    book.
    """

    triggers: Mapping[TriggerBy, str]
    by: str = ""
    ask: Callable[[Order, float], Mapping[str, object]]
    query: Mapping[str, object] = {}
    cancel: Mapping[str, object] = {}
    listed: Mapping[str, object] = {}
    read: Callable[[Mapping[str, Any]], StopState | None]


def trigger_of_kind(order: Order, price: float) -> dict[str, object]:
    """ccxt's stop loss and take profit, each by its name."""
    return {"takeProfitPrice" if order.take_profit else "stopLossPrice": price}


def trigger_with_direction(order: Order, price: float) -> dict[str, object]:
    """ccxt's trigger with the way from which the price comes."""
    rises = trigger_rises(order.side, order.take_profit)
    return {"triggerPrice": price, "triggerDirection": "ascending" if rises else "descending"}


def trigger_alone(order: Order, price: float) -> dict[str, object]:
    """ccxt's trigger; the venue takes the way from where the market is."""
    return {"triggerPrice": price}


class Dialect(Struct, frozen=True, kw_only=True):
    """One venue. Names of parameters are those that ccxt's unified method passes on.

    ``query_id`` and ``cancel_id``: the parameter by which an order is asked for, or canceled, by client id; "" = it
    cannot be, the venue's own id is needed. ``settle_s``: after so long a request that was given up can no longer
    arrive. ``closed``: why live trading is not open there yet, "" = it is. ``dead_man_s``: shortest and longest time of
    its cancel-all-after, (0, 0) = it has none for us. ``override`` makes of ccxt's class one that mends what it gets
    wrong there. Private streams are ``orders``, ``trades``, ``balance`` and ``positions``: ``watch_each`` names those
    that ccxt opens for one symbol at a time, ``unwatched`` those that it, or the venue, does not have for a kind of
    market (answers and polls tell instead), ``watch_params`` what they are asked with.
    """

    venue: str
    client_ids: ClientIdRule
    errors: VenueErrors
    exchanges: Mapping[MarketKind, str]  # ccxt's name of the exchange by kind
    options: Mapping[str, object] = {}
    create_id: str = "clientOrderId"
    query_id: str = "clientOrderId"
    query_extra: Mapping[str, object] = {}
    cancel_id: str = "clientOrderId"
    trades_of_order: str = ""  # parameter that narrows own trades to one order; "" = none
    amends: frozenset[MarketKind] = frozenset()
    market_buy_by_cost: bool = False  # a market buy in base units is not possible on spot
    one_wallet: bool = False  # a unified account: spot and perpetuals are paid from the same balances
    floating: frozenset[MarketKind] = frozenset()  # kinds whose balances count what open positions are worth as well
    tokens: tuple[str, ...] = ()  # options in which ccxt keeps a stream's token between connections, as bucket.name
    watch_each: frozenset[str] = frozenset()
    unwatched: Mapping[MarketKind, frozenset[str]] = {}
    watch_params: Mapping[MarketKind, Mapping[str, object]] = field(
        default_factory=lambda: {MarketKind.SPOT: {"type": "spot"}, MarketKind.LINEAR: {"type": "swap"}}
    )
    settle_s: float = 30.0
    weights: Mapping[MarketKind, Weights] = {}
    dead_man: Mapping[MarketKind, DeadMan] = {}
    dead_man_s: tuple[float, float] = (0.0, 0.0)
    stops: Mapping[MarketKind, StopRule] = {}
    closed: str = ""
    rights: RightsRule | None = None
    override: Callable[[type[Any]], type[Any]] | None = None
    credentials: tuple[str, ...] = ("apiKey", "secret")
    source: str = ""

    def weights_of(self, kind: MarketKind) -> Weights:
        return self.weights.get(kind) or Weights()


def flag(value: object) -> bool | None:
    """A venue's yes or no; None where it says nothing."""
    return None if value is None else value in (True, "true")


def time_windows(since: int | None, now: int, span: int) -> list[dict[str, int]]:
    """``startTime`` and ``endTime`` of the requests that cover everything since then where one covers ``span`` ms at
    most; one without times when there is no since.
    """
    if since is None:
        return [{}]
    return [{"startTime": start, "endTime": start + span - 1} for start in range(since, max(now, since) + 1, span)]

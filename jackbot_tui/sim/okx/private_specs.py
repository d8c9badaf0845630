"""Parameters of orders and algo orders as OKX names them, read into the exchange's own values. Used by the pages.

Raises OkxError with OKX's code for what cannot be read, or is not played here: attached take profits and stops, OCO,
trailing, TWAP and iceberg orders, spot on margin, long/short mode. Facts: ../shared/exchanges/okx.md §8, OKX's pages on
placing orders and algo orders (June 2026).
"""

import re
from collections.abc import Mapping
from decimal import Decimal

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.okx import private_texts as texts
from jackbot_tui.sim.okx.private_modes import TradeModes
from jackbot_tui.sim.okx.private_rest import NO_INSTRUMENT, Fields, OkxError, bad_parameter, error_of
from jackbot_tui.sim.orders import SelfTrade
from jackbot_tui.sim.requests import OrderSpec, Refused, TriggerPrice

CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,32}")
TAG = re.compile(r"[A-Za-z0-9]{0,16}")
TYPES = {
    "limit": TimeInForce.GTC,
    "post_only": TimeInForce.GTC,
    "ioc": TimeInForce.IOC,
    "fok": TimeInForce.FOK,
    "market": TimeInForce.IOC,
    "optimal_limit_ioc": TimeInForce.IOC,
}
SELF_TRADES = {name: mode for mode, name in texts.SELF_TRADES.items()}
BOTH_SIDES = "You can't place fill or kill orders when self-trade prevention is set to both maker and taker orders."


class OrderReader:
    """``markets`` by native symbol, ``codes`` by ``instIdCode``."""

    def __init__(self, markets: Mapping[str, SimMarket], codes: Mapping[int, SimMarket], modes: TradeModes) -> None:
        self._markets = markets
        self._codes = codes
        self._modes = modes

    def market(self, fields: Fields) -> SimMarket:
        """By ``instIdCode`` where one is given, else by ``instId``."""
        code = fields.whole("instIdCode")
        found = self._codes.get(code) if code is not None else self._markets.get(fields.required("instId"))
        if found is None:
            raise NO_INSTRUMENT
        return found

    def spec(self, fields: Fields) -> OrderSpec:
        market, kind = self.market(fields), fields.required("ordType")
        swap = market.kind is MarketKind.LINEAR
        if kind not in TYPES or (kind == "optimal_limit_ioc" and not swap):
            raise bad_parameter("ordType")
        if fields.values.get("attachAlgoOrds"):
            raise bad_parameter("attachAlgoOrds")
        at_market = kind in ("market", "optimal_limit_ioc")
        side, price = fields.side(), None if at_market else fields.number("px")
        if price is None and not at_market:
            raise OkxError("51204", "The price for the limit order cannot be empty.")
        by_cost = not swap and at_market and self._counts_quote(fields, side)
        size = self._size(fields, market)
        self._enter_mode(fields, market)
        return OrderSpec(
            key=market.listing.key,
            side=side,
            quantity=ZERO if by_cost else size,
            price=price,
            client_id=self.client_id(fields),
            tif=TYPES[kind],
            post_only=kind == "post_only",
            reduce_only=self._reduces(fields, market),
            self_trade=self._self_trade(fields, kind),
            cost=size if by_cost else None,
        )

    def algo_spec(self, fields: Fields) -> OrderSpec:
        market, side = self.market(fields), fields.side()
        trigger, limit, by, takes_profit = self._trigger(fields, market, fields.required("ordType"), side)
        client_id = fields.text("algoClOrdId")
        if client_id and CLIENT_ID.fullmatch(client_id) is None:
            raise bad_parameter("algoClOrdId")
        self._enter_mode(fields, market)
        return OrderSpec(
            key=market.listing.key,
            side=side,
            quantity=self._size(fields, market),
            price=limit,
            client_id=client_id,
            reduce_only=self._reduces(fields, market),
            trigger_price=trigger,
            trigger_by=by,
            takes_profit=takes_profit,
        )

    @staticmethod
    def _counts_quote(fields: Fields, side: Side) -> bool:
        """Whether a spot market order's size is money: a buy's is, unless it says otherwise."""
        target = fields.text("tgtCcy") or ("quote_ccy" if side is Side.BUY else "base_ccy")
        if target not in ("quote_ccy", "base_ccy") or (target == "quote_ccy" and side is Side.SELL):
            raise bad_parameter("tgtCcy")
        return target == "quote_ccy"

    @staticmethod
    def _size(fields: Fields, market: SimMarket) -> Decimal:
        fields.required("sz")
        return (fields.number("sz") or ZERO) * market.listing.wire_unit

    @staticmethod
    def client_id(fields: Fields) -> str:
        text = fields.text("clOrdId")
        if text and CLIENT_ID.fullmatch(text) is None:
            raise bad_parameter("clOrdId")
        return text

    @staticmethod
    def tag(fields: Fields) -> str:
        text = fields.text("tag")
        if TAG.fullmatch(text) is None:
            raise bad_parameter("tag")
        return text

    @staticmethod
    def _reduces(fields: Fields, market: SimMarket) -> bool:
        """Spot has nothing to reduce: the flag is not looked at there."""
        return market.kind is MarketKind.LINEAR and fields.flag("reduceOnly")

    @staticmethod
    def _self_trade(fields: Fields, kind: str) -> SelfTrade | None:
        text = fields.text("stpMode")
        if text and text not in SELF_TRADES:
            raise bad_parameter("stpMode")
        if text == "cancel_both" and kind == "fok":
            raise OkxError("54036", BOTH_SIDES)
        return SELF_TRADES.get(text)

    def _enter_mode(self, fields: Fields, market: SimMarket) -> None:
        """Trade mode and position side, which an order brings with it."""
        mode, side = fields.required("tdMode"), fields.text("posSide")
        if market.kind is MarketKind.SPOT:
            if mode != "cash":
                raise OkxError("51010", "Request unsupported under current account mode")
            return
        if mode not in ("cross", "isolated"):
            raise bad_parameter("tdMode")
        if side not in ("", "net"):
            raise bad_parameter("posSide")
        try:
            self._modes.enter(fields.account, market, mode)
        except Refused as refused:
            raise error_of(refused, market.listing.instrument.settle) from None

    def _trigger(
        self, fields: Fields, market: SimMarket, kind: str, side: Side
    ) -> tuple[Decimal, Decimal | None, TriggerPrice, bool]:
        """Trigger price, limit price (None: at market), which price triggers, and whether it takes a profit."""
        match kind:
            case "trigger":
                names = ("triggerPx", "orderPx", "triggerPxType")
            case "conditional":
                stop = fields.text("slTriggerPx")
                names = ("slTriggerPx", "slOrdPx", "slTriggerPxType") if stop else (
                    "tpTriggerPx", "tpOrdPx", "tpTriggerPxType"
                )  # fmt: skip
            case _:
                raise bad_parameter("ordType")
        fields.required(names[0])
        trigger, price = fields.number(names[0]) or ZERO, fields.required(names[1])
        limit = None if price == "-1" else fields.number(names[1])
        by = {"last": TriggerPrice.LAST, "mark": TriggerPrice.MARK}.get(fields.text(names[2]) or "last")
        if by is None or (by is TriggerPrice.MARK and market.marks is None):
            raise bad_parameter(names[2])
        if kind == "trigger":  # goes off when the price comes to it from wherever it is now
            last = (market.engine.last_price or market.listing.opening_ticks) * market.listing.instrument.tick
            return trigger, limit, by, (trigger > last) is not (side is Side.BUY)
        return trigger, limit, by, names[0] == "tpTriggerPx"


def at_once(spec: OrderSpec) -> OkxError:
    """For an order whose trigger has been reached already."""
    match spec.takes_profit, spec.side:
        case True, Side.BUY:
            return OkxError("51277", "TP trigger price cannot be higher than the last price.")
        case True, _:
            return OkxError("51279", "TP trigger price cannot be lower than the last price.")
        case False, Side.BUY:
            return OkxError("51278", "SL trigger price cannot be lower than the last price.")
    return OkxError("51280", "SL trigger price cannot be higher than the last price.")

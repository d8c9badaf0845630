"""The exchange's back office on two empty markets, one spot and one perpetual: no crowd, no sockets, time by hand."""

from collections.abc import Sequence
from decimal import Decimal

from jackbot_tui.model.enums import MarketKind, Side, TimeInForce
from jackbot_tui.sim.accounts import Accounts
from jackbot_tui.sim.binance.listings import LISTINGS
from jackbot_tui.sim.instruments import Listing
from jackbot_tui.sim.market import SimMarket
from jackbot_tui.sim.marks import Settlement
from jackbot_tui.sim.matching import MatchingEngine
from jackbot_tui.sim.requests import AccountEvent, AccountOrder, OrderSpec
from jackbot_tui.sim.terms import Terms
from jackbot_tui.sim.timeline import Timeline

START_NS = 1_795_000_000_000_000_000
SPOT, LINEAR = "binance:BTC/USDT", "binance:BTC/USDT:USDT"


class AccountsWorld:
    """Both markets around 64000; ``crowd`` submits for nobody in particular."""

    def __init__(self, terms: Terms | None = None, accounts: int = 3) -> None:
        self.listings: Sequence[Listing] = [listing for listing in LISTINGS if listing.key in (SPOT, LINEAR)]
        self.timeline = Timeline(START_NS)
        self.accounts = Accounts(accounts, self.listings, self.timeline, terms or Terms(), seed=5)
        self.markets = {
            listing.key: SimMarket(listing, MatchingEngine(), self.timeline, number)
            for number, listing in enumerate(self.listings)
        }
        self.accounts.attach(
            {kind: {m.native: m for m in self.markets.values() if m.kind is kind} for kind in MarketKind}
        )
        self.events: list[AccountEvent] = []

    def instrument(self, key: str) -> Listing:
        return self.markets[key].listing

    def price(self, key: str, ticks: int) -> Decimal:
        return ticks * self.markets[key].listing.instrument.tick

    def quantity(self, key: str, lots: int) -> Decimal:
        return lots * self.markets[key].listing.instrument.lot

    def order(
        self, account: int, key: str, side: Side, quantity: str, price: str | None = None, **more: object
    ) -> AccountOrder:
        """Submit; prices and quantities as text. Refused like the exchange does."""
        limit = None if price is None else Decimal(price)
        spec = OrderSpec(key=key, side=side, quantity=Decimal(quantity), price=limit, **more)  # type: ignore[arg-type]
        return self.accounts.submit(account, spec)

    def crowd(
        self, key: str, side: Side, quantity: str, price: str | None = None, tif: TimeInForce = TimeInForce.GTC
    ) -> None:
        instrument = self.markets[key].listing.instrument
        ticks = None if price is None else int(Decimal(price) / instrument.tick)
        lots = int(Decimal(quantity) / instrument.lot)
        self.markets[key].engine.submit(side, lots, ticks, now=self.timeline.elapsed_ns, tif=tif)

    def move_mark(self, mark: float, *, funding: float | None = None) -> None:
        """A new mark price of the perpetual, with a funding payment at that rate where one is given."""
        market = self.markets[LINEAR]
        assert market.marks is not None
        market.marks.mark = mark
        if funding is not None:
            market.marks.settlements.append(Settlement(self.timeline.now_ms(), funding, mark))
        market.mark_beats += 1
        self.advance(1.0)

    def advance(self, seconds: float) -> None:
        self.timeline.advance_to(self.timeline.elapsed_ns + int(seconds * 1e9))
        self.accounts.advance()

    def told(self) -> list[AccountEvent]:
        """Events since the last time."""
        taken = self.accounts.take_events()
        self.events += taken
        return taken

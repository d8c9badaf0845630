"""What a backtest came to: fills, profit after fees, drawdown, and what the fills were worth afterwards.

Made of the engines' own books after the run; the curve of equity is sampled by the kernel once a second of the data's
time. Money in quote currency per instrument; the total counts dollars (and stablecoins at par).
"""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from jackbot_tui.engine.core import Engine
from jackbot_tui.journal.memory import MemoryJournal
from jackbot_tui.model.accounting import net_realized, unrealized
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import Liquidity
from jackbot_tui.model.numbers import ZERO
from jackbot_tui.model.orders import OrderFilled
from jackbot_tui.model.records import MARKOUT_HORIZONS_NS, FillMarkout, OrderRefused, OrderSubmitted

SAMPLE_NS = NS_PER_S


class Drawdown:
    """Highest equity so far and the deepest fall from it, dollars."""

    def __init__(self) -> None:
        self.deepest = ZERO
        self._highest: Decimal | None = None
        self._next_ns = 0

    def sample(self, engines: Mapping[str, Engine], now: int) -> None:
        """Look at the equity of all accounts, once in ``SAMPLE_NS``."""
        if now < self._next_ns:
            return
        self._next_ns = now + SAMPLE_NS
        equity = sum((engine.portfolio.equity(engine.mark_of) for engine in engines.values()), ZERO)
        if self._highest is None or equity > self._highest:
            self._highest = equity
        self.deepest = max(self.deepest, self._highest - equity)


class InstrumentOutcome(Struct, frozen=True, kw_only=True):
    """One instrument; money in its quote currency. ``profit`` is after fees and funding, what is open at its mark.

    ``markouts``: mean mid 1 s, 5 s, 30 s and 5 min after the fills against their prices, in basis points, our way
    positive, weighted by value; None where no fill has one. ``toxic`` is a share of the maker fills.
    """

    key: str
    submitted: int
    refused: int
    fills: int
    maker_fills: int
    bought: Decimal
    sold: Decimal
    turnover: Decimal
    gross: Decimal
    fees: Decimal
    funding: Decimal
    profit: Decimal
    position: Decimal
    markouts: list[float | None]
    toxic: float


def outcomes_of(engines: Mapping[str, Engine]) -> list[InstrumentOutcome]:
    """Every instrument in which an order was tried, in order of venue and key."""
    return [
        outcome
        for venue in sorted(engines)
        for outcome in _outcomes(engines[venue])
        if outcome.submitted or outcome.refused
    ]


def _outcomes(engine: Engine) -> list[InstrumentOutcome]:
    journal = engine.journal
    assert isinstance(journal, MemoryJournal)
    tallies = {key: _Tally() for key in sorted(engine.data.markets)}
    keys: dict[str, str] = {}
    fills: dict[tuple[str, str], OrderFilled] = {}
    for _, record in journal.records:
        match record:
            case OrderSubmitted(order=order):
                keys[order.client_id] = order.key
                tallies.setdefault(order.key, _Tally()).submitted += 1
            case OrderRefused(request=request):
                tallies.setdefault(request.key, _Tally()).refused += 1
            case OrderFilled():
                fills[record.client_id, record.trade_id] = record
                tallies[keys[record.client_id]].fill(record)
            case FillMarkout():
                tallies[keys[record.client_id]].markout(record, fills[record.client_id, record.trade_id])
    return [tally.outcome(engine, key) for key, tally in tallies.items()]


class _Tally:
    """Counts of one instrument."""

    def __init__(self) -> None:
        self.submitted = self.refused = 0
        self._fills = self._maker = self._toxic = 0
        self._turnover = ZERO
        self._gained = [ZERO] * len(MARKOUT_HORIZONS_NS)
        self._value = [ZERO] * len(MARKOUT_HORIZONS_NS)

    def fill(self, fill: OrderFilled) -> None:
        self._fills += 1
        self._maker += fill.liquidity is Liquidity.MAKER
        self._turnover += fill.price * fill.quantity

    def markout(self, markout: FillMarkout, fill: OrderFilled) -> None:
        self._toxic += bool(markout.toxic)
        for index, value in enumerate(markout.values):
            if value is not None:
                self._gained[index] += value * fill.quantity
                self._value[index] += fill.price * fill.quantity

    def outcome(self, engine: Engine, key: str) -> InstrumentOutcome:
        position, mark = engine.portfolio.position(key), engine.mark_of(key)
        still_open = ZERO if mark is None else unrealized(position, mark)
        return InstrumentOutcome(
            key=key,
            submitted=self.submitted,
            refused=self.refused,
            fills=self._fills,
            maker_fills=self._maker,
            bought=position.bought,
            sold=position.sold,
            turnover=self._turnover,
            gross=position.realized + still_open,
            fees=position.fees,
            funding=position.funding,
            profit=net_realized(position) + still_open,
            position=position.quantity,
            markouts=[
                float(gained / value * 10_000) if value else None
                for gained, value in zip(self._gained, self._value, strict=True)
            ],
            toxic=self._toxic / self._maker if self._maker else 0.0,
        )

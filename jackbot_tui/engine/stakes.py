"""What parent orders on isolated margin are told: the account's margin, funding, brackets, how the market moves.

Pure questions to executor, portfolio and tape; asked when such an order looks at its market.
"""

from itertools import pairwise
from math import log, sqrt

from jackbot_tui.algos.stakes import LEAST_SEEN_S, Stakes, Volatility
from jackbot_tui.book.market import InstrumentMarket
from jackbot_tui.book.tape import TradeTape
from jackbot_tui.execution.base import VenueExecutor
from jackbot_tui.execution.paper.margin import LIQUIDATION_FEE, brackets_of
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import Side
from jackbot_tui.model.numbers import ZERO, decimal_of

HOUR_S = 3600


def stakes_of(executor: VenueExecutor, portfolio: Portfolio, market: InstrumentMarket, now: int) -> Stakes | None:
    """The stakes of one perpetual at ``now``; None where it is none, or is not known at the venue."""
    instrument, position = market.instrument, portfolio.position(market.key)
    view = executor.margin(market.key, now) if instrument.is_perpetual else None
    if view is None:
        return None
    mark = market.mark if market.fresh_mark(now) is not None else None
    known = mark is not None and mark.next_funding_ns > now
    free = None if position.quantity else executor.outlook(market.key, Side.BUY, ZERO, ZERO, ZERO, now).free
    return Stakes(
        confirmed=executor.confirmed_setting(market.key),
        brackets=brackets_of(instrument),
        liquidation_fee=LIQUIDATION_FEE,
        liquidation=view.liquidation if position.quantity else None,
        free=free,
        funding=position.funding,
        funding_rate=decimal_of(mark.funding_rate) if mark is not None and known else ZERO,
        next_funding_ns=mark.next_funding_ns - now if mark is not None and known else 0,
        volatility=None if position.quantity else volatility_of(market.trades, now),
    )


def volatility_of(tape: TradeTape, now: int) -> Volatility | None:
    """From the moves between the first trades of the last hour's minutes; None when too little was seen."""
    opens = [(at, price) for at, price in tape.opens if now - at <= HOUR_S * NS_PER_S and price > 0]
    if tape.last is not None and opens and tape.last.ts_recv > opens[-1][0]:
        opens.append((tape.last.ts_recv, tape.last.price))
    seen_s = (opens[-1][0] - opens[0][0]) / NS_PER_S if opens else 0.0
    if seen_s < LEAST_SEEN_S:
        return None
    moved = sum(log(after[1] / before[1]) ** 2 for before, after in pairwise(opens))
    return Volatility(sqrt(moved / seen_s), seen_s)

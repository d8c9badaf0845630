"""What our limiter lets through of one kind of private call, held against what the venue counts of it by page."""

import random
from collections.abc import Iterator

import pytest

from jackbot_tui.execution.live.dialects import load_dialect
from jackbot_tui.feeds.limiter import Lane, RateLimiter
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.bitget.private_orders import OrderPages
from jackbot_tui.sim.bybit.private_rest import BUDGETS
from jackbot_tui.sim.exchange import SimExchange, front_of
from jackbot_tui.venues import load_spec

SECOND = 1_000_000_000
PACE = SECOND // 200


def let_through(venue: str, name: str, lane: Lane, *, orders: int) -> int:
    """The most calls of one kind in any second, when they are asked for all the time for five."""
    weight = getattr(load_dialect(venue).weights_of(MarketKind.LINEAR), name)
    limiter = RateLimiter(load_spec(venue).markets[MarketKind.LINEAR].rate_limits, random.Random(1))
    sent = [
        now
        for now in range(0, 5 * SECOND, PACE)
        if limiter.reserve(weight, lane, now, orders=orders, purpose="private") == 0
    ]
    return max(sum(first <= now < first + SECOND for now in sent) for first in sent)


def bybit() -> Iterator[tuple[str, str, Lane, int, int]]:
    yield "bybit", "create", Lane.ORDER, 1, BUDGETS["create"]["linear"]
    yield "bybit", "amend", Lane.ORDER, 1, BUDGETS["amend"]["linear"]
    yield "bybit", "cancel", Lane.URGENT, 0, BUDGETS["cancel"]["linear"]
    for name in ("order", "open_orders", "trades", "balance", "positions"):
        yield "bybit", name, Lane.QUERY, 0, BUDGETS["query"][""]


def bitget() -> Iterator[tuple[str, str, Lane, int, int]]:
    exchange = SimExchange(front_of("bitget").DEFAULT_SYMBOLS, venue="bitget", accounts=1, manual=True)
    pages = OrderPages(exchange.accounts, {}, None).pages()  # type: ignore[arg-type]
    per_s = {page.path.rpartition("/")[2]: page.per_s for page in pages}
    yield "bitget", "create", Lane.ORDER, 1, per_s["place-order"]
    yield "bitget", "amend", Lane.ORDER, 1, per_s["modify-order"]
    yield "bitget", "cancel", Lane.URGENT, 0, per_s["cancel-order"]
    yield "bitget", "order", Lane.QUERY, 0, per_s["order-info"]
    yield "bitget", "open_orders", Lane.QUERY, 0, per_s["unfilled-orders"]
    yield "bitget", "trades", Lane.QUERY, 0, per_s["fills"]


@pytest.mark.parametrize(("venue", "name", "lane", "orders", "allowed"), [*bybit(), *bitget()])
def test_no_second_holds_more_calls_than_the_venue_allows(
    venue: str, name: str, lane: Lane, orders: int, allowed: int
) -> None:
    assert 0 < let_through(venue, name, lane, orders=orders) <= allowed

"""The live honesty meter: the same orders under every rule, counted as the report on a recording counts them."""

import random
from decimal import Decimal

import pytest

from jackbot_tui.execution.paper.account import PaperAccount
from jackbot_tui.execution.paper.comparison import ComparisonMatching, comparison_matching
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.matching import PaperIds
from jackbot_tui.execution.paper.shadows import AFTERLIFE_NS, FOLLOWED, RULES, HonestyView, Shadows
from jackbot_tui.model.clock import NS_PER_MS
from jackbot_tui.model.enums import OrderType, Side, TimeInForce
from jackbot_tui.model.market import Trade
from jackbot_tui.model.orders import Order
from tests.paper_world import PERP, Market, World


def order_of(number: int, side: Side, price: Decimal) -> Order:
    return Order(
        number=number, client_id=f"o{number}", key=PERP.key, side=side, quantity=Decimal("0.001"),
        type=OrderType.LIMIT, price=price, tif=TimeInForce.GTC, post_only=True, reduce_only=False, owner="", source="",
        parent_id="", tag="", created_ns=0, updated_ns=0,
    )  # fmt: skip


def filled(view: HonestyView) -> dict[str, int]:
    return {each.rule: each.filled for each in view.rules}


class Venue:
    """A random market; every rule's own matching, and the shadows, see the same orders."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.market = Market(PERP)
        self.shadows = Shadows()
        config = PaperConfig(start_balances={"USDT": Decimal(10**9)})
        self.contenders: dict[str, tuple[ComparisonMatching, PaperAccount]] = {}
        for rule in RULES:
            account = PaperAccount(config, {PERP.key: self.market})
            self.contenders[rule] = comparison_matching(rule, self.market, account, PaperIds(rule)), account
        self.placed: list[str] = []
        self.ended: set[str] = set()
        self.mid = 1000
        self.levels: dict[Side, dict[int, float]] = {Side.BUY: {}, Side.SELL: {}}

    def book(self, now: int) -> None:
        rng = self.rng
        self.mid += rng.choices((-1, 0, 1), (1, 20, 1))[0]
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            kept = self.levels[side]
            for tick in list(kept):
                if (tick - self.mid) * sign <= 0 or rng.random() < 0.05:
                    del kept[tick]
            for away in range(1, 4):
                if rng.random() < 0.3:
                    kept[self.mid + sign * away] = rng.randint(1, 40) / 1000
        bids, asks = ([(tick / 10, size) for tick, size in self.levels[side].items()] for side in (Side.BUY, Side.SELL))
        self.market.set(bids, asks)
        for matching, _ in self.contenders.values():
            matching.on_book(now)
        self.shadows.on_book(self.market, now)

    def trade(self, now: int) -> None:
        side = self.rng.choice((Side.BUY, Side.SELL))
        best = self.market.book.best_ask() if side is Side.BUY else self.market.book.best_bid()
        if best is None:
            return
        price = best[0] + side.sign * self.rng.choice((*[0] * 15, 1)) / 10
        size = str(self.rng.randint(1, 9) / 1000)
        trade = Trade(PERP.key, now, now, str(now), side, round(price, 1), float(size), str(round(price, 1)), size)
        for matching, _ in self.contenders.values():
            matching.on_trade(trade, now)
        self.shadows.on_trade(self.market, trade, now)

    def place(self, now: int) -> None:
        side = self.rng.choice((Side.BUY, Side.SELL))
        best = self.market.book.best_bid() if side is Side.BUY else self.market.book.best_ask()
        if best is None or len(self.placed) - len(self.ended) >= FOLLOWED:
            return
        order = order_of(len(self.placed) + 1, side, Decimal(str(best[0])))
        for matching, _ in self.contenders.values():
            matching.place(order, now)
        resting = next(account.working[order.client_id] for _, account in self.contenders.values())
        self.shadows.begin(self.market, resting)
        self.placed.append(order.client_id)

    def cancel(self, now: int) -> None:
        open_orders = [each for each in self.placed if each not in self.ended]
        if open_orders:
            chosen = self.rng.choice(open_orders)
            self.ended.add(chosen)
            for matching, _ in self.contenders.values():
                matching.cancel(chosen, now)
            self.shadows.end(chosen)


@pytest.mark.parametrize("seed", range(4))
def test_every_rule_counts_what_its_own_matching_fills(seed: int) -> None:
    venue = Venue(seed)
    canceled: dict[str, int] = dict.fromkeys(RULES, 0)
    for step in range(1, 4_000):
        now = step * NS_PER_MS
        venue.rng.choices((venue.book, venue.trade, venue.place, venue.cancel), (8, 8, 3, 3))[0](now)
    view = venue.shadows.view()
    for rule, (_, account) in venue.contenders.items():
        canceled[rule] = sum(each.missed for each in view.rules if each.rule == rule)
        assert filled(view)[rule] == len(venue.placed) - len(account.working) - canceled[rule]
        working = next(each.working for each in view.rules if each.rule == rule)
        assert working == len(account.working)
    assert view.orders == len(venue.placed) > 40
    assert filled(view)["through"] <= filled(view)["risk_averse"] <= filled(view)["touch"]
    assert len(set(filled(view).values())) > 3  # the rules do differ here


def seen(world: World) -> HonestyView:
    view = world.paper.honesty()
    assert view is not None
    return view


def resting_world() -> tuple[World, str]:
    """One unit behind 8 at 100."""
    world = World()
    world.book([(100.0, 8.0)], [(101.0, 8.0)])
    return world, world.send("buy", "1", "100", post_only=True)


def test_a_touch_fills_the_naive_rule_only_and_the_session_says_what_it_really_filled() -> None:
    world, _ = resting_world()
    world.trade("sell", 100.0, "1")
    view = seen(world)
    assert (view.orders, view.really) == (1, 0)
    assert filled(view) == dict.fromkeys(RULES, 0) | {"touch": 1}
    world.trade("sell", 100.0, "8")
    view = seen(world)
    assert view.really == 1
    assert filled(view) == dict.fromkeys(RULES, 1) | {"through": 0}
    assert next(each for each in view.rules if each.rule == "through").working == 1


def test_a_canceled_order_is_missed_by_the_rules_that_had_not_filled_it() -> None:
    world, order = resting_world()
    world.trade("sell", 100.0, "1")
    world.cancel(order)
    world.trade("sell", 100.0, "20")
    assert filled(seen(world)) == dict.fromkeys(RULES, 0) | {"touch": 1}
    assert [each.missed for each in seen(world).rules if each.rule != "touch"] == [1] * (len(RULES) - 1)


def test_a_moved_order_begins_anew_and_less_of_it_keeps_its_place() -> None:
    world, order = resting_world()
    world.amend(order, "100", "0.5")
    world.wait(1)
    world.book([(100.0, 8.0), (99.0, 4.0)], [(101.0, 8.0)])
    world.amend(order, "99", "1")
    view = seen(world)
    assert (view.orders, view.rules[0].missed, view.rules[0].working) == (3, 2, 1)  # USD-M: any amend goes to the back


def test_what_was_really_filled_is_followed_a_minute_more_and_then_missed() -> None:
    world, _ = resting_world()
    world.trade("sell", 100.0, "9")
    through = RULES.index("through")
    world.now += AFTERLIFE_NS
    world.book([(100.0, 7.0)], [(101.0, 8.0)])
    assert seen(world).rules[through].working == 1
    world.now += 1
    world.book([(100.0, 6.0)], [(101.0, 8.0)])
    assert (seen(world).rules[through].working, seen(world).rules[through].missed) == (0, 1)


def test_no_more_orders_are_followed_than_the_bound_and_the_rest_is_counted() -> None:
    world, _ = resting_world()
    for _ in range(FOLLOWED + 4):
        world.send("buy", "0.1", "99.9", post_only=True)
    view = seen(world)
    assert (view.orders, view.beyond) == (FOLLOWED, 5)
    world.trade("sell", 99.0, "100")
    assert seen(world).rules[0].filled == FOLLOWED


def test_a_gap_in_the_data_promotes_no_shadow() -> None:
    world, _ = resting_world()
    world.market.set([(100.0, 3.0)], [(101.0, 8.0)])
    world.hear(world.paper.on_resync(world.market, world.now))
    world.trade("sell", 100.0, "2.9")
    assert filled(seen(world))["power3:3"] == 0
    world.trade("sell", 100.0, "0.2")
    assert filled(seen(world))["power3:3"] == 1


def test_the_other_sides_best_at_the_price_fills_under_every_rule() -> None:
    world, _ = resting_world()
    world.book([(99.0, 8.0)], [(100.0, 3.0)])
    assert filled(seen(world)) == dict.fromkeys(RULES, 1)


def test_an_update_to_the_same_size_after_a_trade_is_news() -> None:
    world, _ = resting_world()
    world.trade("sell", 100.0, "2")  # 6 are ahead
    world.market.book.apply([(100.0, 8.0)], [])  # refilled by 2, behind us
    world.hear(world.paper.on_book(world.market, world.now))
    world.market.book.apply([(100.0, 6.0)], [])  # 2 go: all from behind for the risk-averse, in part ours for others
    world.hear(world.paper.on_book(world.market, world.now))
    world.trade("sell", 100.0, "5.9")
    counts = filled(seen(world))
    assert (counts["risk_averse"], counts["power:2"], counts["log"]) == (0, 1, 1)


def test_without_a_meter_nothing_is_followed_and_nothing_is_told() -> None:
    world = World(config=PaperConfig(meter=False, entry_latency_ns=0, response_latency_ns=0))
    world.book([(100.0, 8.0)], [(101.0, 8.0)])
    world.send("buy", "1", "100", post_only=True)
    assert world.paper.honesty() is None
    assert world.paper._shadows.view().beyond == 1 and world.paper._shadows.view().orders == 0


def test_what_a_fill_rests_on_is_said_in_words() -> None:
    words = World(latency_ms=20).paper.assumptions(PERP)
    assert words == ["queue risk_averse", "latency 20+20 ms", "fees 0.02/0.05 % (lowest tier)", "impact off"]

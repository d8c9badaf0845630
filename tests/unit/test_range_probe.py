"""The range probe against a venue that fails in every way, the file of ranges, and the locks of the command."""

import io
import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest
from msgspec.structs import replace

from jackbot_tui.cli import main
from jackbot_tui.cli.arguments import parse
from jackbot_tui.cli.engines import job_for, settings_for
from jackbot_tui.execution.live.client import CallPolicy, VenueClient
from jackbot_tui.execution.live.dialects import load_dialect
from jackbot_tui.execution.live.failures import Redactor
from jackbot_tui.execution.live.probe import Around, Edge, EdgeFound, ProbeStopped, RangeFound, RangeProbe
from jackbot_tui.feeds.limiter import LimitGate, RateLimiter
from jackbot_tui.headless.ranges import Place, RangeStore
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind, Side
from jackbot_tui.model.errors import ConfigError
from jackbot_tui.model.instrument import PriceBand
from jackbot_tui.settings.places import places_of
from jackbot_tui.venues.base import RateLimit
from tests.live_world import DROPPED, LOST, FakeExchange
from tests.paper_world import PERP

D = Decimal
BID, ASK, MARK = D("99.9"), D("100.1"), D(100)
TWO_SIDED = PriceBand("mark", buy_up=D("1.3"), buy_down=D("0.7"), sell_up=D("1.25"), sell_down=D("0.8"))


class Banded(FakeExchange):
    """Keeps a band; post-only orders that cross are refused, as at Binance."""

    def __init__(self, band: PriceBand, *, money: str = "1000000000") -> None:
        super().__init__()
        self.band = band
        self.money = D(money)
        self.fills_at: str = ""
        self.highest = D(0)

    async def create_order(
        self, symbol: str, type: str, side: str, amount: float, price: float | None, params: dict[str, Any]
    ) -> dict[str, Any]:
        assert params["postOnly"]
        at = D(str(price))
        low, high = self.band.limits(Side(side), MARK)
        self.highest = max(self.highest, at * D(str(amount)))
        if at < low or (high and at > high):
            raise ccxt.ExchangeError('binance {"code":-4016,"msg":"Limit price can\'t be higher than that."}')
        if at * D(str(amount)) > self.money:
            raise ccxt.InsufficientFunds('binance {"code":-2019,"msg":"Margin is insufficient."}')
        if (at >= ASK) if side == "buy" else (at <= BID):
            raise ccxt.ExchangeError('binance {"code":-5022,"msg":"Post Only order will be rejected."}')
        made = await super().create_order(symbol, type, side, amount, price, params)
        if self.fills_at == side:
            self.fill(made["clientOrderId"], amount)
        return made

    @property
    def working(self) -> int:
        return sum(order["status"] == "open" for order in self.orders.values())


def probe_of(venue: Banded, *, most: int = 200) -> RangeProbe:
    gate = LimitGate(RateLimiter((RateLimit("W", 100_000, 60),), random.Random(1)), SystemClock())
    client = VenueClient(
        venue, load_dialect("binance"), MarketKind.LINEAR, gate, SystemClock(), Redactor(), CallPolicy(answer_s=5.0)
    )

    async def no_pause(_: float) -> None:
        return None

    return RangeProbe(
        client,
        replace(PERP, venue="binance", tick=D("0.001")),
        "mark",
        lambda _: Around(MARK, BID, ASK),
        SystemClock(),
        no_pause,
        tag="test",
        most_orders=most,
    )


async def test_four_edges_are_found_and_every_order_is_taken_back() -> None:
    venue = Banded(TWO_SIDED)
    found = await probe_of(venue).run()
    assert found.band == TWO_SIDED and found.complete
    assert venue.working == 0 and venue.trades == []
    assert found.orders == sum(edge.orders for edge in found.edges.values()) < 80
    for edge, each in found.edges.items():
        inside, outside = sorted((each.inside, each.outside), reverse=not edge.upwards)
        assert abs(outside - inside) / outside < D("0.0003")


async def test_a_venue_without_a_band_limits_nothing() -> None:
    venue = Banded(PriceBand("mark"))
    found = await probe_of(venue).run()
    assert found.band == PriceBand("mark") and found.complete and found.orders == 8


async def test_lost_answers_and_broken_cancels_leave_nothing_behind() -> None:
    venue = Banded(TWO_SIDED)
    venue.fault("create_order", LOST, DROPPED, ccxt.RateLimitExceeded("binance slow down"))
    venue.fault("cancel_order", LOST, DROPPED, ccxt.NetworkError("binance reset"))
    found = await probe_of(venue).run()
    assert found.band == TWO_SIDED
    assert venue.working == 0


async def test_a_cancel_that_never_works_is_told_with_the_orders_name() -> None:
    venue = Banded(TWO_SIDED)
    venue.fault("cancel_order", *[DROPPED] * 50)
    with pytest.raises(ProbeStopped, match=r"order jp\w+ of the probe could not be canceled .* by hand"):
        await probe_of(venue).run()
    assert venue.working == 1


async def test_a_fill_stops_it_at_once() -> None:
    venue = Banded(TWO_SIDED)
    venue.fills_at = "buy"
    probe = probe_of(venue)
    with pytest.raises(ProbeStopped, match="of the probe filled"):
        await probe.run()
    assert probe.orders == 1


async def test_what_money_does_not_reach_is_tried_nearer_or_said_to_be_unknown() -> None:
    poor = await probe_of(Banded(TWO_SIDED, money="1")).run()
    assert not poor.complete and poor.band == PriceBand("mark")
    assert all("not enough free balance" in each.problem for each in poor.edges.values())
    venue = Banded(PriceBand("mark"), money="5.5")  # twenty times the price needs 6, six times 5.4
    nearer = await probe_of(venue).run()
    assert nearer.complete and nearer.band == PriceBand("mark")
    assert venue.highest == 6


async def test_an_unclear_refusal_ends_it_rather_than_being_taken_for_an_edge() -> None:
    venue = Banded(TWO_SIDED)
    venue.fault("create_order", *[ccxt.InvalidOrder('binance {"code":-1111,"msg":"Precision."}')] * 3)
    with pytest.raises(ProbeStopped, match="for another reason"):
        await probe_of(venue).run()


async def test_it_gives_up_after_the_most_orders() -> None:
    venue = Banded(TWO_SIDED)
    probe = probe_of(venue, most=20)
    with pytest.raises(ProbeStopped, match="20 orders were not enough"):
        await probe.run()
    assert probe.orders == 20 and venue.working == 0


# ---------------------------------------------------------------------- what is kept


def found_of(band: PriceBand, problem: str = "") -> RangeFound:
    edges = {edge: EdgeFound(multiplier=getattr(band, edge.value), orders=3) for edge in Edge}
    edges[Edge.SELL_UP] = replace(edges[Edge.SELL_UP], problem=problem)
    return RangeFound(key="binance:BTC/USDT:USDT", reference="mark", edges=edges, noise=D(0), orders=12, at_ns=1)


def test_a_range_holds_where_it_was_found_and_only_when_it_is_whole(tmp_path: Path) -> None:
    store = RangeStore(tmp_path)
    assert store.all() == [] and store.bands(Place.SIM) == {}
    store.keep(found_of(TWO_SIDED), Place.SIM)
    store.keep(found_of(TWO_SIDED, "no coins"), Place.LIVE)
    assert RangeStore(tmp_path).bands(Place.SIM) == {"binance:BTC/USDT:USDT": TWO_SIDED}
    assert store.bands(Place.LIVE) == {} == store.bands(Place.TESTNET)
    store.keep(found_of(replace(TWO_SIDED, buy_up=D(2))), Place.SIM)
    assert store.bands(Place.SIM)["binance:BTC/USDT:USDT"].buy_up == D(2)
    assert store.forget("binance:BTC/USDT:USDT") == 2 and store.all() == []
    store.path.write_text("{")
    with pytest.raises(ConfigError, match="is no file of ranges"):
        store.all()


def test_engines_of_the_same_place_get_what_was_found(tmp_path: Path) -> None:
    RangeStore(tmp_path).keep(found_of(TWO_SIDED), Place.SIM)
    for line, bands in (("demo", 1), ("run --symbol BTC/USDT:USDT", 0)):
        options, places = parse([*line.split(), "--no-ui", "--data-dir", str(tmp_path)]), places_of({}, tmp_path)
        assert len(job_for(options, settings_for(options, places), places).options.parents.bands) == bands


# ---------------------------------------------------------------------- the command


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with a key for Binance and nothing else; a probe that is let through says so instead of running."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JACKBOT_KEY_BINANCE_APIKEY", "k" * 20)
    monkeypatch.setenv("JACKBOT_KEY_BINANCE_SECRET", "s" * 20)
    monkeypatch.setattr("jackbot_tui.cli.ranges.keyring_module", lambda: None)

    async def probed(*_: object, **__: object) -> RangeFound:
        return found_of(TWO_SIDED)

    monkeypatch.setattr("jackbot_tui.cli.ranges.probe_range", probed)
    return tmp_path


def say(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_real_account_is_probed_only_through_every_lock(
    alone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["range", "probe", "binance", "BTC/USDT:USDT", "--live"]
    say(monkeypatch, "live\n")
    assert main(line) == 2
    assert "is not allowed" in capsys.readouterr().err
    config = alone / "live.toml"
    config.write_text('[live]\nvenues = ["binance"]\n')
    for typed in ("", "yes\n", "live it up\n"):
        say(monkeypatch, typed)
        assert main([*line, "--config", str(config)]) == 2
        assert "nothing was sent" in capsys.readouterr().err
    assert not list(alone.rglob("ranges.json"))
    say(monkeypatch, "live\n")
    assert main([*line, "--config", str(config)]) == 0
    said = capsys.readouterr()
    assert "REAL ACCOUNT binance" in said.err and "sss" not in said.err + said.out
    (kept,) = alone.rglob("ranges.json")
    assert json.loads(kept.read_text())[0]["place"] == "live"
    assert main(["range", "list"]) == 0
    assert "buys 0.7 to 1.3, sells 0.8 to 1.25, of the mark" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("probe binance", "wants an exchange and a symbol"),
        ("probe binance BTCUSDT", "did you mean BTC/USDT"),
        ("probe nowhere BTC/USDT", "nowhere"),
        ("probe binance BTC/USDT --live --testnet", "give one"),
        ("probe binance BTC/USDT --testnet", "set its addresses under [venues.binance]"),
        ("forget binance BTC/USDT", "no range of binance:BTC/USDT is kept"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    alone: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    assert main(["range", *line.split()]) != 0
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1

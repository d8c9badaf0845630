"""What a person sets about the paper venue reaches it: queue model, latency, impact."""

from pathlib import Path

import pytest

from jackbot_tui.cli.engines import paper_of
from jackbot_tui.execution.paper.impact import ImpactSettings
from jackbot_tui.execution.paper.latency import LatencyKind
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.errors import ConfigError
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.settings.load import load_settings


def test_every_assumption_of_the_session_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[paper]\nqueue = "power2:3"\nlatency = "measured"\nfeed_latency_ms = 12.5\n'
        "spike_chance = 0.01\nspike_ms = 400\nimpact = 0.8\nimpact_volatility = 0.03\nimpact_turnover = 5e8\n"
        "impact_permanent = 0.4\nimpact_half_life_s = 30\n"
    )
    config = paper_of(load_settings([path], {}, {}).settings.paper)
    assert config.queue == "power2:3"
    assert config.latencies.kind is LatencyKind.MEASURED
    assert config.latencies.feed_ns == 12.5 * NS_PER_MS
    assert (config.latencies.spike_chance, config.latencies.spike_ns) == (0.01, 400 * NS_PER_MS)
    assert config.impact == ImpactSettings(
        coefficient=0.8, volatility=0.03, turnover=5e8, permanent=0.4, half_life_ns=30 * NS_PER_S
    )


@pytest.mark.parametrize("line", ['queue = "power2"', 'queue = "optimist"', "spike_chance = 2", 'latency = "none"'])
def test_what_makes_no_sense_is_refused_and_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[paper]\n{line}\n")
    with pytest.raises(ConfigError, match=f"paper.{line.split()[0]}"):
        load_settings([path], {}, {})


def test_fees_and_margin_of_the_session_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[paper]\nspot_fees = "0.08/0.1"\nperpetual_fees = "vip3"\nmargin = "isolated"\nleverage = 20\n')
    config = paper_of(load_settings([path], {}, {}).settings.paper)
    assert (config.spot_fees, config.perpetual_fees) == ("0.08/0.1", "vip3")
    assert (config.margin, config.leverage) == (MarginMode.ISOLATED, 20)

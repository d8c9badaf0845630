"""``jackbot demo``, ``run``, ``replay`` and ``record``: from options and settings to an engine and, mostly, a screen.

Decides what runs where: alone in the foreground (``--no-ui``), beside the screen in a process of its own (the usual
way), or in the screen's own process (``--embed``). Nothing is started before every option and setting is right.
"""

import argparse
import os
import sys
from pathlib import Path

import msgspec

from jackbot_tui.cli.key_input import ask_passphrase
from jackbot_tui.engine.options import DifferenceRules, EngineOptions, LiveOptions, ReplayOptions, ShutdownPolicy
from jackbot_tui.engine.parents import ParentOptions, RestartPolicy
from jackbot_tui.execution.live.dialects import dialect_of
from jackbot_tui.execution.live.keys import KeyParts, KeyStore, keyring_module
from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.fees import chosen_rates
from jackbot_tui.execution.paper.impact import ImpactSettings
from jackbot_tui.execution.paper.latency import LatencyKind
from jackbot_tui.headless.job import EngineJob, LogTarget, SimJob
from jackbot_tui.headless.ranges import Place, RangeStore
from jackbot_tui.headless.spawn import ReadyReport
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.enums import DifferenceRule, MarketKind, Mode
from jackbot_tui.model.errors import InputError
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.settings.load import config_files, load_settings
from jackbot_tui.settings.model import LiveSection, PaperSection, Settings
from jackbot_tui.settings.places import Places, is_listening, journal_path, places_of, private_directory
from jackbot_tui.settings.profiles import volume_profiles

OK = 0
BYTES_PER_MB = 1_000_000
"""Wire protocol of the embedded exchange."""


def run(options: argparse.Namespace) -> int:
    """Carry out one of the four commands; its exit code."""
    if options.command == "replay" and options.json:
        return _print_totals(options)
    places = places_of(os.environ)
    settings = settings_for(options, places)
    job = job_for(options, settings, places)
    if options.command == "record" or options.no_ui:
        return _run_alone(job)
    from jackbot_tui.cli import screens

    if options.embed:
        return screens.run_embedded(job, settings.screen)
    return screens.run_beside(job, settings.screen, keep=options.command == "run" or getattr(options, "keep", False))


def settings_for(options: argparse.Namespace, places: Places) -> Settings:
    """Effective settings, the command line being the strongest layer."""
    symbols = "demo.symbols" if options.command == "demo" else "session.symbols"
    flags = {
        "demo.venue" if options.command == "demo" else "session.venue": getattr(options, "venue", None),
        symbols: options.symbols,
        "session.seed": options.seed,
        "session.shutdown": getattr(options, "shutdown", None),
        "session.data_dir": options.data_dir,
        "demo.volatility": getattr(options, "volatility", None),
        "demo.rate": getattr(options, "rate", None),
        "demo.fault": getattr(options, "fault", None),
        "screen.ascii": "on" if getattr(options, "ascii", None) else None,
    }
    live = getattr(options, "live", None)
    if live is not None:
        if getattr(options, "venue", None) not in (None, live):
            raise InputError(f"--venue {options.venue} and --live {live} name two exchanges: give one")
        flags["session.venue"] = live
    given = {key: value for key, value in flags.items() if value is not None}
    files = config_files([Path(path) for path in options.config or []], os.environ, places)
    return load_settings(files, os.environ, given).settings


def job_for(options: argparse.Namespace, settings: Settings, places: Places) -> EngineJob:
    """The engine that these options and settings describe. Makes the data directory, nothing else."""
    mode, name = _identity(options, settings, places)
    data = private_directory(places.data_directory(settings.session.data_dir))
    socket_path = _socket_path(options.socket, name, places)
    if is_listening(socket_path):
        what = socket_path.stem if socket_path.parent == places.run else socket_path
        raise InputError(
            f"an engine is already running at {socket_path}: 'jackbot attach --socket {what}' opens a screen on it, "
            f"'jackbot ctl --socket {what} quit' ends it"
        )
    venue = settings.demo.venue if mode is Mode.SIM else settings.session.venue
    chosen_rates(settings.paper.spot_fees, venue, MarketKind.SPOT)  # says what is wrong before anything starts
    chosen_rates(settings.paper.perpetual_fees, venue, MarketKind.LINEAR)
    live_sim = getattr(options, "live_sim", False)
    if live_sim:
        dialect_of(venue)  # says where live trading is not open
    # an embedded exchange forgets its accounts: their journal would be another world's at the next start
    in_memory = live_sim or options.command in ("replay", "record")
    alone = options.command == "record" or options.no_ui
    return EngineJob(
        name=name,
        options=EngineOptions(
            mode=mode,
            venue=venue,
            symbols=_symbols(options, settings),
            endpoints={} if mode is Mode.SIM else endpoints_of(settings, settings.session.venue),
            journal_path=None if in_memory else journal_path(data, name),
            socket_path=None if options.command == "record" else socket_path,
            capture_dir=data / "capture" / name if settings.capture.ring and not in_memory else None,
            capture_bytes=settings.capture.ring_mb * BYTES_PER_MB,
            record_path=_record_path(options),
            seed=settings.session.seed,
            limits=limits_of(settings),
            parents=ParentOptions(
                restart=RestartPolicy(settings.parents.restart),
                children_per_s=settings.parents.children_per_s,
                profiles=volume_profiles(settings.parents.profile),
                bands={} if in_memory else RangeStore(data).bands(_place(mode, settings)),
            ),
            paper=paper_of(settings.paper),
            shutdown=ShutdownPolicy(settings.session.shutdown),
            run_for_ns=options.run_for_ns,
            replay=_replay(options) if mode is Mode.REPLAY else None,
            live=_live(settings, data) if mode is Mode.LIVE else _live_sim(settings, data) if live_sim else None,
        ),
        log=LogTarget(
            path=places.log_path(name),
            to_stdout=alone,
            level=settings.log.level,
            max_bytes=settings.log.max_mb * BYTES_PER_MB,
            keep=settings.log.keep,
        ),
        sim=_sim(settings, accounts=int(live_sim)) if mode is Mode.SIM else None,
        tied=not alone and options.command != "run" and not getattr(options, "keep", False),
    )


def _place(mode: Mode, settings: Settings) -> Place:
    """Whose probed ranges hold here; other addresses than the exchange's own are a test net's."""
    if mode is Mode.SIM:
        return Place.SIM
    return Place.TESTNET if endpoints_of(settings, settings.session.venue) else Place.LIVE


def endpoints_of(settings: Settings, venue: str) -> dict[str, str]:
    """Overridden addresses of ``venue``: ``spot.public`` -> URL."""
    section = getattr(settings.venues, venue)
    return {name.replace("_", ".", 1): url for name, url in section.model_dump().items() if url}


def limits_of(settings: Settings) -> RiskLimits:
    """The risk section as the gate takes it."""
    return RiskLimits(**settings.risk.model_dump())


def paper_of(section: PaperSection) -> PaperConfig:
    """The paper section as the executor takes it: nanoseconds instead of milliseconds."""
    return PaperConfig(
        entry_latency_ns=round(section.entry_latency_ms * NS_PER_MS),
        response_latency_ns=round(section.response_latency_ms * NS_PER_MS),
        latency_jitter_ns=round(section.latency_jitter_ms * NS_PER_MS),
        latency=LatencyKind(section.latency),
        feed_latency_ns=round(section.feed_latency_ms * NS_PER_MS),
        spike_chance=section.spike_chance,
        spike_ns=round(section.spike_ms * NS_PER_MS),
        queue=section.queue,
        impact=ImpactSettings(
            coefficient=section.impact,
            volatility=section.impact_volatility,
            turnover=section.impact_turnover,
            permanent=section.impact_permanent,
            half_life_ns=round(section.impact_half_life_s * NS_PER_S),
        ),
        start_balances=dict(section.start_balances),
        margin=MarginMode(section.margin),
        leverage=section.leverage,
        spot_fees=section.spot_fees,
        perpetual_fees=section.perpetual_fees,
    )


def _identity(options: argparse.Namespace, settings: Settings, places: Places) -> tuple[Mode, str]:
    """Mode and name. Replays have no journal to share, so any number may run side by side, numbered."""
    match options.command:
        case "demo":
            return Mode.SIM, f"{'live-' if options.live_sim else ''}sim-{settings.demo.venue}"
        case "replay":
            return Mode.REPLAY, _free_name(f"replay-{settings.session.venue}", places)
        case "record":
            return Mode.PAPER, f"record-{settings.session.venue}"
        case _ if getattr(options, "live", None):
            return Mode.LIVE, f"live-{settings.session.venue}"
        case _:
            return Mode.PAPER, f"paper-{settings.session.venue}"


def _free_name(base: str, places: Places) -> str:
    """``base``, ``base-2``, ``base-3`` … : the first that no running engine has."""
    number = 1
    while is_listening(places.socket_path(name := base if number == 1 else f"{base}-{number}")):
        number += 1
    return name


def _symbols(options: argparse.Namespace, settings: Settings) -> list[str]:
    match options.command:
        case "demo":
            return list(settings.demo.symbols)
        case "replay":
            return list(options.symbols or [])
        case _:
            return list(settings.session.symbols)


def _socket_path(wanted: str | None, name: str, places: Places) -> Path:
    if wanted and "/" in wanted:
        return Path(wanted).absolute()
    return places.socket_path(wanted.removesuffix(".sock") if wanted else name)


def _record_path(options: argparse.Namespace) -> Path | None:
    wanted: Path | None = options.file if options.command == "record" else getattr(options, "record", None)
    return None if wanted is None else wanted.absolute()


def _sim(settings: Settings, accounts: int) -> SimJob:
    demo = settings.demo
    return SimJob(
        venue=demo.venue,
        symbols=list(demo.symbols),
        seed=settings.session.seed,
        volatility=demo.volatility,
        rate=demo.rate,
        fault=demo.fault,
        accounts=accounts,
    )


def _live(settings: Settings, data: Path) -> LiveOptions:
    """The account to trade; InputError when the settings do not allow it or its key cannot be found."""
    venue, section = settings.session.venue, settings.live
    if venue not in section.venues:
        raise InputError(f'live trading on {venue} is not allowed: set venues = ["{venue}"] under [live] first')
    dialect = dialect_of(venue)
    account = section.account or venue
    if account.partition("/")[0] != venue:
        raise InputError(f"account {account} is none of {venue}: set account under [live]")
    keys = private_directory(data)
    found = KeyStore(keys, ring=keyring_module(), ask=ask_passphrase).find(account, dialect.credentials)
    parts = KeyParts(found.fields())
    return LiveOptions(
        account=account,
        keys=keys,
        given=parts,
        poll_s=section.poll_s,
        dead_man_s=section.dead_man_s,
        rules=_rules(section),
    )


def _live_sim(settings: Settings, data: Path) -> LiveOptions:
    """The first account of the embedded exchange, whose key and addresses are known when it has started."""
    section = settings.live
    return LiveOptions(
        account="test", keys=data, poll_s=section.poll_s, dead_man_s=section.dead_man_s, rules=_rules(section)
    )


def _rules(section: LiveSection) -> DifferenceRules:
    """What is done about differences when a person says so."""
    return DifferenceRules(
        foreign_order=DifferenceRule(section.foreign_orders),
        revived_order=DifferenceRule(section.revived_orders),
        position=DifferenceRule(section.positions),
        holding=DifferenceRule(section.holdings),
    )


def _replay(options: argparse.Namespace) -> ReplayOptions:
    return ReplayOptions(
        paths=_captures(options), kind=MarketKind(options.market), speed=options.speed, paused=options.paused
    )


def _captures(options: argparse.Namespace) -> list[Path]:
    paths = [path.absolute() for path in options.captures]
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: no such capture file")
    return paths


def _print_totals(options: argparse.Namespace) -> int:
    """``replay --json``: the whole capture at full speed, one JSON object on standard output."""
    from jackbot_tui.engine.replay import replay_totals

    totals = replay_totals(_captures(options), options.venue, MarketKind(options.market), options.symbols)
    sys.stdout.write(msgspec.json.encode(totals, enc_hook=str).decode() + "\n")
    return OK


def _run_alone(job: EngineJob) -> int:
    from jackbot_tui.headless.process import run_job

    return run_job(job, tell=_tell_failure)


def _tell_failure(report: ReadyReport) -> None:
    """The log has it as JSON; a person in front of the terminal gets a line as well."""
    if report.error:
        sys.stderr.write(f"jackbot: {report.error}\n")

"""The settings: every key with its default, its range, its unit and what it does.

The single source of the commented default file, of docs/CONFIGURATION.md and of what the loader accepts. The risk and
paper defaults are those of the rooms that use them. Nothing here reads a file or the environment by itself:
``settings.load`` does.
"""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, create_model, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from jackbot_tui.execution.paper.config import PaperConfig
from jackbot_tui.execution.paper.queue_models import queue_model
from jackbot_tui.model.clock import NS_PER_MS, NS_PER_S
from jackbot_tui.model.errors import InputError
from jackbot_tui.risk.limits import RiskLimits
from jackbot_tui.settings.symbols import unified_symbol
from jackbot_tui.venues import VENUES, load_spec

ENVIRONMENT_PREFIX = "JACKBOT_"

_LARGEST_SEED = 2**63 - 1

_RISK = RiskLimits()
_PAPER = PaperConfig()
_LARGEST_MONEY = 10**15

Limit = Annotated[Decimal, Field(ge=0, le=_LARGEST_MONEY)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Percent = Annotated[Decimal, Field(ge=0, le=1000)]
Milliseconds = Annotated[int, Field(ge=0, le=86_400_000)]
LatencyMs = Annotated[float, Field(ge=0, le=60_000)]

Symbols = Annotated[list[str], NoDecode]
"""A list of unified symbols; in the environment separated by commas or spaces."""

if TYPE_CHECKING:
    Venue = str
else:
    Venue = Literal[VENUES]


class Section(BaseModel):
    """A table of the file. Unknown keys are errors; numbers are never taken from true and false."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_numbers(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool) and field.annotation in (int, float, Decimal):
            raise ValueError("must be a number, not true or false")
        return value

    @field_validator("symbols", "venues", mode="before", check_fields=False)
    @classmethod
    def _split(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("symbols", mode="after", check_fields=False)
    @classmethod
    def _unified(cls, value: list[str]) -> list[str]:
        for symbol in value:
            try:
                unified_symbol(symbol)
            except InputError as error:
                raise ValueError(str(error)) from None
        if len(set(value)) != len(value):
            raise ValueError("names a symbol twice")
        return value


class SessionSection(Section):
    """What `jackbot run` trades, and what an orderly end does."""

    venue: Venue = Field(default="binance", description="Exchange to follow.")
    symbols: Symbols = Field(
        default=["BTC/USDT:USDT"],
        min_length=1,
        max_length=32,
        description="Instruments in ccxt's unified form: BTC/USDT is spot, BTC/USDT:USDT the perpetual.",
    )
    shutdown: Literal["leave", "cancel", "flatten"] = Field(
        default="leave",
        description="Working orders at an orderly end (SIGTERM, SIGINT, quit, --for): leave them in the journal to "
        "rest again at the next start, cancel them, or cancel them and close every position at market.",
    )
    seed: int = Field(default=1, ge=0, le=_LARGEST_SEED, description="Seeds every random generator of the session.")
    data_dir: str = Field(
        default="", description="Directory for journals and captures; empty = ~/.local/share/jackbot (XDG_DATA_HOME)."
    )


class RiskSection(Section):
    """Limits of the risk gate, in front of every order. Money is in the instrument's quote currency; 0 switches a limit
    off."""

    max_order_qty: Limit = Field(default=_RISK.max_order_qty, description="Base units of one order.")
    max_order_notional: Limit = Field(default=_RISK.max_order_notional, description="Value of one order.")
    max_position_notional: Limit = Field(
        default=_RISK.max_position_notional,
        description="Value of one instrument's position if every working order on the order's side filled.",
    )
    max_open_orders: Count = Field(
        default=_RISK.max_open_orders, description="Resting orders of all instruments together."
    )
    max_orders_per_s: Count = Field(
        default=_RISK.max_orders_per_s, description="New orders and amends in any second; cancels are never counted."
    )
    collar_pct: Percent = Field(
        default=_RISK.collar_pct, description="How far through the opposite touch an order may reach, in percent."
    )
    collar_ticks: Count = Field(default=_RISK.collar_ticks, description="The same in ticks.")
    mark_collar_pct: Percent = Field(
        default=_RISK.mark_collar_pct, description="How far on the bad side of the mark price, in percent."
    )
    far_limit_pct: Percent = Field(
        default=_RISK.far_limit_pct, description="How far a resting order may be behind its own touch, in percent."
    )
    max_book_age_ms: Milliseconds = Field(
        default=_RISK.max_book_age_ms, description="Oldest book that may price an order, in milliseconds."
    )
    max_day_loss: Limit = Field(
        default=_RISK.max_day_loss, description="Loss since midnight UTC at which nothing new may be risked."
    )
    duplicate_refuse_ms: Milliseconds = Field(
        default=_RISK.duplicate_refuse_ms,
        description="An identical manual order within this many milliseconds is refused.",
    )
    duplicate_confirm_ms: Milliseconds = Field(
        default=_RISK.duplicate_confirm_ms,
        description="An identical manual order within this many milliseconds needs a confirmation.",
    )


class PaperSection(Section):
    """The paper account: real market data, simulated fills."""

    entry_latency_ms: LatencyMs = Field(
        default=_PAPER.entry_latency_ns / NS_PER_MS, description="Milliseconds from here to the simulated matching."
    )
    response_latency_ms: LatencyMs = Field(
        default=_PAPER.response_latency_ns / NS_PER_MS, description="Milliseconds from the matching back to here."
    )
    latency_jitter_ms: LatencyMs = Field(
        default=_PAPER.latency_jitter_ns / NS_PER_MS,
        description="Largest random addition to either, in milliseconds, drawn from the session's seed.",
    )
    latency: Literal["constant", "venue", "measured"] = Field(
        default=_PAPER.latency.value,
        description="constant = as above; venue = drawn from the exchange's distribution; measured = this session's own"
        " round trips.",
    )
    feed_latency_ms: LatencyMs = Field(
        default=_PAPER.feed_latency_ns / NS_PER_MS,
        description="How late market data is: an order meets the book that is seen here so much later.",
    )
    spike_chance: float = Field(
        default=_PAPER.spike_chance, ge=0, le=1, description="How often a message is held up, as a fraction of all."
    )
    spike_ms: LatencyMs = Field(
        default=_PAPER.spike_ns / NS_PER_MS, description="For up to so many milliseconds, drawn from the seed."
    )
    queue: str = Field(
        default=_PAPER.queue,
        description="Queue model of resting orders: risk_averse (never flatters), power:N, power2:N, power3:N, log or"
        " log2; N is the exponent, as in power2:3.",
    )
    impact: float = Field(
        default=_PAPER.impact.coefficient,
        ge=0,
        le=100,
        description="Coefficient of the square-root price impact of market orders; 0 = off, about 1 is realistic.",
    )
    impact_volatility: float = Field(
        default=_PAPER.impact.volatility,
        ge=0,
        le=10,
        description="Daily volatility for it, as a fraction of the price.",
    )
    impact_turnover: float = Field(
        default=_PAPER.impact.turnover, gt=0, le=1e15, description="The market's daily turnover for it, quote currency."
    )
    impact_permanent: float = Field(
        default=_PAPER.impact.permanent, ge=0, le=1, description="The part of it that stays for the session."
    )
    impact_half_life_s: float = Field(
        default=_PAPER.impact.half_life_ns / NS_PER_S,
        gt=0,
        le=86_400,
        description="Seconds in which the rest falls to half.",
    )
    spot_fees: str = Field(
        default=_PAPER.spot_fees,
        max_length=40,
        description="What spot trades cost: MAKER/TAKER in percent, as in 0.08/0.1, a rebate below 0; empty = the"
        " exchange's lowest tier.",
    )
    perpetual_fees: str = Field(
        default=_PAPER.perpetual_fees,
        max_length=40,
        description="The same for perpetuals; on Binance also a tier by name, vip0 to vip9.",
    )
    margin: Literal["cross", "isolated"] = Field(
        default=_PAPER.margin.value,
        description="What answers for a perpetual's losses: the whole wallet or its own margin; the command margin"
        " chooses per instrument.",
    )
    leverage: Decimal = Field(
        default=_PAPER.leverage,
        ge=1,
        le=200,
        description="For the initial margin of perpetuals, capped by the instrument's own; 1 = fully funded. The"
        " command leverage chooses per instrument.",
    )
    start_balances: dict[str, Annotated[Decimal, Field(ge=0, le=_LARGEST_MONEY)]] = Field(
        default=_PAPER.start_balances, min_length=1, max_length=32, description="Units per currency at the start."
    )

    @field_validator("queue", mode="after")
    @classmethod
    def _queue_model(cls, value: str) -> str:
        try:
            return queue_model(value).name
        except InputError as error:
            raise ValueError(str(error)) from error

    @field_validator("start_balances", mode="after")
    @classmethod
    def _currencies(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        for currency in value:
            if not re.fullmatch(r"[A-Z0-9]{1,20}", currency):
                raise ValueError("currencies are written in capital letters, as USDT")
        return value


class LiveSection(Section):
    """Trading with real money. Off unless a venue is allowed here, `jackbot run --live VENUE` names it, and `live` is
    typed in the console."""

    venues: Annotated[list[Venue], NoDecode] = Field(
        default=[], max_length=16, description="Exchanges on which live trading is allowed."
    )
    account: str = Field(
        default="",
        pattern=r"^([a-z0-9]+(/[a-z0-9_-]+)?)?$",
        description="Account whose key is used, as binance or binance/second; empty = the exchange's own name.",
    )
    poll_s: float = Field(
        default=15.0, ge=1, le=300, description="Seconds between two looks at the account across the private streams."
    )
    dead_man_s: float = Field(
        default=0.0,
        ge=0,
        le=86_400,
        description="Seconds of silence after which the exchange itself cancels our working orders, where it can "
        "(docs/LIVE.md has where, and for how long); 0 = never.",
    )
    foreign_orders: Literal["adopt", "close", "ignore"] = Field(
        default="ignore",
        description="What reconcile apply does about orders on the account that are not ours; nothing happens before.",
    )
    revived_orders: Literal["close", "ignore"] = Field(
        default="close",
        description="The same about orders that are over here and still work at the exchange.",
    )
    positions: Literal["adopt", "close", "ignore"] = Field(
        default="adopt",
        description="The same about perpetual positions that differ: ours becomes the exchange's, or the foreign part"
        " is closed at market.",
    )
    holdings: Literal["adopt", "ignore"] = Field(
        default="adopt", description="The same about spot holdings of which the exchange has less."
    )


class ParentsSection(Section):
    """Parent orders: maker, twap, vwap, chase, iceberg, scale, bracket, oco…"""

    restart: Literal["wait", "resume", "cancel"] = Field(
        default="wait",
        description="What they do when the engine comes up again: wait for a person, go on, or cancel their orders.",
    )
    children_per_s: int = Field(
        default=5, ge=1, le=100, description="Orders that all of them together may send within a second."
    )
    profile: str = Field(
        default="",
        description="A file with a usual day's volume for VWAP orders, lines of KEY,HH:MM,VOLUME "
        "(binance:BTC/USDT,09:30,125.4); empty = from what the engine has seen.",
    )


class CaptureSection(Section):
    """The ring capture: the newest raw frames, always on, for later replay and for finding out what happened."""

    ring: bool = Field(default=True, description="Keep the ring capture. Off spares an SD card the writes.")
    ring_mb: int = Field(
        default=256, ge=1, le=1_000_000, description="Most disk space of the ring, in MB (10^6 bytes)."
    )


class LogSection(Section):
    """The engine's log: JSON lines on stdout with `--no-ui`, else in a file under ~/.local/state/jackbot/log."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is written."
    )
    max_mb: int = Field(
        default=8, ge=1, le=1000, description="A log file is put aside at this size, in MB (10^6 bytes)."
    )
    keep: int = Field(default=3, ge=0, le=99, description="Older log files kept.")


class ScreenSection(Section):
    """The console. It never changes what the engine does."""

    ascii: Literal["auto", "on", "off"] = Field(
        default="auto", description="Draw with ASCII characters only; auto = where the locale has no UTF-8."
    )
    theme: str = Field(default="", description="Colour theme; empty = chosen by terminal (mono under NO_COLOR).")
    keymap: Literal["default", "dom", "cscalp", "left"] = Field(
        default="default", description="Key map; see docs/KEYS.md."
    )
    keys: dict[str, list[str]] = Field(
        default={}, description="Other keys for single actions, as { flatten = ['F'] }; names are in docs/KEYS.md."
    )
    mouse: Literal["auto", "on", "off"] = Field(
        default="auto", description="Use the mouse; auto = on, except over SSH and inside tmux or screen."
    )
    frame_rate: int = Field(
        default=25, ge=1, le=60, description="Most pictures per second; a slow line gets fewer by itself."
    )
    pace: bool = Field(
        default=True,
        description="Measure the terminal's delay by asking for the cursor position; off for odd terminals.",
    )
    bell: bool = Field(default=False, description="Ring the terminal's bell on a fill.")


class DemoSection(Section):
    """`jackbot demo`: the embedded exchange."""

    venue: Venue = Field(default="binance", description="Exchange that is played: its protocol and its rules.")
    symbols: Symbols = Field(
        default=[],
        max_length=32,
        description="Instruments of the embedded exchange that are followed; empty = the venue's usual four.",
    )
    volatility: float = Field(
        default=1.0, gt=0, le=100, description="Price movement; 1 = a normal day, 3 = a wild one."
    )
    rate: float = Field(default=1.0, gt=0, le=1000, description="Order flow; 1 = some tens of book updates per second.")
    fault: str = Field(default="", description="Faults of the exchange, as drop=0.01,gap@30s; see docs/FIRST_STEPS.md.")


class EndpointSection(Section):
    """Addresses of one exchange, for a proxy or a simulator; empty = the exchange's own."""

    @field_validator("*", mode="after")
    @classmethod
    def _address(cls, value: str, info: ValidationInfo) -> str:
        schemes = ("http://", "https://") if (info.field_name or "").endswith("rest") else ("ws://", "wss://")
        if value and not (value.startswith(schemes) and value.partition("://")[2].strip("/")):
            raise ValueError(f"must start with {' or '.join(schemes)} and name a host")
        return value


def _endpoint_section(venue: str) -> type[EndpointSection]:
    """One text per endpoint of the venue's spec: ``spot_public``, ``linear_rest`` …"""
    fields: dict[str, Any] = {}
    spec = load_spec(venue)
    for market in spec.markets.values():
        for role in (*market.ws_urls, "rest"):
            what = "REST (http:// or https://)" if role == "rest" else f"WebSocket, {role} (ws:// or wss://)"
            words = f"{what} of {spec.title} {market.kind.value}."
            fields[f"{market.kind.value}_{role}"] = (str, Field(default="", description=words))
    made: type[EndpointSection] = create_model(
        f"{venue.title()}Section", __base__=EndpointSection, __doc__=f"Addresses of {spec.title}.", **fields
    )
    return made


_SECTIONS: dict[str, Any] = {venue: (made := _endpoint_section(venue), made()) for venue in VENUES}
VenuesSection = create_model("VenuesSection", __base__=Section, __doc__="Per exchange.", **_SECTIONS)


class Settings(BaseSettings):
    """Everything that can be set. Built by ``settings.load`` from layers that were already read."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        validate_default=False,
    )

    session: SessionSection = SessionSection()
    risk: RiskSection = RiskSection()
    paper: PaperSection = PaperSection()
    live: LiveSection = LiveSection()
    parents: ParentsSection = ParentsSection()
    capture: CaptureSection = CaptureSection()
    log: LogSection = LogSection()
    screen: ScreenSection = ScreenSection()
    demo: DemoSection = DemoSection()
    venues: VenuesSection = VenuesSection()  # type: ignore[valid-type]  # made from the venues' specs

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the loader hands in: it merges the layers itself, because each value must keep its origin."""
        return (init_settings,)

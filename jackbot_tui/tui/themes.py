"""Themes: a dozen colour roles each, and what every ink looks like in them.

A theme changes colours only; every state also has a letter or a sign, so ``mono`` loses nothing. The two themes on
named colours (``ansi``, ``mono``) write no RGB codes: they are for 16-colour consoles, ``NO_COLOR`` and slow links.
"""

from functools import lru_cache

from msgspec import Struct
from rich.style import Style
from textual.theme import Theme

from jackbot_tui.model.errors import ConfigError
from jackbot_tui.tui.view.ink import Ink

DEFAULT = "dark"
ANSI = "ansi"
MONO = "mono"


class Palette(Struct, frozen=True, kw_only=True):
    """The roles of a theme. Colours are hex, or Rich's names for a theme with ``ansi``; "" is the terminal's own."""

    name: str
    background: str
    text: str
    muted: str
    frame: str
    accent: str
    bid: str
    bid_bar: str
    ask: str
    ask_bar: str
    profit: str
    loss: str
    warning: str
    alert: str
    own: str
    panel: str
    dark: bool = True
    ansi: bool = False
    bars: bool = True


PALETTES: dict[str, Palette] = {
    palette.name: palette
    for palette in (
        Palette(
            name="dark",
            background="#0d1117",
            text="#c9d1d9",
            muted="#6e7b8a",
            frame="#2f3b4a",
            accent="#79c0ff",
            bid="#56c288",
            bid_bar="#123527",
            ask="#f07178",
            ask_bar="#3d1a22",
            profit="#56d364",
            loss="#ff7b72",
            warning="#e3b341",
            alert="#ff4d4d",
            own="#d2a8ff",
            panel="#1b2430",
        ),
        Palette(
            name="light",
            background="#fbfbf8",
            text="#24292f",
            muted="#7a828c",
            frame="#c9ced6",
            accent="#0550ae",
            bid="#116329",
            bid_bar="#d5efdc",
            ask="#a40e26",
            ask_bar="#fbdfe1",
            profit="#116329",
            loss="#b3261e",
            warning="#8a5a00",
            alert="#c40000",
            own="#6f3bbd",
            panel="#e9ecf1",
            dark=False,
        ),
        Palette(
            name="cvd",
            background="#0d1117",
            text="#d0d5db",
            muted="#74808d",
            frame="#2f3b4a",
            accent="#e8e8e8",
            bid="#5aa9f0",
            bid_bar="#12304d",
            ask="#f0a33c",
            ask_bar="#46300f",
            profit="#5aa9f0",
            loss="#f0a33c",
            warning="#f0e442",
            alert="#ff8c42",
            own="#d79bd0",
            panel="#1b2430",
        ),
        Palette(
            name="east",
            background="#0d1117",
            text="#c9d1d9",
            muted="#6e7b8a",
            frame="#2f3b4a",
            accent="#79c0ff",
            bid="#f07178",
            bid_bar="#3d1a22",
            ask="#56c288",
            ask_bar="#123527",
            profit="#ff7b72",
            loss="#56d364",
            warning="#e3b341",
            alert="#ff4d4d",
            own="#d2a8ff",
            panel="#1b2430",
        ),
        Palette(
            name=ANSI,
            background="",
            text="",
            muted="",
            frame="blue",
            accent="cyan",
            bid="green",
            bid_bar="",
            ask="red",
            ask_bar="",
            profit="green",
            loss="red",
            warning="yellow",
            alert="red",
            own="magenta",
            panel="blue",
            ansi=True,
            bars=False,
        ),
        Palette(
            name=MONO,
            background="",
            text="",
            muted="",
            frame="",
            accent="",
            bid="",
            bid_bar="",
            ask="",
            ask_bar="",
            profit="",
            loss="",
            warning="",
            alert="",
            own="",
            panel="",
            ansi=True,
            bars=False,
        ),
    )
}


def palette_named(name: str) -> Palette:
    """The palette; ConfigError naming those there are."""
    try:
        return PALETTES[name]
    except KeyError:
        raise ConfigError(f"no theme {name[:40]!r}: there are {', '.join(PALETTES)}") from None


def textual_name(name: str) -> str:
    """Name under which a theme is registered with Textual."""
    return f"jackbot-{name}"


def textual_theme(palette: Palette) -> Theme:
    """The theme for Textual's own widgets (text fields, palette)."""

    def colour(value: str, otherwise: str) -> str:
        if palette.ansi:
            return f"ansi_{value}" if value else "ansi_default"
        return value or otherwise

    variables = {
        "input-cursor-text-style": "reverse",
        "block-cursor-text-style": "reverse",
    }
    if palette.ansi:
        variables |= {"ansi-background": "ansi_black", "ansi-foreground": "ansi_white"}
    return Theme(
        name=textual_name(palette.name),
        primary=colour(palette.accent, "#79c0ff"),
        secondary=colour(palette.frame, "#2f3b4a"),
        warning=colour(palette.warning, "#e3b341"),
        error=colour(palette.alert, "#ff4d4d"),
        success=colour(palette.profit, "#56d364"),
        accent=colour(palette.accent, "#79c0ff"),
        foreground=colour(palette.text, "#c9d1d9"),
        background=colour(palette.background, "#0d1117"),
        surface=colour("" if palette.ansi else palette.panel, "#1b2430"),
        panel=colour("" if palette.ansi else palette.panel, "#1b2430"),
        dark=palette.dark,
        ansi=palette.ansi,
        variables=variables,
    )


@lru_cache(maxsize=16)
def ink_styles(palette: Palette) -> dict[Ink, Style]:
    """A Rich style for every ink."""
    ground = palette.background or None

    def style(colour: str = "", back: str = "", bold: bool = False, dim: bool = False, reverse: bool = False) -> Style:
        return Style(color=colour or None, bgcolor=back or ground, bold=bold, dim=dim, reverse=reverse)

    faint = palette.ansi  # named colours have no grey that every console shows: dim instead
    solid = palette.name != MONO

    def badge(colour: str, letters: str = "") -> Style:
        if palette.ansi:
            return Style(color=colour or None, bold=True, reverse=True)
        return Style(color=letters or palette.background, bgcolor=colour, bold=True)

    text, muted = palette.text, palette.muted
    return {
        Ink.TEXT: style(text),
        Ink.DIM: style(muted, dim=faint),
        Ink.STRONG: style(text, bold=True),
        Ink.TITLE: style(palette.accent, bold=True),
        Ink.FRAME: style(palette.frame, dim=not solid),
        Ink.KEY: style(palette.accent, bold=True),
        Ink.BID: style(palette.bid),
        Ink.BID_FLASH: style(palette.bid, bold=True),
        Ink.BID_BAR: style(palette.bid, palette.bid_bar),
        Ink.BID_BAR_FLASH: style(palette.bid, palette.bid_bar, bold=True),
        Ink.ASK: style(palette.ask),
        Ink.ASK_FLASH: style(palette.ask, bold=True),
        Ink.ASK_BAR: style(palette.ask, palette.ask_bar),
        Ink.ASK_BAR_FLASH: style(palette.ask, palette.ask_bar, bold=True),
        Ink.PRICE: style(text),
        Ink.INSIDE: style(muted, dim=faint),
        Ink.LAST_UP: style(palette.bid, bold=True),
        Ink.LAST_DOWN: style(palette.ask, bold=True),
        Ink.CURSOR: badge(palette.accent),
        Ink.OWN_BUY: style(palette.own, bold=True),
        Ink.OWN_SELL: style(palette.own, bold=True),
        Ink.OWN_PARENT: style(palette.accent, bold=True),
        Ink.OWN_KEPT: style(palette.warning),
        Ink.FLASH: style(text, reverse=True, bold=True),
        Ink.LARGE: style(palette.warning, bold=True),
        Ink.BUY: style(palette.bid),
        Ink.SELL: style(palette.ask),
        Ink.PROFIT: style(palette.profit),
        Ink.LOSS: style(palette.loss),
        Ink.GOOD: style(palette.profit),
        Ink.WARN: style(palette.warning, bold=faint),
        Ink.BAD: style(palette.alert, bold=True),
        Ink.STALE: style(muted, dim=True),
        Ink.SELECTED: badge(palette.accent) if palette.ansi else style(text, palette.panel, bold=True),
        Ink.ASK_FOR: badge(palette.warning),
        Ink.BADGE_PAPER: badge(palette.accent),
        Ink.BADGE_SIM: badge(palette.own),
        Ink.BADGE_REPLAY: badge(palette.warning),
        Ink.BADGE_LIVE: badge(palette.alert, "#ffffff"),
        Ink.BADGE_ARMED: badge(palette.warning),
        Ink.BADGE_KILLED: badge(palette.alert, "#ffffff"),
        Ink.BANNER: badge(palette.alert, "#ffffff"),
    }


FRAMES = {"paper": "frame", "sim": "own", "replay": "warning", "live": "alert"}


def frame_style(palette: Palette, mode: str) -> Style:
    """The colour of every rule on the screen: the mode again, so that it cannot be overlooked."""
    colour: str = getattr(palette, FRAMES.get(mode, "alert"))
    loud = mode == "live"
    return Style(color=colour or None, bgcolor=palette.background or None, bold=loud, dim=not loud and mode != "paper")

"""What a screen may be told at its start. Light: the command line builds it before Textual is loaded."""

import locale
import os

from msgspec import Struct

from jackbot_tui.model.errors import ConfigError

FRAME_RATES = (1, 60)


class ScreenOptions(Struct, frozen=True, kw_only=True):
    """``theme`` "" chooses by terminal (``mono`` under NO_COLOR, ``ansi`` on 16 colours, else ``dark``).

    ``keymap`` is a shipped name; ``keys`` gives actions other keys. ``ascii`` None: plain ASCII where the locale has no
    UTF-8. ``mouse`` None: on, except over SSH and in tmux or screen. ``frame_rate`` is frames per second at most.
    ``pace``: measure the terminal by asking it for the cursor position. ``bell`` rings on a fill. ``leaving`` is what
    the engine does when this screen goes, in words, for the question before leaving.
    """

    theme: str = ""
    keymap: str = "default"
    keys: dict[str, list[str]] = {}
    ascii: bool | None = None
    mouse: bool | None = None
    frame_rate: int = 25
    pace: bool = True
    bell: bool = False
    name: str = "screen"
    leaving: str = "the engine goes on: jackbot attach comes back"

    def __post_init__(self) -> None:
        low, high = FRAME_RATES
        if not low <= self.frame_rate <= high:
            raise ConfigError(f"frame rate {self.frame_rate} is not between {low} and {high} frames per second")


def wants_ascii(options: ScreenOptions) -> bool:
    """Whether the screen keeps to ASCII."""
    if options.ascii is not None:
        return options.ascii
    return "utf" not in locale.getpreferredencoding(False).lower()


def wants_mouse(options: ScreenOptions) -> bool:
    """Whether mouse reports are switched on: over a link every move of the mouse costs bytes."""
    if options.mouse is not None:
        return options.mouse
    far = any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY"))
    return not far


def wanted_theme(options: ScreenOptions) -> str:
    """Theme to start with."""
    if "NO_COLOR" in os.environ:
        return "mono"
    if options.theme:
        return options.theme
    term = os.environ.get("TERM", "")
    few = term in ("linux", "screen", "vt100", "ansi") or os.environ.get("TEXTUAL_COLOR_SYSTEM") == "standard"
    rich = os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or "256" in term
    return "ansi" if few and not rich else "dark"

"""The filter for terminals without unicode: everything that leaves the screen becomes plain ASCII of the same width."""

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

PLAIN = str.maketrans(
    {
        "─": "-",
        "━": "-",
        "│": "|",
        "┃": "|",
        "├": "+",
        "┤": "+",
        "┌": "+",
        "┐": "+",
        "└": "+",
        "┘": "+",
        "┼": "+",
        "█": "#",
        "▓": "#",
        "▒": "=",
        "░": ".",
        "▀": "'",
        "▄": ".",
        "▌": "|",
        "▐": "|",
        "·": ".",
        "…": ".",
        "↑": "^",
        "↓": "v",
        "→": ">",
        "←": "<",
        "•": "*",
        "≈": "~",
        "×": "x",
        "–": "-",
        "—": "-",
    }
)


@lru_cache(maxsize=4096)
def to_ascii(text: str) -> str:
    """``text`` with look-alikes for the drawing characters and ``?`` for the rest, in the same number of columns."""
    if text.isascii():
        return text
    drawn = text.translate(PLAIN)
    if drawn.isascii():
        return drawn
    return "".join(letter if letter.isascii() else "?" * cell_len(letter) for letter in drawn)


class AsciiFilter(LineFilter):
    """Applied to every line of every widget, Textual's own included; the result is kept per line by Textual."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.control or segment.text.isascii() else Segment(to_ascii(segment.text), segment.style)
            for segment in segments
        ]

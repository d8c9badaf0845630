"""Help texts and docs/COMMANDS.md, both printed from the grammar tables, so that they cannot say anything else."""

from collections.abc import Iterable

from jackbot_tui.desk.language.grammar import (
    BY_WORD,
    FLAGS,
    LATER_FLAGS,
    OFFSET_UNITS,
    OPTIONS,
    REFERENCES,
    SIZES,
    VERBS,
    Availability,
    Verb,
)
from jackbot_tui.desk.language.lexer import MAX_LINE, MAX_STATEMENTS

GROUPS = tuple(dict.fromkeys(verb.group for verb in VERBS))


def unavailable_text(verb: str) -> str:
    """The one line that answers a word of the language that this version does not carry out."""
    return f"{verb} is not available yet: it comes with {BY_WORD[verb].later}; nothing was done"


def help_lines(topic: str = "") -> list[str]:
    """Help for a verb, for ``sizes``, ``prices`` or ``flags``, or the list of verbs."""
    if topic in BY_WORD:
        return _verb_help(BY_WORD[topic])
    if topic == "sizes":
        return _aligned(SIZES.items())
    if topic == "prices":
        return _aligned(_price_rows())
    if topic == "flags":
        return _aligned(FLAGS.items())
    lines = []
    for group in GROUPS:
        names = ", ".join(verb.name for verb in VERBS if verb.group == group)
        lines.append(f"{group:<21}{names}")
    return [*lines, "help VERB, help sizes, help prices, help flags tell more; ; separates commands"]


def _verb_help(verb: Verb) -> list[str]:
    short = f"  (short: {', '.join(verb.short)})" if verb.short else ""
    lines = [f"{verb.usage}{short}", f"  {verb.meaning}", f"  e.g. {verb.example}"]
    if verb.availability is Availability.LATER:
        lines.append(f"  {unavailable_text(verb.name)}")
    return lines


def _price_rows() -> list[tuple[str, str]]:
    offsets = ", ".join(f"NUM{unit.value} ({meaning})" for unit, meaning in OFFSET_UNITS.items())
    return [
        ("NUM", "that price: 61000.5"),
        *((ref.value, meaning) for ref, meaning in REFERENCES.items()),
        ("REF+OFFSET", f"bid+1t, mid-0.1%, entry+10bp; offsets: {offsets}"),
        ("+OFFSET", "from the near touch: best bid for a buy, best ask for a sell"),
    ]


def _aligned(rows: Iterable[tuple[str, str]]) -> list[str]:
    listed = list(rows)
    width = max(len(name) for name, _ in listed) + 2
    return [f"{name:<{width}}{meaning}" for name, meaning in listed]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return [line(head), "|" + "---|" * len(head), *(line(row) for row in rows), ""]


def _code(text: str) -> str:
    return f"`{text}`"


def commands_page() -> str:
    """docs/COMMANDS.md."""
    out = [
        "# The command language",
        "",
        "Generated from the grammar tables by `jackbot_tui.desk.reference`; do not edit by hand.",
        "",
        "One language for the command bar (`:`), `jackbot ctl`, key bindings and the journal. Words and short forms",
        "are stable and case does not matter. `;` separates commands: a line is read whole before any of it runs, and",
        "a line with an error in it does nothing at all. Text with `;` in it goes between double quotes.",
        f"A line has at most {MAX_LINE} characters and {MAX_STATEMENTS} commands.",
        "",
    ]
    for group in GROUPS:
        verbs = [verb for verb in VERBS if verb.group == group]
        out += [f"## {group.capitalize()}", ""]
        if verbs[0].availability is Availability.SCREEN:
            out += ["Carried out by the screen itself; the engine only says so.", ""]
        if verbs[0].availability is Availability.LATER:
            out += ["Known words that are answered with one line and never carried out.", ""]
            rows = [(_code(v.usage), " ".join(v.short), v.meaning, v.later) for v in verbs]
            out += _table(("Command", "Short", "Meaning", "Comes with"), rows)
        else:
            rows = [(_code(v.usage), " ".join(v.short), v.meaning, _code(v.example)) for v in verbs]
            out += _table(("Command", "Short", "Meaning", "Example"), rows)
    out += ["## Sizes", "", *_table(("SIZE", "Meaning"), ((_code(name), text) for name, text in SIZES.items()))]
    out += [
        "Sizes said in quote currency, percent, `$pos` or `half` become base units, rounded down to the lot; a size",
        " in base units that is not a multiple of the lot is refused.",
        "",
    ]
    out += ["## Prices", "", *_table(("PRICE", "Meaning"), ((_code(name), text) for name, text in _price_rows()))]
    out += [
        "A price said as a reference is rounded to the tick away from the market (buys down, sells up); a number that",
        "is not a multiple of the tick is refused with the two nearest ones.",
        "",
    ]
    out += ["## Flags", "", *_table(("Flag", "Meaning"), ((_code(name), text) for name, text in FLAGS.items()))]
    later = ", ".join(f"`{name}` ({what})" for name, what in LATER_FLAGS.items())
    out += [f"Not available yet: {later}.", "", "## Options", ""]
    rows = [(_code(o.name), str(o.default), f"{o.low}..{o.high} {o.unit}", o.meaning) for o in OPTIONS.values()]
    out += _table(("Option of `set`", "Usual", "Range", "Meaning"), rows)
    return "\n".join(out).rstrip() + "\n"

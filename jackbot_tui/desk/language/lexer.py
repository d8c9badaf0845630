"""Cuts a line into statements and words with their columns. Linear in the length of the line, no regular expressions.

Words are separated by blanks; ``@`` is a word of its own wherever it stands; ``"…"`` at the start of a word quotes
blanks, ``;`` and ``@`` (``\\"`` and ``\\\\`` inside). ``;`` ends a statement.
"""

from msgspec import Struct

from jackbot_tui.desk.language.errors import SyntaxProblem

MAX_LINE = 2_000
MAX_STATEMENTS = 20


class Token(Struct, frozen=True):
    """``text`` without quotes; ``start`` and ``end`` are columns of the line including quotes."""

    text: str
    start: int
    end: int
    quoted: bool = False


class Statement(Struct, frozen=True):
    """Words up to a ``;``. ``end`` is the column after the last character that belongs to the statement."""

    tokens: tuple[Token, ...]
    start: int
    end: int


def _quoted(line: str, start: int) -> Token:
    text: list[str] = []
    at = start + 1
    while at < len(line):
        char = line[at]
        if char == "\\" and at + 1 < len(line) and line[at + 1] in '"\\':
            text.append(line[at + 1])
            at += 2
            continue
        if char == '"':
            return Token("".join(text), start, at + 1, True)
        text.append(char)
        at += 1
    raise SyntaxProblem('the quote is not closed: add " at the end of the text', start, 'journal note "faded the open"')


def _check_characters(line: str) -> None:
    if len(line) > MAX_LINE:
        raise SyntaxProblem(f"the line has {len(line)} characters, {MAX_LINE} is the most: split it", MAX_LINE)
    for column, char in enumerate(line):
        if char != "\t" and not char.isprintable():
            raise SyntaxProblem(f"character U+{ord(char):04X} cannot be part of a command: retype this place", column)


def split(line: str) -> list[Statement]:
    """Statements of ``line`` without the empty ones; SyntaxProblem: odd characters, open quotes, overlong lines."""
    _check_characters(line)
    statements: list[Statement] = []
    tokens: list[Token] = []
    start = at = 0

    def finish(end: int) -> None:
        if tokens:
            if len(statements) == MAX_STATEMENTS:
                raise SyntaxProblem(f"more than {MAX_STATEMENTS} commands in one line: split it", tokens[0].start)
            statements.append(Statement(tuple(tokens), start, end))
            tokens.clear()

    while at < len(line):
        char = line[at]
        if char in " \t":
            at += 1
        elif char == ";":
            finish(at)
            at += 1
            start = at
        elif char == "@":
            tokens.append(Token("@", at, at + 1))
            at += 1
        elif char == '"':
            token = _quoted(line, at)
            tokens.append(token)
            at = token.end
        else:
            end = at
            while end < len(line) and line[end] not in " \t;@":
                end += 1
            tokens.append(Token(line[at:end], at, end))
            at = end
    finish(len(line))
    return statements

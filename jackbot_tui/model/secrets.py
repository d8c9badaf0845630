"""The secrets that this process holds, and how they are taken out of a text that somebody may read.

Whoever comes to hold a secret says so once with ``hold``; whatever writes texts to a file or a terminal passes them
through ``conceal``. A secret is found in every form in which it turns up in practice: as it is, escaped as in JSON,
percent-encoded as in an address, in Base64 as in a header, without its ``0x``, and line by line when it is a PEM text.
"""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "***"

SHORTEST = 6
"""Shorter texts are not replaced: they would turn up in any sentence."""

SHORTEST_LINE = 16
"""Shorter lines of a PEM text are left: the last one may be a few characters."""


def forms_of(secret: str) -> set[str]:
    """The texts in which ``secret`` may turn up; none for one that is too short."""
    plain = secret.strip()
    if len(plain) < SHORTEST:
        return set()
    forms = {secret, plain, json.dumps(plain)[1:-1], quote(plain, safe=""), quote(plain)}
    forms |= {base64.b64encode(each.encode()).decode().rstrip("=") for each in (secret, plain)}
    if plain.startswith("0x") and len(plain) - 2 >= SHORTEST:
        forms |= {plain[2:], plain.lower(), plain[2:].lower()}
    lines = [line.strip() for line in plain.splitlines()]
    if len(lines) > 1:
        inner = [line for line in lines if line and not line.startswith("-----")]
        forms |= {line for line in inner if len(line) >= SHORTEST_LINE} | {"".join(inner)}
    return {form for form in forms if len(form) >= SHORTEST}


class Concealer:
    """Replaces every form of some secrets by ``***``. A secret of digits alone is found as a whole number only."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in forms_of(secret)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        words = [rf"(?<!\d){form}(?!\d)" if form.isdigit() else re.escape(form) for form in longest_first]
        self._pattern = re.compile("|".join(words)) if words else None

    def __call__(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)


_held: set[str] = set()
_concealer = Concealer()


def hold(secrets: Iterable[str]) -> None:
    """From now on ``conceal`` takes these out. A process forgets them only with its end."""
    global _concealer
    new = {secret for secret in secrets if secret} - _held
    if new:
        _held.update(new)
        _concealer = Concealer(_held)


def conceal(text: str) -> str:
    """``text`` without the secrets that this process holds."""
    return _concealer(text)

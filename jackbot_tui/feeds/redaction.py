"""Takes secrets out of text that is about to be written to a capture file.

Used by the recorders of ``capture`` and for addresses shown to people. Replaces values, never removes fields, and
leaves every other byte as it came, so that a redacted recording still decodes. Never touches market data.
"""

import re

TOKEN = "TOKEN"
"""What stands in a recording where a secret was."""

# Names under which the eleven venues send keys, signatures and session tokens.
_CERTAIN = r"(?:[a-z]+_?)?token|listen_?key|(?:api|access|private)[_-]?key|(?:[a-z]+_?)?secret|passphrase|password|jwt"
_IN_REQUESTS = rf"{_CERTAIN}|key|sign|signature|sig|auth|authorization"

_USER_INFO = re.compile(r"(?<=://)[^/?#@]+@")
_QUERY = re.compile(rf"((?:^|[?&])(?:{_IN_REQUESTS})=)[^&#\s]*", re.IGNORECASE)
_KEY_SEGMENT = re.compile(r"(?<=/)(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{40,}(?=[/?#]|$)")
_REQUEST_FIELD = re.compile(rf'("(?:{_IN_REQUESTS})"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)
_REPLY_FIELD = re.compile(rf'("(?:{_CERTAIN})"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)
_LOGIN_LIST = re.compile(r'("op"\s*:\s*"(?:auth|login)".*?"args"\s*:\s*)\[[^\]]*\]', re.IGNORECASE | re.DOTALL)
_LISTEN_KEY = re.compile(r'("listenKey"\s*:\s*)"(?:[^"\\]|\\.)*"')


def redact_url(url: str) -> str:
    """``url`` with user info, token-like query values and key-like path segments replaced by ``TOKEN``.

    A path segment counts as a key when it is 40 or more letters and digits of both sorts (Binance's listen key is one).
    """
    if "@" in url:
        url = _USER_INFO.sub(f"{TOKEN}@", url)
    if "=" in url:
        url = _QUERY.sub(rf"\g<1>{TOKEN}", url)
    return _KEY_SEGMENT.sub(TOKEN, url)


def redact_request(raw: str) -> str:
    """A frame or body we sent: JSON fields, the list of a login (``{"op":"auth","args":[…]}``) and form bodies."""
    if raw[:1] in ("{", "["):
        return _REQUEST_FIELD.sub(rf'\g<1>"{TOKEN}"', _LOGIN_LIST.sub(rf'\g<1>["{TOKEN}"]', raw))
    return _QUERY.sub(rf"\g<1>{TOKEN}", raw)


def redact_reply(raw: str) -> str:
    """An HTTP reply: session tokens, listen keys and keys in JSON fields."""
    return _REPLY_FIELD.sub(rf'\g<1>"{TOKEN}"', raw)


def redact_frame(raw: str) -> str:
    """A received frame; only a listen key is a secret there, and looking for one costs next to nothing."""
    return _LISTEN_KEY.sub(rf'\g<1>"{TOKEN}"', raw) if '"listenKey"' in raw else raw

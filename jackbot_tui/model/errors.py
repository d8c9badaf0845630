"""The root of every exception Jackbot raises on purpose.

A message says what is wrong, where, and what to do about it, in one line fit to be shown to a trader.
"""


class JackbotError(Exception):
    """Base of all errors raised by this package."""


class InputError(JackbotError):
    """Something given by a person, a file or a peer is malformed; nothing was changed."""


class ConfigError(InputError):
    """A setting is unknown or out of range; names file, key, value and the nearest valid one."""


class CaptureError(InputError):
    """A capture file cannot be read; names file and line."""


class WireError(JackbotError):
    """A frame or reply from a venue does not have the documented shape."""


class IllegalTransition(JackbotError):
    """An order was asked to move between two states that the state machine does not connect."""


class JournalError(JackbotError):
    """The journal cannot be opened, written or understood."""


class LinkError(JackbotError):
    """The engine cannot be reached over its socket, or answered with something unreadable."""

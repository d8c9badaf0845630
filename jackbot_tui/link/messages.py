"""Messages of the link. Wire format: 4-byte big-endian length, then msgpack of one message; at most 4 MiB each."""

from msgspec import Struct

from jackbot_tui.desk.views import Context, Notice, Reply, Role, ScreenView, ViewRequest

PROTOCOL = 1
MAX_MESSAGE = 4 * 1024 * 1024
MAX_REQUEST = 64 * 1024
"""Largest message a client may send."""


class Hello(Struct, frozen=True, tag="hello"):
    """First message of a client. Screens and watchers get notices.

    A client that comes back says which engine process it knew (``instance``) and the last notice it has, and is sent
    what it missed as far as the engine still holds it; ``notices_after`` -1 asks for new ones only.
    """

    protocol: int
    role: Role
    name: str = ""
    instance: str = ""
    notices_after: int = -1


class Welcome(Struct, frozen=True, tag="welcome"):
    """``instance`` names this engine process; notices after ``notice_seq`` follow."""

    protocol: int
    client_id: int
    mode: str
    version: str
    instance: str
    notice_seq: int


class Pull(Struct, frozen=True, tag="pull"):
    request_id: int
    view: ViewRequest


class Picture(Struct, frozen=True, tag="picture"):
    request_id: int
    view: ScreenView


class Execute(Struct, frozen=True, tag="execute"):
    """A line of the command language. ``confirmed`` = the person has seen the preview and pressed Enter."""

    request_id: int
    line: str
    context: Context
    confirmed: bool = False


class Preview(Struct, frozen=True, tag="preview"):
    """Ask what ``line`` would do. Changes nothing; answered by an ``Answer``."""

    request_id: int
    line: str
    context: Context


class Answer(Struct, frozen=True, tag="answer"):
    request_id: int
    reply: Reply


class Kill(Struct, frozen=True, tag="kill"):
    """Kill switch, on a socket of its own so that no queue can delay it."""

    request_id: int
    flatten: bool = False


class Noticed(Struct, frozen=True, tag="notice"):
    notice: Notice


class Heartbeat(Struct, frozen=True, tag="heartbeat"):
    """Client says that its screen lives; ``glass_age_ms`` is the terminal's queueing delay."""

    glass_age_ms: float = -1.0


class Goodbye(Struct, frozen=True, tag="goodbye"):
    """The engine is going away, or refuses this client; ``reason`` in words."""

    reason: str


ClientMessage = Hello | Pull | Execute | Preview | Kill | Heartbeat
ServerMessage = Welcome | Picture | Answer | Noticed | Goodbye

"""Bytes of the link: a 4-byte big-endian length, then one message in msgpack. No sockets here."""

import msgspec

from jackbot_tui.link.messages import MAX_MESSAGE, ClientMessage, ServerMessage
from jackbot_tui.model.errors import LinkError

HEADER = 4
_encoder = msgspec.msgpack.Encoder()
_to_server = msgspec.msgpack.Decoder(ClientMessage)
_to_client = msgspec.msgpack.Decoder(ServerMessage)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def frame(message: ClientMessage | ServerMessage) -> bytes:
    """The message as it goes over the socket; LinkError when it is larger than the protocol allows."""
    body = _encoder.encode(message)
    if len(body) > MAX_MESSAGE:
        raise LinkError(
            f"{type(message).__name__} of {len(body)} bytes is larger than {MAX_MESSAGE}: ask for fewer levels"
        )
    return len(body).to_bytes(HEADER, "big") + body


def body_length(header: bytes, limit: int) -> int:
    """Length announced by a header; LinkError above ``limit`` or for an empty message."""
    length = int.from_bytes(header, "big")
    if not 0 < length <= limit:
        raise LinkError(f"a message of {length} bytes was announced, 1 to {limit} are allowed")
    return length


def read_request(body: bytes) -> ClientMessage:
    """What a client sent; LinkError when it is none of our messages."""
    try:
        message: ClientMessage = _to_server.decode(body)
    except _UNREADABLE as error:
        raise LinkError(f"unreadable message: {error}") from None
    return message


def read_reply(body: bytes) -> ServerMessage:
    """What an engine sent; LinkError when it is none of our messages."""
    try:
        message: ServerMessage = _to_client.decode(body)
    except _UNREADABLE as error:
        raise LinkError(f"unreadable message: {error}") from None
    return message

"""The connection layer: WebSocket sessions, REST, rate limits, captures of what went over the wire.

The engine builds these objects and owns their tasks. No exchange is named here: what differs per venue comes in as a
spec, a codec or plain data. Importing this package loads no network stack.
"""

"""What a person can set, and where files live.

``places`` (directories, sockets) and ``redaction`` are light and may be imported by any client; ``model`` and ``load``
bring in pydantic and belong to commands that start an engine or show the configuration. Rooms below get plain values.
"""

"""What a person may say to the engine and what a screen may see of it.

The command language (one grammar, one parser, one set of errors), ``Desk.execute`` and immutable view models. No
rendering, no sockets. ``views`` and ``language`` are pure and may be imported by a client process.
"""

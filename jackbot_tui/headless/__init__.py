"""Engines without a screen: the engine process, its log, its supervision, and the light clients ``ctl`` and ``watch``.

Only the command line imports from here. Nothing in this room imports textual or rich; a screen is started by the
command line.
"""

"""Jackbot: a terminal trading console for crypto exchanges.

Importing this package loads nothing but the version; every room is imported where it is used.
"""

__version__ = "0.1.0"

"""The journal: an append-only log of everything the engine learned, and the tables that follow from it.

The engine writes through ``base.Journal`` (``store`` on disk, ``memory`` for replay); people and screens read through
``report``. Nothing here takes a trading decision, and nothing in the log is ever changed or deleted.
"""

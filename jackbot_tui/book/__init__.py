"""The order book of one instrument: levels, the sequencer that guards them, the tape, and figures read off a book.

Synchronous and sans-I/O; venues are known only by the name of a sequence rule, never by their own name.
"""

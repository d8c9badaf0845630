"""The vocabulary of the house: plain immutable values and the rules of numbers.

Every room may import from here; this room imports from no other. No I/O, no asyncio, no settings.
"""

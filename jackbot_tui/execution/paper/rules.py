"""Refusals of the paper venue's own; everything else it says is the venue's (``venues.refusals``)."""

from jackbot_tui.venues.refusals import Answer

BOOK_NOT_LIVE = Answer("paper", "the order book is not in sync: paper fills only from a book it believes, try again")
"""A real venue would have taken the order, but here nothing could fill it honestly."""

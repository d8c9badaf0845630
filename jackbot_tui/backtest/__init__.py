"""Recorded markets against our own orders: the replay kernel and the venue's side of a session on the venue's clock."""

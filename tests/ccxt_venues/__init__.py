"""One module per venue: how unmodified ccxt is pointed at its gateway, and what ccxt cannot do there, with the reason.

``client(sim)`` gives a ccxt.pro client of which only URLs and options are set. ``WITHOUT`` maps ``"book:spot"``,
``"trades:linear"`` … to the reason why ccxt has no such stream, or cannot keep it.
"""

"""ccxt with keys, one module per venue with a private side; ``conformance/test_private_ccxt.py`` judges them.

A module has ``client(sim, key)``: unmodified ccxt.pro, pointed at the gateway, with that key; and ``WITHOUT``: what
ccxt cannot do there, by ``scenario:kind``, with the reason.
"""

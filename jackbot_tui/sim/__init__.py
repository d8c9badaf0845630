"""The embedded exchange: a real exchange in miniature, on loopback.

A price-time matching engine fed by a seeded order flow, behind gateways that speak the venues' own wire protocols. It
imports only ``model``; the rest of the house reaches it over a socket like any exchange, through
``python -m jackbot_tui.sim`` or, in tests, through ``jackbot_tui.sim.exchange.SimExchange``.
"""

"""The wiring: one session object that owns market data, orders, risk and journal, and the runtime that feeds it.

``core`` is synchronous and sans-I/O; ``runtime`` gives it sockets, timers, a durable journal and a link to clients.
"""

"""Parent orders: one deterministic, sans-I/O state machine per kind (always maker, chase, iceberg, scale, bracket…).

Events go in (market, child orders, time, commands), intents come out; a machine knows no clock, no socket, no engine
and no randomness but its journaled seed. The engine hosts them (``engine.parents``); the desk reads their parameter
tables and their pictures.
"""

"""What becomes of orders: the order state machine, the portfolio, and the executors that fill them (paper for now).

Synchronous objects on floor 4; the engine wires them. Time comes in as an argument and nothing here does I/O.
"""

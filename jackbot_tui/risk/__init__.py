"""The pre-trade risk gate: limits, refusals and the kill switch. Floor 4; synchronous; the engine asks it before
every order.
"""

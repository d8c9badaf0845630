"""The pre-trade risk gate: limits, refusals, the kill switch. Synchronous; the engine asks it before every order."""

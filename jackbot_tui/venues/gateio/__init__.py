"""Gate (Gate.io): spot and USDT settled perpetuals (API v4)."""

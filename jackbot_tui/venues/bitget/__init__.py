"""Bitget: spot and USDT settled perpetuals (API v3)."""

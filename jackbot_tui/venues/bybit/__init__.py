"""Bybit: spot and USDT or USDC settled perpetuals (API v5)."""

"""Hyperliquid: spot and USDC settled perpetuals (HyperCore)."""

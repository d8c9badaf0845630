"""Coinbase Advanced Trade: spot."""

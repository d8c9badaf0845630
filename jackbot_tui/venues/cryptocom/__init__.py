"""Crypto.com Exchange: spot and USD settled perpetuals (API v1)."""

"""Bybit as the embedded exchange plays it."""

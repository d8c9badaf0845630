"""Bitget as the embedded exchange plays it."""

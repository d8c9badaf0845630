"""Crypto.com as the embedded exchange plays it."""

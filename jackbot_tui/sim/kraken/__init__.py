"""The embedded exchange as Kraken: spot (WebSocket v2) and linear perpetuals (Derivatives v1)."""

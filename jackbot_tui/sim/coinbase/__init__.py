"""The embedded exchange as Coinbase Advanced Trade: spot."""

"""The embedded exchange's Hyperliquid: spot and USDC settled perpetuals on one socket."""

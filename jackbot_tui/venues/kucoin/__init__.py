"""KuCoin: spot and USDT or USDC settled perpetuals (classic API)."""

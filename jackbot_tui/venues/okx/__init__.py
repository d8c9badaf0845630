"""OKX: spot and USDT/USDC perpetual swaps."""

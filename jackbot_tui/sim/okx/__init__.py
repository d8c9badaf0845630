"""OKX as the embedded exchange plays it."""

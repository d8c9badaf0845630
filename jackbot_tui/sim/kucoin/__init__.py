"""KuCoin as the embedded exchange plays it."""

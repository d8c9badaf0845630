"""The embedded exchange as Binance: spot and USD-M in Binance's own wire protocol (``gateway`` has the URL map)."""

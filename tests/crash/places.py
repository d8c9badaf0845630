"""What the kill drill trades."""

SYMBOLS = ["BTC/USDT:USDT", "ETH/USDT"]
KEYS = [f"binance:{symbol}" for symbol in SYMBOLS]

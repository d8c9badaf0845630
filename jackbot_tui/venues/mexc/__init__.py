"""MEXC: spot (API v3, protobuf streams) and linear perpetuals (contract API v1)."""

"""The embedded exchange's MEXC: spot with protobuf streams, perpetuals with JSON."""

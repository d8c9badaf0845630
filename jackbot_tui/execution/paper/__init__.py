"""The paper venue: fills orders from real order books without flattering. Sans-I/O and deterministic."""

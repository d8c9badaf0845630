"""Gate as the embedded exchange plays it."""

"""Benchmarks, run by hand: ``python -m bench``. Each module but ``report`` is one; none is a test of a speed."""

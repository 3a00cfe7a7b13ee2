"""The speed benchmark: floors, peers and this package side by side, in rounds; `tests/benchmarks/speed.py` runs it."""

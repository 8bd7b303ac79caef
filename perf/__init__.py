"""Benchmarks of speed against what users would otherwise run: `python -m perf.NAME [--quick] [--json FILE]`."""

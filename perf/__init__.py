"""Speed, each figure against what a user would otherwise run: `python -m perf.NAME [--quick] [--json FILE]`."""

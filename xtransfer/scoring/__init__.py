"""Runs checkpoints on benchmarks and scores their predictions."""

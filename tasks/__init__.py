"""Prefect tasks: a few lines each round one library call."""

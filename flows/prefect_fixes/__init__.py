"""Workarounds for Prefect, each with its upstream issue and when it can go."""

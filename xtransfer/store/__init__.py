"""Artifacts: immutable stage outputs, addressed by key; leases let only one process make each."""

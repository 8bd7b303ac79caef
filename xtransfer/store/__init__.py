"""The artifacts: immutable outputs of stages, addressed by key; leases that let only one process make each."""

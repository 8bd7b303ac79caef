"""Watches for new checkpoints: where they appear, whether they are complete, and one run for each distinct one."""

"""Runs that are killed, suspended, short of disk, or whose clock jumps."""

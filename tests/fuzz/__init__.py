"""Inputs by chance at every door: files, addresses and forms that come from outside."""

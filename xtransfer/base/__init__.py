"""Shared basics: errors, settings, digests, languages, the hub, stages as values."""

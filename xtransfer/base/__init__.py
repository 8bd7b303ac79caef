"""What everything stands on: errors, settings, digests, languages, the hub, stages as values."""

"""A study as a value: encoders, intermediates, targets, cells."""

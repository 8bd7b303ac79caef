"""New checkpoints: where they appear, whether they are whole, which are the same, and what is run for each, once."""

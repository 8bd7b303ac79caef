"""The files of a checkpoint: where they are, whether they are whole, which are the same."""

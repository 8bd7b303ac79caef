"""From pinned sources to rows, and from rows to batches."""

"""Reads pinned sources into rows, and rows into batches."""

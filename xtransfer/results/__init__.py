"""The results database: one row per score, with everything needed to know where it came from.

`open_database()` and the functions of `xtransfer.results.write` are what the flows use; `xtransfer.analysis.results`
reads.
"""

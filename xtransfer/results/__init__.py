"""The results database: one row per score, with everything needed to know where it came from.

`open_results()` reads (data frames and read-only SQL); `open_database()` and the functions of
`xtransfer.results.write` are what the flows use.
"""

from xtransfer.results.database import Database, open_database
from xtransfer.results.read import Results, open_results
from xtransfer.results.write import record_cell, record_failure, record_study

__all__ = [
    "Database",
    "Results",
    "open_database",
    "open_results",
    "record_cell",
    "record_failure",
    "record_study",
]

"""From results to what a person looks at: tables, plots, one page. `write_report` makes them all."""

from xtransfer.report.page import write_report
from xtransfer.report.tables import csv, headline, markdown, rich_tables

__all__ = ["csv", "headline", "markdown", "rich_tables", "write_report"]

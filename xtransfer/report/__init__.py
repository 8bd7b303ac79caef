"""The report of a study: one HTML page, with plots and tables as files beside it."""

from xtransfer.report.page import write_report

__all__ = ["write_report"]

"""The version of this program, which every artifact records."""

__version__ = "0.1.0"

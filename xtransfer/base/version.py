"""The version of this program; every artifact records it."""

__version__ = "0.1.0"

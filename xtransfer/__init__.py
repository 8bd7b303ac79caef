"""xtransfer: does training on an intermediate task first help a target task in other languages?"""

__version__ = "0.1.0"

"""Tests of xtransfer.translation."""

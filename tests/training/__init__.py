"""Tests of xtransfer.training."""

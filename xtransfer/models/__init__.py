"""Encoders with their heads: loading, checkpoints, prediction."""

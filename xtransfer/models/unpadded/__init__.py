"""Encoders without padding: linear layers and norms run on real tokens only, attention within each sequence."""

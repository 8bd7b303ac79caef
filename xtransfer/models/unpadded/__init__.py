"""Encoders without padding: linear layers and norms on the tokens there are, attention within each sequence."""

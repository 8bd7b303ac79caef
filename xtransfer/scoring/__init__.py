"""From checkpoints to predictions, and from predictions to numbers."""

"""Training: recipes, the one loop, checkpoints, pretraining."""

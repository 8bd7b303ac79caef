"""Training: the loop, its recipes, resumable state, and several devices."""

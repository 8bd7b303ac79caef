"""Recipes as values: training, dual encoders, mixtures, pooling, pretraining, translators; and the published ones."""

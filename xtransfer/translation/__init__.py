"""Translation of training data: engines, a translator trained on the spot, translated benchmarks."""

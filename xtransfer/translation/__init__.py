"""Machine translation of benchmarks: engines, translators trained by a study, checks of what they make."""

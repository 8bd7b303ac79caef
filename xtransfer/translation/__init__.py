"""Machine translation of benchmarks: engines, translators trained by a study, and checks of translations."""

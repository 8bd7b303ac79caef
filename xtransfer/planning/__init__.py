"""Turns a study into stages. Computes only; runs nothing."""

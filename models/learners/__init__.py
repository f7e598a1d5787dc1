"""Algorithms: fit, predict, and their files without code."""

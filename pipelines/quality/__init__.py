"""Proof on history: replay, calibration, comparison with what really happened."""

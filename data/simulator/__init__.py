"""Simulated players of a trading academy, with the truth about them kept beside what they did."""

"""Badges earned by rule, with their progress."""

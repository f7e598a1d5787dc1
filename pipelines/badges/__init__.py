"""Badges earned by rule, with their evidence and progress."""

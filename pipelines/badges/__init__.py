"""Badges: earned by rule or given by judgement, who holds them, and how a catalogue does."""

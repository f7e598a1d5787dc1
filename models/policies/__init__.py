"""Ways to choose, compared by what came of them: bandits, arms that repeat, and choices that were never made."""

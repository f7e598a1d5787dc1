"""What a text must be before a player reads it."""

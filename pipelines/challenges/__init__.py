"""What each player is asked to do, and whether they did it."""

"""A first app file and source, guessed from a sample of somebody's own data."""

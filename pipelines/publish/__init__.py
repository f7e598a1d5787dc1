"""A night out: staged, audited, published whole."""

"""Words: briefs, who writes them, what may go out, who reads which text, and the numbers filled in."""

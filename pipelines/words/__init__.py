"""Words: briefs, the offline writer, rendering and validation."""

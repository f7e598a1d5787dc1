"""Experiments: ways of writing or rewarding tried against each other, and what they have shown."""

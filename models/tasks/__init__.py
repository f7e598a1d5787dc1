"""Learned questions, a file each."""

"""Contracts, the warehouse, its SQL, and the player simulator."""

"""A person's data leave: the warehouse, the nights that are out, destinations, and what lies beside them under home."""

"""Proof on history: past nights made again and settled, awards compared with those really given."""

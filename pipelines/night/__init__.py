"""One night of one app: its pins and its stages."""

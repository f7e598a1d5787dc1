"""The command line: what it takes, and how it draws what comes back."""

import os

# Before polars is loaded, which gives what is freed back within half a second and then asks the system for it again.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:3000")

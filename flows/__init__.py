"""Prefect flows and the command line: what runs, in which order, with which retries."""

import os

# Libraries read these as they are loaded, numpy among the first; what a person has set stays.
# The threads of numpy and scikit-learn wait for each other by spinning: on tables of our size, or on cores that are
# shared, that takes many times what the work itself takes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# polars gives what is freed back within half a second, and then asks the system for it again.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:3000")

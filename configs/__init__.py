"""Settings and app files: everything a person may configure, checked before anything runs."""

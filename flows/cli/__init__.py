"""The command line: what it takes, and how it draws what comes back."""

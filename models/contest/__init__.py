"""Who serves: candidates held against each other on later rows, tuned, checked for leaks, promoted beyond doubt."""

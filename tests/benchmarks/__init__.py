"""What things cost, as ratios against a straight baseline in the same run: `make bench`."""

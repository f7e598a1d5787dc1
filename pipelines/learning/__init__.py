"""From days gone by to models that serve: samples, contests, the training run."""

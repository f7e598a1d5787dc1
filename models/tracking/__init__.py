"""MLflow: the registry, the pages and plots that people review, the prompts."""

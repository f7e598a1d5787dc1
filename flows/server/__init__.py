"""Prefect, MLflow and the runner: started, watched, recorded with, stopped."""

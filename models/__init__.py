"""The learners: fit, predict, evaluate; registry.py alone knows MLflow, tuning.py alone knows Optuna."""

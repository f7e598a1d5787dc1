"""What is learned: tasks, learners, calibration; tracking/ alone knows MLflow, tuning.py alone knows Optuna."""

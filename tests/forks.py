"""Processes that are forked from one which has loaded what a night loads, as it takes each of them seconds."""

import multiprocessing

# A run of tests has one such process, begun by whichever test comes first, so that all have it load the same.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "mlflow.store.model_registry.sqlalchemy_store",
        "mlflow.store.tracking.sqlalchemy_store",
        "models.learners.gamma_poisson",  # of all learners and tasks these load most
        "models.tasks.badge_odds",
        "tests.models.language.batches.sent",
        "tests.pipelines.nights",
    ]
)

"""The tracking store of one home, which registry, prompts and the records of writing share: MLflow is opened here.

MLflow is imported only when a Tracking is made: the import takes seconds.
"""

import atexit
import contextlib
import datetime as dt
import fcntl
import gc
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.errors import NightquestError
from configs.full_disk import is_full, why
from models.tracking.experiments import tags_of, to_write
from models.tracking.moved import follow_home
from models.tracking.night_page import Past, day_moment_ms, day_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NO_PAST: Past = {}
NO_TAGS: Mapping[str, str] = {}


class Tracking:
    """An open tracking store and registry.

    Args:
        uri: SQLite (`sqlite:////path/mlflow.db`), or the address of an MLflow server.
        artifacts: Folder for models, plots and tables; None leaves it to the server.

    Attributes:
        mlflow: The module.
        client: An MlflowClient of this store.

    Raises:
        NightquestError: If the store cannot be opened.
    """

    def __init__(self, uri: str, artifacts: Path | None) -> None:
        self.mlflow = _import_mlflow()
        self.uri = uri
        self._artifacts = artifacts
        try:
            with self.alone():
                if artifacts is not None and (store := self._file()) is not None:
                    follow_home(store, artifacts)
                self.client: Any = self.mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
                self.client.search_experiments(max_results=1)
        except Exception as error:
            raise NightquestError(
                f"MLflow's store at {uri} cannot be opened: {first_line(error)}.",
                "Check that the folder can be written, or that the tracking server runs.",
                exit_code=3,
            ) from error

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others out of a SQLite store for a while: two at once that make a version collide on rows."""
        store = self._file()
        if store is None:
            yield
            return
        with store.with_name(f"{store.name}.lock").open("a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _file(self) -> Path | None:
        """The file of a SQLite store."""
        return Path(self.uri.removeprefix("sqlite:///")) if self.uri.startswith("sqlite:///") else None

    def use(self) -> None:
        """Make this store the one that MLflow's module-level functions write to."""
        self.mlflow.set_tracking_uri(self.uri)
        self.mlflow.set_registry_uri(self.uri)

    def experiment(self, name: str, question: str = "") -> str:
        """The id of an experiment, which is made, or brought back when it was deleted.

        Args:
            name: `<app>/<work>`.
            question: What its models answer, where that is known.
        """
        with self.alone():
            known = self.client.get_experiment_by_name(name)
            if known is None:
                place = None if self._artifacts is None else (self._artifacts / name).resolve().as_uri()
                number, kept = str(self.client.create_experiment(name, artifact_location=place)), dict[str, str]()
            else:
                number, kept = str(known.experiment_id), known.tags
                if known.lifecycle_stage == "deleted":
                    self.client.restore_experiment(number)
            for tag, value in to_write(tags_of(name, number, question), kept, sure=bool(question)).items():
                self.client.set_experiment_tag(number, tag, value)
            return number

    @contextlib.contextmanager
    def run(self, experiment: str, name: str, question: str = "") -> Iterator[str]:
        """Yield the id of a new run that is active for MLflow; it ends FINISHED, or FAILED when the body raises."""
        run = self.client.create_run(self.experiment(experiment, question), run_name=name)
        with self.active(run.info.run_id):
            yield str(run.info.run_id)

    @contextlib.contextmanager
    def active(self, run_id: str) -> Iterator[None]:
        """Make a run the one that models and traces are logged to, which takes MLflow a dozen requests."""
        self.use()
        with self.mlflow.start_run(run_id=run_id):
            yield

    @contextlib.contextmanager
    def only_run(self, experiment: str, name: str) -> Iterator[tuple[str, Any]]:
        """The experiment's one run of this name: its id, and what it holds already (None when new).

        It ends as `run` does, and is not active for MLflow.
        """
        quoted, place = name.replace("'", ""), self.experiment(experiment)
        found = self.client.search_runs([place], f"attributes.run_name = '{quoted}'", max_results=1)
        run = found[0] if found else self.client.create_run(place, run_name=quoted)
        run_id = str(run.info.run_id)
        try:
            yield run_id, run.data if found else None
        except BaseException:
            self.client.set_terminated(run_id, "FAILED")
            raise
        self.client.set_terminated(run_id)

    def log(
        self,
        run_id: str,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        figures: Mapping[str, "Figure"],
        *,
        model_id: str | None = None,
        day: dt.date | None = None,
        past: Past = NO_PAST,
        tags: Mapping[str, str] = NO_TAGS,
    ) -> None:
        """Write parameters, metrics, tags and plots of a run; metrics of a day at its step and moment.

        All but the plots goes in one request: each is a transaction of its own, which takes longer than what it writes.
        """
        entities = self.mlflow.entities

        def measured(day: dt.date | None, figures: Mapping[str, float]) -> list[Any]:
            step, at = (day_number(day), day_moment_ms(day)) if day else (0, int(time.time() * 1000))
            return [entities.Metric(k, v, at, step, model_id=model_id, run_id=run_id) for k, v in figures.items()]

        self.client.log_batch(
            run_id,
            params=[entities.Param(key, str(value)) for key, value in parameters.items()],
            metrics=[*(one for each in sorted(past) for one in measured(each, past[each])), *measured(day, metrics)],
            tags=[entities.RunTag(key, value) for key, value in tags.items()],
        )
        if figures:
            self._log_plots(run_id, figures)

    def _log_plots(self, run_id: str, figures: Mapping[str, "Figure"]) -> None:
        from models.tracking.plots import save_figure  # noqa: PLC0415 (matplotlib takes a second, and nights draw none)

        with tempfile.TemporaryDirectory() as folder:
            for name, figure in figures.items():
                save_figure(figure, Path(folder) / f"{name}.png")
            self.client.log_artifacts(run_id, folder, "plots")

    def log_news(
        self,
        run_id: str,
        known: Any,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        *,
        day: dt.date | None = None,
        past: Past = NO_PAST,
        tags: Mapping[str, str] = NO_TAGS,
    ) -> None:
        """Write what a run (`only_run`) does not hold yet, and tags as they are.

        A parameter, once written, stays, and so do the metrics of the past.
        """
        if known is not None:
            past = NO_PAST
            metrics = {k: v for k, v in metrics.items() if known.metrics.get(k) != v}
            parameters = {k: v for k, v in parameters.items() if k not in known.params}
        self.log(run_id, parameters, metrics, {}, day=day, past=past, tags=tags)


def night_name(as_of: object, revision: int) -> str:
    """What the run of a night is called."""
    return str(as_of) if revision == 1 else f"{as_of} revision {revision}"


def first_line(error: Exception) -> str:
    """The start of an error's text; the rest may hold rows of data."""
    if is_full(error):
        return why(error)
    line = (str(error).splitlines() or [type(error).__name__])[0]
    if "Max retries exceeded" in line:
        return "no server answers there"
    return line[:200].rstrip(".")


def _import_mlflow() -> Any:
    """MLflow, told to keep to itself. Its import takes seconds and warns about type hints of its own.

    What stands once it is there stays to the end: Python need not look through it for what can be let go, again and
    again, which takes a twentieth of a night's seconds.
    """
    known = "mlflow.pyfunc" in sys.modules
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_MODEL_CATALOG_URI"] = ""
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow  # noqa: PLC0415
        import mlflow.pyfunc  # noqa: PLC0415
    # What it logs there it raises as well.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    if not known:
        gc.freeze()
        atexit.register(gc.unfreeze)  # or what the interpreter leaves behind is told as leaks
    return mlflow

"""The record of every training and every night in MLflow, and the registry that says which model serves.

Models are kept as the plain files of models/portable.py with a checksum of each, and opened here without
running anything stored beside them.
"""

import datetime as dt
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from configs.errors import NightquestError
from models.contest.scores import Measured
from models.portable import Portable, load_json, load_model, save_json
from models.tracking.aliases import CHALLENGED, CHAMPION, Aliases
from models.tracking.cards import card_of
from models.tracking.experiments import NOTE
from models.tracking.night_page import NightPage, Past
from models.tracking.pages import ModelRun, flat_metrics, model_page, synthetic_rows
from models.tracking.sealed import checksums, save_and_predict, verify
from models.tracking.served import RUN_FILE, TYPES
from models.tracking.store import Tracking, first_line, night_name
from models.tracking.versions import CONTEST, PROMOTION, UNSEEN, contest_json, models_of, registered_versions, told_in
from models.tracking.which_serves import FIRST_NIGHT, TRAINED_TO, Candidate, version_for

UNTRAINED = "no_model"  # tag of an experiment: why the newest training made none; there is none where it made one
SOURCE = {"mlflow.source.name": "nightquest", "mlflow.source.type": "JOB"}  # shown in the table of runs
_PAGE = "#/models/{}/versions/{}"
FILES = "files_sha256"  # tag of a version: {path: sha256} of everything that is read when it is loaded
REQUIREMENTS = ("lightgbm", "numpy", "pandas", "polars", "pyarrow", "scikit-learn", "scipy")


@dataclass(frozen=True)
class RegisteredVersion:
    """A version that was just registered.

    Attributes:
        champion: Whether it serves now.
        reason: Why it does or does not.
    """

    name: str
    version: int
    run_id: str
    champion: bool
    reason: str


@dataclass(frozen=True)
class LoadedModel:
    """A version that was loaded, with what was recorded when it was trained.

    Attributes:
        first_night: The first that it could serve; None when that was not recorded.
    """

    name: str
    version: int
    model: Portable
    parameters: dict[str, Any]
    data_window: dict[str, dt.date]
    app_hash: str
    first_night: dt.date | None = None


class Registry:
    """The tracking store and model registry of one home.

    Args:
        tracking_uri: SQLite (`sqlite:////path/mlflow.db`), or the address of an MLflow server.
        artifacts: Folder for models and plots; None leaves it to the server.

    Raises:
        NightquestError: If the store cannot be opened.
    """

    def __init__(self, tracking_uri: str, artifacts: Path | None) -> None:
        self.tracking = Tracking(tracking_uri, artifacts)
        self._mlflow, self._client, self._uri = self.tracking.mlflow, self.tracking.client, tracking_uri
        self._aliases = Aliases(self._client)

    def record(self, app: str, task: str, run: ModelRun, *, review: bool = False) -> RegisteredVersion:
        """Log a training with its figures and plots, register the model, and move the aliases.

        `challenger` moves to the new version. `champion` moves when `run.decision` says so or no version came before,
        unless a person has moved it since the last training: then it stays, and the reason says why. With `review` a
        person alone moves `champion`, and the version that would have got it gets the alias `review`.

        Raises:
            UnkeptError: If the model cannot be written, or predicts otherwise once it is read back.
        """
        with (
            tempfile.TemporaryDirectory() as scratch,
            self.tracking.run(f"{app}/{task}", _run_name(run), run.question) as run_id,
        ):
            folder = Path(scratch) / "files"
            example = synthetic_rows(run.inputs, run.example)
            predicted = save_and_predict(run.model, folder, example)
            save_json(folder / RUN_FILE, _told(run))
            self.tracking.log(run_id, _parameters(run), {}, run.figures)
            for name, table in run.tables.items():
                self._client.log_text(run_id, table.write_csv(), f"tables/{name}.csv")
            logged = self._log_model(run, folder, example, predicted)
            self.tracking.log(run_id, {}, flat_metrics(run.metrics), {}, model_id=logged.model_id, tags=SOURCE)
            with self.tracking.alone():  # MLflow stores the same data of two runs once, and lets two at once collide
                self._client.log_inputs(run_id, datasets=[_data(run)])
                version = self._new_version(f"{app}.{task}", run, logged, checksums(folder))
                self._client.update_registered_model(f"{app}.{task}", model_page(app, task, run.question))
                registered = self._judge(f"{app}.{task}", version, run_id, run, review=review)
            self._say_untrained(app, task, "")
            return registered

    def record_none(self, app: str, task: str, as_of: dt.date, why: str) -> None:
        """Log a training of which no model came, and keep the reason where `untrained` finds it.

        Args:
            app: The app's name.
            task: What was to be learned.
            as_of: The day of which it was.
            why: As the end of a sentence.
        """
        told = f"the training as of {as_of} made none: {why}"
        with self.tracking.only_run(f"{app}/{task}", f"{as_of} no model") as (run_id, _):
            note = {NOTE: f"{told[0].upper()}{told[1:]}."}
            self.tracking.log(run_id, {}, {}, {}, tags=note)
        self._say_untrained(app, task, told)

    def _say_untrained(self, app: str, task: str, why: str) -> None:
        place = self.tracking.experiment(f"{app}/{task}")
        with self.tracking.alone():
            if why:
                self._client.set_experiment_tag(place, UNTRAINED, why)
            elif UNTRAINED in self._client.get_experiment(place).tags:  # a tag by its name alone would say the contrary
                self._client.delete_experiment_tag(place, UNTRAINED)

    def untrained(self, app: str) -> dict[str, str]:
        """By task of an app whose newest training made no model, which one that was and why, as part of a sentence."""
        found = self._client.search_experiments(filter_string=f"name LIKE '{app}/%'", max_results=1000)
        told = {each.name.removeprefix(f"{app}/"): each.tags.get(UNTRAINED) for each in found}
        return {task: why for task, why in told.items() if why}

    def record_night(
        self,
        app: str,
        as_of: dt.date,
        figures: Mapping[str, Measured],
        page: NightPage | None = None,
        past: Past | None = None,
        *,
        revision: int = 1,
    ) -> str:
        """One run per night and revision in the experiment `<app>/nightly`; again changes only what differs.

        Its figures stand at the step of its day, and those of `past` at theirs, so that a run shows a line over nights.

        Returns:
            The run's id.
        """
        page = page or NightPage()
        told = {"as_of": as_of, "revision": revision, **{f"model_{k}": v for k, v in page.models.items()}}
        with self.tracking.only_run(f"{app}/nightly", night_name(as_of, revision)) as (run_id, known):
            measured, tags = flat_metrics(figures), page.tags()
            self.tracking.log_news(run_id, known, told, measured, day=as_of, past=past or {}, tags=tags)
        return run_id

    def load(self, app: str, task: str, alias: str = CHAMPION) -> LoadedModel | None:
        """The version that holds an alias, or None when none does; whoever moved the alias, it is followed.

        Raises:
            NightquestError: If a file is not what was registered, or was not written by Nightquest.
        """
        version = self._aliases.holder(f"{app}.{task}", alias)
        return None if version is None else self._load(f"{app}.{task}", version, alias)

    def load_for(self, app: str, task: str, night: dt.date) -> LoadedModel | None:
        """The version that serves a night, see `version_for`; None when none may.

        Tags can be changed by hand in MLflow: the days that it knew are those of its sealed files.

        Raises:
            NightquestError: If a file is not what was registered, or was not written by Nightquest.
        """
        name = f"{app}.{task}"
        champion = self._aliases.holder(name, CHAMPION)
        if champion is None:
            return None
        versions = self._client.search_model_versions(f"name = '{name}'")
        version = version_for(night, champion, [Candidate.of(int(each.version), each.tags) for each in versions])
        loaded = None if version is None else self._load(name, version, CHAMPION)
        return loaded if loaded and max(loaded.data_window.values(), default=dt.date.min) < night else None

    def champion(self, app: str, task: str) -> int | None:
        """The version that is the champion, or None."""
        return self._aliases.holder(f"{app}.{task}", CHAMPION)

    def champions(self, app: str) -> dict[str, int]:
        """The version that is the champion, by task, in one query; tasks without one are left out."""
        held = {each.name.removeprefix(f"{app}."): each.aliases for each in models_of(self._client, app)}
        return {task: int(aliases[CHAMPION]) for task, aliases in held.items() if CHAMPION in aliases}

    def challenged(self, app: str, task: str, version: int) -> int:
        """How often others were compared with a version while it served."""
        told = self._client.get_model_version(f"{app}.{task}", str(version)).tags.get(CHALLENGED, "")
        return int(told) if told.isdecimal() else 0

    def _load(self, name: str, version: int, alias: str) -> LoadedModel:
        found = self._client.get_model_version(name, str(version))
        with tempfile.TemporaryDirectory() as scratch:
            folder = self._fetch(name, str(version), Path(scratch))
            verify(folder, told_in(found.tags, FILES) or None, f"{alias} of {name} (version {version})")
            told = load_json(folder / RUN_FILE)
            return LoadedModel(
                name=name,
                version=version,
                model=load_model(folder),
                parameters=told["parameters"],
                data_window={k: dt.date.fromisoformat(v) for k, v in told["data_window"].items()},
                app_hash=told["app_hash"],
                first_night=Candidate.of(version, found.tags).first_night,
            )

    def reviewable(self, app: str) -> pl.DataFrame:
        """Every registered version of an app's models, newest first within a task; columns VERSIONS."""
        return registered_versions(self._client, app)

    def _log_model(
        self, run: ModelRun, folder: Path, example: pl.DataFrame, predicted: np.ndarray | pl.DataFrame
    ) -> Any:
        from mlflow.models import ModelSignature  # noqa: PLC0415

        return self._mlflow.pyfunc.log_model(
            name=_winner(run),
            loader_module="models.tracking.served",
            data_path=str(folder),
            signature=ModelSignature(self._schema(example.schema), self._schema(_result_schema(predicted))),
            input_example=example.with_columns(cs.numeric().cast(pl.Float64)).to_pandas(),
            pip_requirements=[f"{package}=={installed(package)}" for package in sorted({*REQUIREMENTS, *run.requires})],
        )

    def _schema(self, columns: Mapping[str, pl.DataType]) -> Any:
        from mlflow.types import ColSpec, Schema  # noqa: PLC0415

        unnamed = list(columns) == [""]
        return Schema([ColSpec(_mlflow_type(t), None if unnamed else n, required=unnamed) for n, t in columns.items()])

    def _new_version(self, name: str, run: ModelRun, logged: Any, files: dict[str, str]) -> str:
        if self._aliases.registered(name) is None:
            self._client.create_registered_model(name, tags={PROMOTION: "automatic"})
        tags = {
            TRAINED_TO: max(run.data_window.values(), default=dt.date.min).isoformat(),
            "app_hash": run.app_hash,
            "code_version": run.code_version,
            f"{UNSEEN}{FILES}": json.dumps(files, sort_keys=True),
            f"{UNSEEN}{CONTEST}": contest_json(run),
        }
        if run.first_night:
            tags[FIRST_NIGHT] = run.first_night.isoformat()
        created = self._client.create_model_version(
            name, logged.model_uri, logged.run_id, tags=tags, model_id=logged.model_id
        )
        return str(created.version)

    def _judge(self, name: str, version: str, run_id: str, run: ModelRun, *, review: bool) -> RegisteredVersion:
        """Write the version's page and move the aliases."""
        decision, proposed = self._aliases.decide(name, version, run, review=review)
        card = card_of(run, decision, run_id, proposed=proposed)
        self._client.update_model_version(name, version, card)
        self._client.set_tag(
            run_id, NOTE, f"Registered as [{name} version {version}]({_PAGE.format(name, version)}). {card}"
        )
        self._aliases.move(name, version, decision, proposed=proposed)
        return RegisteredVersion(name, int(version), run_id, decision.promote, decision.reason)

    def _fetch(self, name: str, version: str, scratch: Path) -> Path:
        """A private copy of the model's files, so that what is verified is what is read."""
        uri = self._client.get_model_version_download_uri(name, version)
        try:
            found = self._mlflow.artifacts.download_artifacts(
                artifact_uri=f"{uri}/data/files", dst_path=str(scratch), tracking_uri=self._uri
            )
        except Exception as error:
            raise NightquestError(
                f"The files of {name} version {version} cannot be read: {first_line(error)}.",
                f"Move the alias {CHAMPION} to another version in MLflow, or train again.",
            ) from error
        return Path(found)


def _told(run: ModelRun) -> dict[str, Any]:
    return {
        "parameters": dict(run.parameters),
        "inputs": {name: _type_name(name, dtype) for name, dtype in run.inputs.items()},
        "data_window": {name: day.isoformat() for name, day in run.data_window.items()},
        "app_hash": run.app_hash,
        "code_version": run.code_version,
    }


def _parameters(run: ModelRun) -> dict[str, Any]:
    return {
        **run.parameters,
        **{f"data_{name}": day for name, day in run.data_window.items()},
        **{f"rows_{name}": n for name, n in run.rows.items()},
        "chosen": run.chosen,
        "app_hash": run.app_hash,
        "code_version": run.code_version,
    }


def _run_name(run: ModelRun) -> str:
    """Short, since MLflow's table of runs shows the beginning: the day of the training, and what won."""
    return f"{run.first_night} {_winner(run)}" if run.first_night else _winner(run)


def _winner(run: ModelRun) -> str:
    return run.chosen or run.model.kind


def _data(run: ModelRun) -> Any:
    """What the run learned from, as MLflow tells it of a run: which days, of which app file, and how many rows."""
    from mlflow.entities import Dataset, DatasetInput, InputTag  # noqa: PLC0415

    days, rows = run.data_window.values(), json.dumps(dict(run.rows))
    name = f"{min(days)} to {max(days)}" if days else "days not recorded"
    data = Dataset(name, run.app_hash[:8], "local", json.dumps({"rows": "those of the warehouse"}), profile=rows)
    return DatasetInput(data, [InputTag("mlflow.data.context", "train")])


def _type_name(name: str, dtype: pl.DataType) -> str:
    base = type(dtype).__name__ if isinstance(dtype, pl.DataType) else dtype.__name__
    if base not in TYPES:
        raise TypeError(f"model input '{name}' is {dtype}; use numbers, text, booleans or dates")
    return base


def _mlflow_type(dtype: pl.DataType) -> str:
    """Numbers are doubles: whole ones could not be missing, and MLflow refuses int64 where it expects a double."""
    if dtype.is_numeric():
        return "double"
    return {pl.Boolean: "boolean", pl.Date: "datetime"}.get(type(dtype), "string")


def _result_schema(predicted: np.ndarray | pl.DataFrame) -> Mapping[str, pl.DataType]:
    return predicted.schema if isinstance(predicted, pl.DataFrame) else {"": pl.Float64()}

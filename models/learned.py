"""The model of a binary task as it serves: the task's encoding, the learner that won, and its calibration."""

from copy import copy
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.calibration import Recalibration
from models.cluster import Cluster
from models.contest.split import evidence
from models.explain.reasons import Usual
from models.learner import Learner, Sheet
from models.learners import learner_of
from models.portable import OutdatedModelError, load_json, save_json
from models.task import BinaryTask, Encoding
from models.tasks import tasks

Array = NDArray[np.float64]
SURER = 3.0  # the steepest slope of a recalibration


class LearnedModel:
    """Answers a task's rows with probabilities, recalibrated twice: when trained, and each night on newer outcomes.

    Attributes:
        recalibration: From rows later than those the learner was fitted on.
        adjustment: From what has settled lately, for one night.
        fitted_on: The features that the learner read when it was fitted.
        untold: Kinds of fact that run against its answers, see `models.explain.reasons.against_the_answer`.
        usual: By kind of fact what its figure usually is and does, see `models.explain.reasons.usual_figures`.
    """

    kind: ClassVar[str] = "learned"

    def __init__(self, task: BinaryTask[Any], encoding: Encoding, learner: Learner) -> None:
        self.task = task
        self.encoding = encoding
        self.learner = learner
        self.recalibration = Recalibration(1.0, (0.0,) * max(encoding.groups, 1))
        self.adjustment = Recalibration()
        self.fitted_on = task.features
        self.untold: tuple[str, ...] = ()
        self.usual: dict[str, Usual] = {}

    @property
    def outdated(self) -> bool:
        """Whether it was fitted on other features than this version of the code computes, and so can't serve."""
        return self.fitted_on != self.task.features

    def fit(self, rows: pl.DataFrame, *, weights: Array | None = None, cluster: Cluster | None = None) -> Self:
        """Fit the learner on rows with the task's label and inputs; without weights all count alike.

        Many rows are learned from on the cluster, where there is one and the learner can be fitted there.
        """
        weights = np.ones(rows.height) if weights is None else weights
        given = self.sheet(rows), self._happened(rows), weights
        if cluster is None or not cluster.fits(self.learner, *given):
            self.learner.fit(*given)
        return self

    def calibrate(self, rows: pl.DataFrame, *, seen: bool = False) -> Self:
        """Set the recalibration from later rows; the learner itself stays.

        With `seen`, the rows are among those it was fitted on: a flexible learner is then made no surer by them, and
        stays as it is where they tell little of the level to come (`BinaryTask.relevels` is false).
        """
        alike = self.task.alike
        if seen and self.learner.flexible and not self.task.relevels:
            return self
        given = self._happened(rows), self._raw(rows), self.encoding.group(rows)
        weights = evidence(rows, np.ones(rows.height), alike) if alike else None
        steepest = self._steepest if seen else SURER
        self.recalibration = Recalibration.fit(*given, weights=weights, steepest=steepest)
        return self

    def predict(self, rows: pl.DataFrame) -> Array:
        """Probabilities for rows with the task's inputs, shape (n,)."""
        group = self.encoding.group(rows)
        calibrated = self.recalibration.apply(self._raw(rows), group)
        least = self.task.least
        return np.clip(self.adjustment.apply(calibrated, group, self._beside(rows)), least, 1 - least)

    def contributions(self, rows: pl.DataFrame) -> pl.DataFrame | None:
        """What each feature adds to each row's log-odds, before any recalibration; None: the learner cannot tell."""
        return self.learner.contributions(self.sheet(rows))

    def sheet(self, rows: pl.DataFrame) -> Sheet:
        """Rows as the learner reads them."""
        task = self.task
        encoded = task.encode(rows, self.encoding)
        return Sheet(
            rows=encoded,
            x=encoded.select(pl.col(task.features).cast(pl.Float64)),
            windows=rows["window_days"].to_numpy().astype(np.int64),
            common=task.common,
            monotone=task.monotone,
            categories=task.categories,
        )

    def adjusted(self, rows: pl.DataFrame, y: Array, p: Array, *, weights: Array, strength: float) -> Self:
        """A copy whose promises are moved to fit newer outcomes, for one night's use.

        It was fitted on most of these, too: a flexible learner is made no surer by them.

        Args:
            rows: The columns that tell a row's group, and the one that the task `leans_on`.
            y: What happened, 0 or 1, shape (n,).
            p: What this model promised, shape (n,).
            weights: Weight of each outcome, shape (n,).
            strength: See Recalibration.fit.
        """
        tuned = copy(self)
        given = y, p, self.encoding.group(rows), self._chances(rows)
        tuned.adjustment = Recalibration.fit(*given, weights=weights, strength=strength, steepest=self._steepest)
        return tuned

    def to_files(self, folder: Path) -> None:
        """Write what it is made of, the encoding and the learner in folders of their own."""
        save_json(
            folder / "model.json",
            {
                "task": self.task.name,
                "learner": self.learner.name,
                "parameters": self.learner.told(),
                "features": list(self.fitted_on),
                "slope": self.recalibration.slope,
                "intercepts": list(self.recalibration.intercepts),
                "untold": list(self.untold),
                "usual": {name: list(each) for name, each in self.usual.items()},
            },
        )
        for part in ("encoding", "learner"):
            (folder / part).mkdir()
            getattr(self, part).to_files(folder / part)

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote.

        Raises:
            OutdatedModelError: There is no such task or learner in this version.
        """
        told = load_json(folder / "model.json")
        task = tasks().by_name.get(told["task"])
        if not isinstance(task, BinaryTask):
            raise OutdatedModelError(f"A saved model answers the task '{told['task']}', which is not there.")
        learner = learner_of(told["learner"])
        try:
            made = learner(**told["parameters"])
        except TypeError as error:
            raise OutdatedModelError(f"A saved model has other parameters than its learner: {error}.") from error
        model = cls(task, task.encoding_type.from_files(folder / "encoding"), made.from_files(folder / "learner"))
        model.fitted_on = tuple(told["features"])
        model.untold = tuple(told.get("untold", ()))
        model.usual = {name: (middle, way) for name, (middle, way) in told.get("usual", {}).items()}
        model.recalibration = Recalibration(told["slope"], tuple(told["intercepts"]))
        return model

    def _raw(self, rows: pl.DataFrame) -> Array:
        """The learner's own probabilities, shape (n,)."""
        return self.learner.predict(self.sheet(rows))

    @property
    def _steepest(self) -> float:
        """How steep a slope may come of rows that it was fitted on."""
        return 1.0 if self.learner.flexible else SURER

    def _beside(self, rows: pl.DataFrame) -> Array | None:
        """What the night's adjustment leans on, shape (n,); None where it leans on nothing."""
        return self._chances(rows) if any(self.adjustment.lean) else None

    def _chances(self, rows: pl.DataFrame) -> Array | None:
        """The chances of the condition under which the task's answers hold, shape (n,)."""
        return rows[self.task.leans_on].to_numpy() if self.task.leans_on else None

    def _happened(self, rows: pl.DataFrame) -> Array:
        return rows[self.task.label].cast(pl.Float64).to_numpy()

"""Models registered as they are learned, and why others were not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from configs.full_disk import is_full
from configs.loader import LoadedApp
from configs.settings import Settings
from configs.version import code_version
from models.contest.hold import Contest
from models.tasks.segments import Segments
from models.tracking.pages import ModelRun
from models.tracking.sealed import UnkeptError
from pipelines.learning.incumbents import serving_segments
from pipelines.learning.record import run_of
from pipelines.learning.record_segments import segments_run
from pipelines.learning.training import why_not
from pipelines.pins import Night
from pipelines.players.segments import SegmentFit, Strength
from pipelines.stores import open_registry

if TYPE_CHECKING:
    from models.tracking.registry import Registry


@dataclass
class Registrar:
    """Registers an app's models of one training.

    Args:
        settings: Where the registry is.
        loaded: The app.
        night: The first that they could serve.

    Attributes:
        versions: By task, the version that was registered.
        failed: By task without one, why, as the end of a sentence.
    """

    settings: Settings
    loaded: LoadedApp
    night: Night
    versions: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @cached_property
    def registry(self) -> "Registry":
        """Opened when it is first asked for: to make a new one takes MLflow seconds."""
        return open_registry(self.settings)

    def contest(self, contest: Contest) -> None:
        """Register the model of a contest; a task or learner whose file fails in that costs the others nothing."""
        name = contest.task.name
        try:
            run = run_of(contest, self.night, self.loaded.hash, code_version())
        except Exception as error:
            if is_full(error):
                raise
            self.failed[name] = why_not(name, error)
        else:
            self._record(name, run)

    def segments(self, fit: SegmentFit, past: Strength) -> None:
        """Register what came of fitting segments."""
        if fit.model is None:
            self.failed[Segments.name] = fit.why
        else:
            serving = serving_segments(self.registry, self.night.app, self.night.as_of)
            run = segments_run(fit, past, self.night, self.loaded.hash, code_version(), serving)
            self._record(Segments.name, run)

    def without(self, failed: Mapping[str, str]) -> list[str]:
        """Keep why there is no model of these tasks, and of those that failed before; a sentence for each of these."""
        for task, why in {**failed, **self.failed}.items():
            self.registry.record_none(self.loaded.app.app, task, self.night.as_of, why)
        return [
            f"No model of {task} is registered: {why}." for task, why in self.failed.items() if task != Segments.name
        ]

    def _record(self, task: str, run: ModelRun) -> None:
        app = self.loaded.app
        try:
            self.versions[task] = self.registry.record(app.app, task, run, review=app.promotion == "review").version
        except UnkeptError as error:
            if is_full(error):
                raise
            self.failed[task] = why_not(task, error)

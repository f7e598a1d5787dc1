"""What somebody asks of one run beyond the app file: who writes, how, what, and for how much."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from configs.app import App
from configs.errors import NightquestError
from configs.kinds import TypeName, Writer
from configs.settings import Settings
from models.language.ledger import Run
from pipelines.pins import Night
from pipelines.words.types import lacking

Mode = Literal["live", "batch"]
Clock = Callable[[], dt.datetime]
Progress = Callable[[str, int, int], None]
BY_HAND = "by hand"


@dataclass(frozen=True)
class Wishes:
    """One run's own choices; None leaves it to the app file or the settings.

    Attributes:
        provider: Who writes this time; there is no experiment then.
        mode: Live, or through batches.
        types: What is planned and written, of all content types.
        max_cost_usd: What this night's words may cost.
    """

    provider: Writer | None = None
    mode: Mode | None = None
    types: tuple[TypeName, ...] = ()
    max_cost_usd: float | None = None

    def applied(self, app: App) -> App:
        """The app with the wished mode and types, if it has what these types need.

        Raises:
            NightquestError: The app cannot have these types.
        """
        changes = {"mode": self.mode, "types": list(self.types)}
        if wanted := {name: value for name, value in changes.items() if value}:
            told = app.model_dump(mode="json", exclude_none=True)
            try:
                app = App.model_validate({**told, "content": {**told["content"], **wanted}})
            except ValidationError as error:
                raise self._cannot(app, error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        if self.types and (problems := lacking(app)):  # what the file itself lacks is told when it is to be written
            raise self._cannot(app, problems[0])
        return app

    def _cannot(self, app: App, why: str) -> NightquestError:
        return NightquestError(
            f"'{app.app}' cannot write {', '.join(self.types or app.content.types)}: {why}.",
            "Ask for other types, or complete the section content of the app file.",
        )

    def over(self, earlier: "Wishes") -> "Wishes":
        """These wishes, and what was wished earlier where they leave it open."""
        return Wishes(
            provider=self.provider or earlier.provider,
            mode=self.mode or earlier.mode,
            types=self.types or earlier.types,
            max_cost_usd=earlier.max_cost_usd if self.max_cost_usd is None else self.max_cost_usd,
        )

    def budget_usd(self, settings: Settings) -> float:
        """What the night may cost in US dollars."""
        return settings.max_cost_usd if self.max_cost_usd is None else self.max_cost_usd


NO_WISHES = Wishes()


@dataclass(frozen=True)
class RunContext:
    """What a run may use to write.

    Attributes:
        clock: The time in UTC.
        progress: Told how far the writing is.
        run_id: Another for every run; who pays, in the ledger.
        occasion: Whose budget it is, such as 'by hand 2024-03-01'; the night's day when empty.
    """

    settings: Settings
    wishes: Wishes
    clock: Clock
    progress: Progress
    run_id: str
    occasion: str = ""

    def payer(self, night: Night) -> Run:
        """Who pays for this run's words."""
        return Run(night.app.app, self.occasion or str(night.as_of), self.run_id)

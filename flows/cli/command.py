"""What the commands share: options that all take, and what stands around a run: checks, progress, Prefect's record."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, TypeVar

from cyclopts import App, Group, Parameter
from cyclopts.validators import Number

from configs.errors import BusyError, NightquestError
from configs.kinds import content_type_names
from configs.shipped import shipped_apps
from models.language.providers import provider_names
from models.tasks import task_names

if TYPE_CHECKING:
    from configs.loader import LoadedApp
    from configs.settings import Settings

T = TypeVar("T")
Check = Callable[["LoadedApp"], object]
WARNED = 4  # exit status of what is done while somebody should still see to something

HELP = f"""\
Each night, the coming day's challenges, badges, targets and messages for an app's players.

A first look, with simulated players:  nightquest demo

With your own app, from an export of your own (docs/new-app.md):
  nightquest init purchases.csv
  nightquest check my_app.yaml
  nightquest ingest my_app.yaml events/ --history
  nightquest train my_app.yaml
  nightquest nightly my_app.yaml
  nightquest show my_app.yaml USER

APP is the path of an app file, or a shipped app: {", ".join(shipped_apps())}.
Exit status: 0 done, 1 failed, 2 wrong input, 3 busy or not now: try again,
4 done, but see to it: the newest input is missing, or a night is not delivered
everywhere or not recorded in MLflow.\
"""

cli = App(
    name="nightquest",
    help=HELP,
    help_format="plaintext",
    version="0.1.0",
    version_flags=["--version"],
    default_parameter=Parameter(negative=(), show_default=False),
)
_COMMON = Group("Everywhere", sort_key=9)


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Options that every command takes."""

    home: Annotated[
        Path | None, Parameter(group=_COMMON, help="Where everything is kept; else NIGHTQUEST_HOME, else .nightquest.")
    ] = None
    json: Annotated[bool, Parameter(group=_COMMON, help="Print the result as one JSON document.")] = False
    verbose: Annotated[
        bool,
        Parameter(name=["--verbose", "-v"], group=_COMMON, help="Tell every step; also Prefect's log."),
    ] = False

    @property
    def settings(self) -> "Settings":
        """The settings, with --home before the environment."""
        from flows.settings import read_settings

        return read_settings(self.home)


DEFAULT = Common()
Mode = Literal["live", "batch"]
if TYPE_CHECKING:
    TypeName: TypeAlias = str
    Writer: TypeAlias = str
    TaskName: TypeAlias = str
else:  # so that --help lists them
    TypeName = Literal[tuple(content_type_names())]
    Writer = Literal[("offline", *provider_names(), "both")]
    TaskName = Literal[tuple(task_names())]
OneOrMore = Annotated[Path, Parameter(required=True)]  # of `*files`, which may stand before and after options
Types = Annotated[tuple[TypeName, ...], Parameter(name="--type", negative=())]
Tasks = Annotated[tuple[TaskName, ...], Parameter(name="--task", negative=())]
MaxCost = Annotated[float | None, Parameter(validator=Number(gte=0, lte=10_000))]


def run_flow(common: Common, apps: Sequence[str], run: Callable[[], T], check: Check | None = None) -> T:
    """Run flows with progress shown, recorded by Prefect where there is one; `check` may refuse them beforehand."""
    from flows.cli.console import progress
    from flows.progress import reporting_to
    from flows.server.session import session

    check_each(apps, check)
    with (
        session(common.settings, verbose=common.verbose),
        progress(common.json, common.verbose) as reporter,
        reporting_to(reporter),
    ):
        return run()


def check_each(apps: Sequence[str], check: Check | None = None) -> None:
    """Load each app and let `check` refuse it. Of several apps a busy one is no error here, so that the others run."""
    from configs.loader import load_app

    for app in apps:
        loaded = load_app(app)
        try:
            if check is not None:
                check(loaded)
        except BusyError:
            if len(apps) == 1:
                raise


def end_warned(*, warned: bool) -> None:
    """Exit with WARNED where the work is done but needs attention, as with stale input or an undelivered night."""
    if warned:
        sys.exit(WARNED)


def run_each(apps: Sequence[str], run: Callable[[str], T]) -> list[T]:
    """Run each app even when one before it failed; then fail with what failed."""
    done, failed = [], []
    for app in apps:
        try:
            done.append(run(app))
        except Exception as error:  # noqa: BLE001  # one app's failure must not cost the others
            failed.append((app, error))
    if len(failed) == 1 and not done:
        raise failed[0][1]
    if failed:
        text = "\n".join(f"{app}: {error}" for app, error in failed)
        raise NightquestError(text, exit_code=max(getattr(error, "exit_code", 1) for _, error in failed))
    return done


def name_of(app: str) -> str:
    """What an app is called, however it was pointed to."""
    from configs.loader import load_app

    return load_app(app).app.app

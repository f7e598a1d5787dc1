"""What a machine, not an app, decides: where things lie, which ports, which limits."""

import datetime as dt
import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from configs.commands import DEFAULT_HOME, remember_home
from configs.errors import NightquestError
from configs.language import Price

PREFIX = "NIGHTQUEST_"
# Read by the command line itself, not a setting.
_NOT_SETTINGS = frozenset({"NIGHTQUEST_DEBUG"})
# Settings that are JSON, with an example of each.
_AS_JSON = {
    "prices": '{"gpt-4": {"input_usd": 30, "output_usd": 60}}',
    "sinks": '{"folder": {"to": "/mnt/nights"}}',
}
# What providers of language models are told, as NIGHTQUEST_<NAME>_<THIS>.
OF_PROVIDERS = ("api_key", "base_url", "model", "api")
_OF_PROVIDER = re.compile(rf"([a-z][a-z0-9_]*)_({'|'.join(OF_PROVIDERS)})")


class Settings(BaseSettings):
    """One frozen set of settings, read once from NIGHTQUEST_* variables; an argument wins over a variable.

    What a provider of language models is told is a setting too (`openai_api_key`); which providers there are is known
    to models/language/offers.py.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="allow")
    __pydantic_extra__: dict[str, SecretStr]

    home: Path = Field(DEFAULT_HOME, description="Where everything that Nightquest writes lives.")
    mlflow_uri: str | None = Field(None, description="MLflow tracking server; default is SQLite under home.")
    prefect_api_url: str | None = Field(None, description="Prefect that records runs; default is `serve`'s, else none.")
    prefect_port: int = Field(4200, ge=1024, le=65535)
    mlflow_port: int = Field(5000, ge=1024, le=65535)
    flood_badges: int = Field(50, ge=0, description="Changed rules that grant more at once wait for --accept.")
    flood_xp: int = Field(5_000, ge=0, description="Changed rules that pay more at once wait for --accept.")
    flood_share: float = Field(
        0.25, ge=0, description="Or the share of active players, or of all XP so far, where that is more."
    )
    max_row_fall: float = Field(0.5, ge=0, le=1, description="A table that shrinks by more stops publication.")
    wait_for_lock_s: float = Field(
        0,
        ge=0,
        le=86_400,
        description="Wait for another process on the app; `serve` sets an hour for its runs.",
    )
    day_grace_h: float = Field(
        3, ge=0, le=12, description="A night serves a day that began at most so long ago, else the next to begin."
    )
    catch_up_nights: int = Field(
        7, ge=0, le=60, description="A scheduled night first makes at most so many missed ones; 0 skips them."
    )
    threads: int | None = Field(
        None, ge=1, le=256, description="Threads for DuckDB; default is all cores, one for a small warehouse."
    )
    memory_gb: float = Field(
        2,
        ge=0.1,
        le=4096,
        description="Memory for DuckDB in GB; what does not fit waits on disk. A training holds twice as much in all.",
    )
    engine: str = Field("local", description="Where the players' work is done: local, processes, or dask.")
    workers: int | None = Field(
        None, ge=1, le=256, description="Processes of a training and of the engine `processes`; default is one a core."
    )
    buckets: int | None = Field(
        None, ge=1, le=65_536, description="Buckets of players; default is one for 25,000, at least one a worker."
    )
    dask_address: str | None = Field(None, description="Scheduler of the engine `dask`: tcp://host:8786.")
    shared_folder: Path | None = Field(
        None, description="Folder that workers see under the same path: players' rows go through it as Parquet."
    )

    training_snapshots: int = Field(
        20_000, ge=1_000, le=100_000_000, description="Players on past days that a training learns from, at most."
    )
    tuning_s: float = Field(
        20,
        ge=0,
        le=86_400,
        description="How long a training looks for better settings of its learners, all questions together; 0: not.",
    )

    scoring_s: float = Field(
        30,
        gt=0,
        le=86_400,
        description="What asking the models of all players may take of a night, in seconds of the processor, all "
        "questions together; a slower model takes nothing over.",
    )

    prices: dict[str, Price] = Field({}, description="US dollars per million tokens, over the providers' own; JSON.")
    price_ceiling_usd: float | None = Field(
        None, gt=0, description="At which a model without a price is counted, per million tokens in and out."
    )
    max_cost_usd: float = Field(1.0, ge=0, description="What the words of one night may cost; 0 buys nothing.")
    max_cost_usd_per_month: float = Field(20.0, ge=0, description="What words may cost in a calendar month (UTC).")
    writing_concurrency: int = Field(64, ge=1, le=512, description="Live requests at one time for each provider.")
    answer_timeout_s: float = Field(120, gt=0, le=600, description="How long one live answer may take.")
    writing_deadline_s: float = Field(
        1800, gt=0, description="How long a night waits for words before it goes offline."
    )
    batch_wait_s: float = Field(600, ge=0, le=86_400, description="How long a night waits for batches still running.")

    sinks: dict[str, dict[str, SecretStr]] = Field(
        {}, description="Destinations of nights beside home and what each is told; JSON, see docs/outputs.md."
    )

    @model_validator(mode="after")
    def _knows_no_other(self) -> Self:
        if strange := [name for name in self.__pydantic_extra__ if not _OF_PROVIDER.fullmatch(name)]:
            raise ValueError(f"there is no setting {', '.join(strange)}")
        return self

    @property
    def of_providers(self) -> dict[str, dict[str, str]]:
        """What each provider of language models is told, by its name, under one of `OF_PROVIDERS`; blanks cut off."""
        told: dict[str, dict[str, str]] = {}
        for setting, value in self.__pydantic_extra__.items():
            if value is not None and (named := _OF_PROVIDER.fullmatch(setting)):
                told.setdefault(named[1], {})[named[2]] = value.get_secret_value().strip()
        return told

    @property
    def day_grace(self) -> dt.timedelta:
        """How long a day may have begun for a night to serve it still."""
        return dt.timedelta(hours=self.day_grace_h)

    @property
    def tracking_uri(self) -> str:
        """MLflow's tracking and registry store."""
        return self.mlflow_uri or f"sqlite:///{self.home.absolute()}/mlflow.db"

    @property
    def artifacts(self) -> Path:
        """Where MLflow keeps models and plots when the store is the local one."""
        return self.home.absolute() / "mlartifacts"

    @property
    def prefect_home(self) -> Path:
        """Prefect's database and profile."""
        return self.home.absolute() / "prefect"


def _check_path(home: Path) -> None:
    """SQLite reads options behind a '?', DuckDB takes a backslash for a slash: their files would lie elsewhere."""
    for sign in "?\\":
        if sign in str(home):
            raise NightquestError(
                f"The home {home} has a '{sign}' in its path, which databases read as something else.",
                "Give --home (or NIGHTQUEST_HOME) a folder without one.",
            )


def load_settings(home: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; an unknown or impossible NIGHTQUEST_* variable is an error that names it.

    Raises:
        NightquestError: A variable is unknown or its value is not allowed, or home's path has a '?' or a backslash.
    """
    environ = os.environ if environ is None else environ
    arguments: dict[str, Any] = {} if home is None else {"home": home}
    known = {PREFIX + name.upper() for name in Settings.model_fields} | _NOT_SETTINGS
    for name in sorted(name for name in environ if name.startswith(PREFIX) and name not in known):
        setting = name.removeprefix(PREFIX).lower()
        if not _OF_PROVIDER.fullmatch(setting):
            near = difflib.get_close_matches(name, known, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"Unset it; known are {', '.join(sorted(known))}."
            raise NightquestError(f"The environment variable {name} is not a setting.", remedy)
        arguments[setting] = environ[name]
    try:
        settings = Settings(**arguments)
    except ValidationError as error:
        first = error.errors()[0]
        name, *inner = map(str, first["loc"])
        where = f" at {'.'.join(inner)}" if inner else ""
        raise NightquestError(
            f"{PREFIX}{name.upper()} is {first['input']!r}{where}: {first['msg']}.", "Correct it or unset it."
        ) from None
    except SettingsError as error:
        name = next(name for name in _AS_JSON if f'"{name}"' in str(error))
        raise NightquestError(
            f"{PREFIX}{name.upper()} is not JSON.",
            f"Write it like {PREFIX}{name.upper()}='{_AS_JSON[name]}', or unset it.",
        ) from None
    _check_path(settings.home.absolute())
    if ":" in str(settings.home):  # readers would take `file:home` for an address
        settings = settings.model_copy(update={"home": settings.home.absolute()})
    remember_home(settings.home)
    return settings

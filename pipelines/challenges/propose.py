"""What could be asked of each player, with how likely they are to play and to get there."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Self, cast

import polars as pl

from configs.app import App
from models.given import SNAPSHOT
from models.learned import LearnedModel
from models.learners.empirical_bayes import PLAYER_KEY, EmpiricalBayes
from models.menus import ask_menu
from models.tasks.attainment import Record, sign_of, with_inputs
from models.tasks.plays import plays_rows
from pipelines.engines.exchange import LazyRows
from pipelines.engines.laid import Frame

# Outside these a target is impossible or trivial for this player, and is never asked.
HARDEST, EASIEST = 0.25, 0.85
_NEAREST = 4
_WINDOWS_AT_ONCE = 100_000  # so that memory does not grow with the players
_FEWEST_AT_ONCE = 10_000  # of fewer a model tells sooner than parts are made
_MOST_AT_ONCE = 4  # such parts, each on a core of its own: for the same reason
PLANNED_WITH = ("plays", "attainment")  # the tasks that make a promise: planning asks for these two by name


@dataclass(frozen=True)
class ChallengeModels:
    """The champions of PLANNED_WITH, and their versions in the registry."""

    plays: LearnedModel
    attainment: LearnedModel
    versions: tuple[str, str] = ("", "")

    @property
    def record(self) -> EmpiricalBayes:
        """What all players reached, as attainment weighs it."""
        return cast("Record", self.attainment.encoding).record

    def told(self) -> tuple[str, str]:
        """What serves of each: its version, or the learner that stands in for one."""
        learners = (self.plays.learner.name, self.attainment.learner.name)
        plays, attainment = (version or learner for version, learner in zip(self.versions, learners, strict=True))
        return plays, attainment


def open_windows(app: App, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Every metric and window open to each snapshot.

    Args:
        app: The app.
        snapshots: player_key, base_day, start_day: the first whole local day that the player can be asked about.
    """
    return (
        snapshots.select(*SNAPSHOT, "start_day")
        .with_columns(lead_days=(pl.col("start_day") - pl.col("base_day")).dt.total_days().cast(pl.Int32))
        .join(pl.DataFrame({"window_days": app.challenges.windows}, schema={"window_days": pl.Int32}), how="cross")
        .with_columns(end_day=pl.col("start_day") + pl.duration(days=pl.col("window_days") - 1))
        .join(pl.DataFrame({"metric": app.challenges.metrics}), how="cross")
    )


class OpenWindows(LazyRows):
    """What is open to snapshots, see `open_windows`: told of some players at a time, since it is a row for each target.

    Args:
        app: The app.
        snapshots: player_key, base_day, start_day.
    """

    def __init__(self, app: App, snapshots: pl.DataFrame) -> None:
        self._app = app
        self._snapshots = snapshots.select(*SNAPSHOT, "start_day")

    def frame(self) -> pl.DataFrame:
        """What is open to all of them."""
        return open_windows(self._app, self._snapshots)

    def of(self, players: pl.Series) -> pl.DataFrame:
        """What is open to some players."""
        return self.later(players).frame()

    def later(self, players: pl.Series, _bucket: int = 0) -> Self:
        """The same, to be told by whoever works on these players."""
        return type(self)(self._app, self._snapshots.filter(pl.col("player_key").is_in(players.implode())))

    def lengths(self) -> pl.DataFrame:
        """What is open to each snapshot, of one metric."""
        one = self._app.challenges.model_copy(update={"metrics": self._app.challenges.metrics[:1]})
        return open_windows(self._app.model_copy(update={"challenges": one}), self._snapshots)


def chance_of_play(models: ChallengeModels, features: Frame, windows: pl.DataFrame) -> pl.DataFrame:
    """player_key, base_day, window_days, p_plays for each snapshot and length."""
    looked_at = [name for name in models.plays.task.inputs if name in features.columns]
    spans = windows.drop("metric", "played", strict=False).unique(maintain_order=True)
    asked = partial(_chances, models, features.select(*SNAPSHOT, *looked_at))
    return pl.concat([asked(some) for some in spans.iter_slices(_WINDOWS_AT_ONCE)] or [asked(spans)])


def _chances(models: ChallengeModels, features: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    rows = plays_rows(features, spans)
    return rows.select(*SNAPSHOT, "window_days").with_columns(pl.Series("p_plays", models.plays.predict(rows)))


def propose_targets(
    app: App,
    models: ChallengeModels,
    features: pl.DataFrame,
    past: pl.DataFrame,
    windows: pl.DataFrame,
    wanted: pl.DataFrame,
    chances: pl.DataFrame,
) -> pl.DataFrame:
    """The one target per player, metric and window whose conditional probability is nearest the wanted one.

    "The largest target still above the wanted probability" would overshoot on small counts. On how many days something
    is done is asked of windows of several days only.

    Args:
        app: The app.
        models: The champions.
        features: One row per snapshot.
        past: Own past windows of the snapshots.
        windows: From `open_windows`, or a part of it.
        wanted: player_key, base_day, wanted: the conditional probability to aim at.
        chances: player_key, base_day, window_days, p_plays, by which the night may move conditional probabilities.

    Returns:
        The windows that have such a target, with target (unsigned), op, probability_if_active, evidence, knowledge
        (evidence / (evidence + strength)), own_28 and wanted.
    """
    days = [name for name, metric in app.metrics.items() if metric.agg == "days"]
    windows = windows.filter(~pl.col("metric").is_in(days) | (pl.col("window_days") > 1))
    windows = windows.join(wanted, on=list(SNAPSHOT), how="inner", maintain_order="left").sort(PLAYER_KEY)
    asked_of = [*SNAPSHOT, "window_days"]
    windows = windows.join(chances.select(*asked_of, "p_plays"), on=asked_of, how="inner", maintain_order="left")
    past = past.with_columns(pl.col("value") * sign_of(app))
    # Not by the threads of a model's library, which spin while they wait for each other where cores are shared.
    at_once = min(pl.thread_pool_size(), _MOST_AT_ONCE)
    each = min(max(-(-windows.height // at_once), _FEWEST_AT_ONCE), _WINDOWS_AT_ONCE)
    with ThreadPoolExecutor(at_once) as threads:
        parts = list(threads.map(partial(_nearest, models, features, past), windows.iter_slices(each)))
    return (
        pl.concat(parts or [_nearest(models, features, past, windows)])
        .with_columns(
            target=pl.col("target") * sign_of(app),
            op=pl.when(sign_of(app) > 0).then(pl.lit(">=")).otherwise(pl.lit("<=")),
            knowledge=pl.col("evidence") / (pl.col("evidence") + pl.col("strength")),
        )
        .select(
            *(*PLAYER_KEY, "lead_days", "start_day", "end_day", "target", "op", "probability_if_active", "evidence"),
            *("knowledge", "own_28", "wanted"),
        )
    )


def _nearest(
    models: ChallengeModels, features: pl.DataFrame, past: pl.DataFrame, windows: pl.DataFrame
) -> pl.DataFrame:
    """The target of each window that the model finds nearest to the wanted chance; of equally near ones the smallest.

    Args:
        models: The champions.
        features: One row per snapshot.
        past: Own past windows of the snapshots, values signed.
        windows: PLAYER_KEY, lead_days, start_day, wanted and others, which are kept.
    """
    record = models.record
    of_players = pl.col("player_key").is_between(windows["player_key"].min(), windows["player_key"].max())
    # One metric and length after the other: alike rows take the same ways through a model's trees, which saves a third.
    windows = windows.with_row_index("_window").sort("metric", "window_days", maintain_order=True)
    asked = with_inputs(features.filter(of_players), windows)
    rows = ask_menu(
        record,
        past.filter(of_players),
        asked,
        lowest=HARDEST - 0.1,
        highest=EASIEST + 0.07,
        nearest=_NEAREST,
    )
    rows = rows.with_columns(pl.Series("probability_if_active", models.attainment.predict(rows)))
    rows = rows.filter(pl.col("probability_if_active").is_between(HARDEST, EASIEST))
    off = (pl.col("probability_if_active") - pl.col("wanted")).abs()
    best = rows.sort("_window", off, "target").unique("_window", keep="first", maintain_order=True)
    return best.with_columns(pl.Series("strength", record.strength(best)))


def wanted_probability(app: App, profiles: pl.DataFrame, chances: pl.DataFrame) -> pl.DataFrame:
    """The conditional probability to aim at: the app's centre, lower for the bold and skilled, higher for the careful.

    wanted = centre - (b - mean b), kept within 0.1 of the centre, where b = 0.1 risk_tolerance + 0.06 skill and its
    mean weighs each player by their chance of play: over those who play, the night keeps to the centre.

    Args:
        app: The app.
        profiles: player_key, base_day, risk_tolerance and skill, both 0 to 1.
        chances: player_key, base_day, window_days, p_plays.
    """
    likely = chances.group_by(SNAPSHOT).agg(weight=pl.col("p_plays").max())
    bold = 0.1 * pl.col("risk_tolerance") + 0.06 * pl.col("skill")
    usual = (pl.col("bold") * pl.col("weight")).sum() / pl.col("weight").sum()
    centre = app.challenges.target_probability
    return (
        profiles.join(likely, on=SNAPSHOT, how="left", maintain_order="left")
        .with_columns(bold=bold, weight=pl.col("weight").fill_null(0.0))
        .select(*SNAPSHOT, wanted=(centre - (pl.col("bold") - usual)).clip(centre - 0.1, centre + 0.1))
    )

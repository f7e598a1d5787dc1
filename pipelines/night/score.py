"""What every model expects of the players tonight: the published scores."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields

import polars as pl

from configs.app import App
from configs.full_disk import is_full
from models.calibration import Recalibration
from models.given import Asked, Samples
from models.learned import LearnedModel
from models.task import SCORE, SCORES, with_reasons
from pipelines.challenges.propose import PLANNED_WITH, ChallengeModels
from pipelines.engines.buckets import HERE, Buckets, PlayerRows
from pipelines.engines.laid import Frame, Laid, whole
from pipelines.known import Known
from pipelines.learning.recalibrate import moved
from pipelines.players.content_liked import TASK as CONTENT
from pipelines.players.content_liked import score_content

# Names are numbered: a night has twenty rows and more of each player, which differ in little else.
_NAMES = dict.fromkeys(("target", "band", "task", "model_version"), pl.Categorical())
TOLD: dict[str, pl.DataType] = {**SCORES, **_NAMES}
NOTHING_KEPT: Mapping[str, Frame | PlayerRows] = {}
NO_PROFILES = pl.DataFrame()
MOST_EXPLAINED = 20_000  # players: to tell why costs far more than to tell how likely
FEW = 1_000  # players who are not worth a second core
AT_A_TIME = 5_000  # players of whom a model is asked together: of each it may read all features a dozen times
MOST_AT_ONCE = 4  # such parts, each on a core of its own: for the same reason
_log = logging.getLogger(f"nightquest.{__name__}")


@dataclass(frozen=True)
class Served:
    """A model that serves, and its version in the registry or the learner that stands in for one."""

    model: LearnedModel
    version: str


@dataclass(frozen=True)
class Scored:
    """The scores of a night.

    Attributes:
        rows: By task: columns TOLD; on the disk where the players' profiles are, in the same parts.
        served: By task, what they come from, as moved for the night.
        notes: A sentence for each task whose scores are left out.
    """

    rows: Mapping[str, Frame] = field(default_factory=dict)
    served: Mapping[str, Served] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def of(self, task: str) -> pl.DataFrame:
        """The scores of one task."""
        return whole(self.rows[task]) if task in self.rows else pl.DataFrame(schema=TOLD)

    def moved(self) -> list[str]:
        """The tasks whose models were moved to fit what has settled lately."""
        return [name for name, each in self.served.items() if each.model.adjustment != Recalibration()]


def score(
    known: Known,
    planning: ChallengeModels,
    others: Mapping[str, Served],
    asked: Asked,
    settled: Samples,
    buckets: Buckets = HERE,
    kept: Mapping[str, Frame | PlayerRows] = NOTHING_KEPT,
    profiles: Frame = NO_PROFILES,
) -> Scored:
    """Ask every model of tonight's players; a task that fails costs its own scores alone.

    Args:
        known: What the night may see.
        planning: The models of PLANNED_WITH, as moved for the night.
        others: Every other model that serves, by task.
        asked: The players.
        settled: What the others are moved by.
        buckets: Where the models are asked.
        kept: By attribute of `asked`, what stands for it and is read a bucket at a time.
        profiles: Of the players; where they lie on the disk, each task's scores do before the next is asked.
    """
    laid = profiles.cut_like_this if isinstance(profiles, Laid) else _as_they_are
    ready = zip(PLANNED_WITH, (planning.plays, planning.attainment), planning.told(), strict=True)
    served = {name: Served(model, version) for name, model, version in ready}
    rows, notes = {name: laid(_scores(known, served[name], asked, buckets, kept)) for name in PLANNED_WITH}, list[str]()
    for name, each in others.items():
        try:
            tonight = Served(moved(known, each.model, settled), each.version)
            rows[name] = laid(_scores(known, tonight, asked, buckets, kept))
            served[name] = tonight
        except Exception as error:
            if is_full(error):
                raise
            notes.append(f"The scores of {name} are left out: {type(error).__name__}: {error}.")
            _log.warning("%s", notes[-1], exc_info=error)
    counted = score_content(known, asked.features)
    rows[CONTENT] = laid(_named(counted, CONTENT, "counted"))
    return Scored(rows, served, tuple(notes))


def _scores(
    known: Known, served: Served, asked: Asked, buckets: Buckets, kept: Mapping[str, Frame | PlayerRows] = NOTHING_KEPT
) -> pl.DataFrame:
    """What a task publishes.

    Raises:
        ValueError: It is not what the table `scores` promises its readers.
    """
    task = served.model.task
    given = {part.name: getattr(asked, part.name) for part in fields(Asked)} | dict(kept)
    unasked = {"past": not task.asks_of_past, "badges": not task.asks_of_badges, "days": not task.asks_of_days}
    frames = [pl.DataFrame() if unasked.get(name) else rows for name, rows in given.items()]
    rows = buckets.each(_told, (served.model, known.app), frames)
    if task.kinds(known.app) and rows.height:
        some = _likeliest(rows) if asked.features.height > MOST_EXPLAINED else rows
        among = [_among(frame, some["player_key"].unique()) for frame in frames]
        rows = with_reasons(rows, buckets.each(_why, (served.model, known.app), [*among, some]))
    rows = rows.select(pl.col(n).cast(t) for n, t in SCORES.items())
    if not rows["probability"].is_between(0, 1).all() or rows["probability"].null_count():
        raise ValueError("a probability is not between 0 and 1")
    if rows.select(SCORE).is_duplicated().any():
        raise ValueError("a player has two scores for one target and horizon")
    return _named(rows, task.name, served.version)


def _as_they_are(rows: pl.DataFrame) -> Frame:
    return rows


def _named(rows: pl.DataFrame, task: str, version: str) -> pl.DataFrame:
    """Scores with the task and model that they come from: columns TOLD."""
    named = rows.with_columns(task=pl.lit(task), model_version=pl.lit(version))
    return named.select(pl.col(name).cast(kind) for name, kind in TOLD.items())


def _likeliest(rows: pl.DataFrame) -> pl.DataFrame:
    """The scores of MOST_EXPLAINED players, those first of whom something is the likeliest."""
    players = rows.group_by("player_key").agg(pl.col("probability").max())
    players = players.sort("probability", "player_key", descending=[True, False]).head(MOST_EXPLAINED)
    return rows.join(players, on="player_key", how="semi", maintain_order="left")


def _among(frame: Frame | PlayerRows, players: pl.Series) -> pl.DataFrame | PlayerRows:
    """The rows of some players; `PlayerRows`, which workers read by player themselves, stay as they are."""
    if isinstance(frame, Laid):
        return frame.of(players)
    if isinstance(frame, pl.DataFrame) and frame.width:
        return frame.filter(pl.col("player_key").is_in(players.implode()))
    return frame


def _told(model: LearnedModel, app: App, *frames: pl.DataFrame) -> pl.DataFrame:
    """What a model's task tells of a bucket of players, whose frames are those of `Asked`."""
    return _some_at_a_time(lambda asked: model.task.scores(model, app, Asked(*asked)), frames)


def _why(model: LearnedModel, app: App, *frames: pl.DataFrame) -> pl.DataFrame:
    """The reasons of scores, which are the last frame."""
    return _some_at_a_time(lambda given: model.task.why(model, app, Asked(*given[:-1]), given[-1]), frames)


Frames = Sequence[pl.DataFrame]


def _some_at_a_time(tell: Callable[[Frames], pl.DataFrame], frames: Frames) -> pl.DataFrame:
    """What is told of a bucket of players, of whom the first frame has a row each, some on each core."""

    def of(players: pl.DataFrame) -> pl.DataFrame:
        theirs = (
            rows.join(players, on="player_key", how="semi", maintain_order="left") if rows.width else rows
            for rows in frames
        )
        return tell(list(theirs))

    players, cores = frames[0].select("player_key"), min(pl.thread_pool_size(), MOST_AT_ONCE)
    if players.height <= FEW:
        return tell(frames)
    times = math.ceil(players.height / (AT_A_TIME * cores))  # of as many on each core, so that none waits for the last
    with ThreadPoolExecutor(cores) as threads:
        return pl.concat(threads.map(of, players.iter_slices(math.ceil(players.height / (times * cores)))))

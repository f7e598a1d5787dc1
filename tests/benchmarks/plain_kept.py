"""The promises of a replay beside one plain model over (features, metric, target, window) -> kept.

    nightquest replay stackexchange --from 2018-06-05 --to 2018-08-15
    python -m tests.benchmarks.plain_kept stackexchange

The rivals answer the same challenges, know the same days, learn anew on the same days, and are recalibrated on the last
fifth of what they know: `plain` is LightGBM over what is known of play and of the metric, `with record` also over how
often the player's own windows came to as much, `mean` is the middle of that and the promise, in log-odds.
"""

import argparse
import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from configs.app import App
from configs.loader import load_app
from configs.settings import Settings
from models.calibration import Recalibration, logits
from models.contest.scores import calibration_error, clustered_interval, log_losses
from models.contest.split import END, recency
from models.given import SNAPSHOT, Samples
from models.learned import LearnedModel
from models.learners.empirical_bayes import PLAYER_KEY, EmpiricalBayes
from models.learners.lightgbm import LightGBM
from models.menus import ask_menu
from models.tasks.attainment import FEATURES, MONOTONE, Attainment, Record, sign_of, whole_metrics, with_inputs
from models.tasks.plays import FEATURES as PLAYS
from models.tasks.plays import plays_matrix, plays_rows
from pipelines.known import Known
from pipelines.learning.samples import draw_samples
from pipelines.learning.training import MOST_SNAPSHOTS, SEED, past_days
from pipelines.pins import day_start, make_night
from pipelines.players.snapshots import eligible_players, look_at
from pipelines.replay.replay import RETRAIN_DAYS
from pipelines.stores import open_app

Array = NDArray[np.float64]
MOST_WINDOWS, HALF_LIFE_DAYS = 60_000, 60.0
EXTRA = tuple(name for name in PLAYS if name not in FEATURES)
RECORD = ("over_mean", "record", "population", "evidence", "past_mean", "past_sd")


class WithRecord(Attainment):
    """The question itself, of windows with and without play."""

    features = (*FEATURES, *EXTRA)
    monotone: ClassVar[Mapping[str, int]] = {**MONOTONE, **dict.fromkeys(EXTRA, 0)}


class Plain(WithRecord):
    """Without how often the player's own windows came to as much."""

    features = tuple(name for name in WithRecord.features if name not in RECORD)
    monotone: ClassVar[Mapping[str, int]] = {name: -1 if name == "log_target" else 0 for name in features}


RIVALS: dict[str, type[Attainment]] = {"plain": Plain, "with record": WithRecord}


def learn(known: Known) -> dict[str, LearnedModel]:
    """The rivals as known at a night."""
    app = known.app
    samples = draw_samples(known, past_days(known, known.base_day), most=MOST_SNAPSHOTS, seed=SEED)
    windows = _windows(app, samples)
    days = windows["base_day"].sort()
    cut = days[int(len(days) * 0.8)]
    early, late = windows.filter(cut > END), windows.filter(pl.col("base_day") >= cut)
    before, whole = (_record(app, samples, windows.filter(day > END)) for day in (cut, dt.date.max))
    fit, judge = _asked(app, samples, before, early), _asked(app, samples, before, late)
    every = _asked(app, samples, whole, windows)
    return {name: _learned(task(), (before, whole), fit, judge, every) for name, task in RIVALS.items()}


def _learned(
    task: Attainment, records: tuple[Record, Record], fit: pl.DataFrame, judge: pl.DataFrame, every: pl.DataFrame
) -> LearnedModel:
    """Fitted on all rows, recalibrated by what one fitted on the early ones said of the late ones."""
    settings = task.settings["lightgbm"]
    early, model = (LearnedModel(task, record, LightGBM(seed=SEED, **settings)) for record in records)
    said = early.fit(fit, weights=recency(fit, HALF_LIFE_DAYS)).predict(judge)
    model.fit(every, weights=recency(every, HALF_LIFE_DAYS))
    model.recalibration = Recalibration.fit(judge["hit"].to_numpy(), said, steepest=1.0)
    return model


def _windows(app: App, samples: Samples) -> pl.DataFrame:
    """Every window that was over, with signed values; days are asked of windows of several only, as planning does."""
    days = [name for name, metric in app.metrics.items() if metric.agg == "days"]
    signed = samples.labels.with_columns(
        pl.col("value") * sign_of(app), start_day=pl.col("base_day") + pl.duration(days="lead_days")
    )
    return signed.filter(~pl.col("metric").is_in(days) | (pl.col("window_days") > 1))


def _record(app: App, samples: Samples, windows: pl.DataFrame) -> Record:
    past = samples.past.with_columns(pl.col("value") * sign_of(app))
    return Record(EmpiricalBayes.fit(windows.filter("played"), past, whole_metrics(app), seed=SEED))


def _asked(app: App, samples: Samples, record: Record, windows: pl.DataFrame) -> pl.DataFrame:
    """Two targets of each of some windows, with whether they were kept."""
    past = samples.past.with_columns(pl.col("value") * sign_of(app))
    some = windows.sample(min(windows.height, MOST_WINDOWS), seed=SEED)
    asked = ask_menu(record.record, past, some, lowest=0.06, highest=0.95)
    asked = asked.filter(pl.int_range(pl.len()).shuffle(seed=SEED).over([*PLAYER_KEY, "lead_days"]) < 2)
    kept = pl.col("played") & (pl.col("value").fill_null(float("-inf")) >= pl.col("target"))
    rows = asked.select(*PLAYER_KEY, "lead_days", "start_day", "target", hit=kept.cast(pl.Float64))
    return _seen(samples.features, record, past, rows)


def _seen(features: pl.DataFrame, record: Record, past: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Questions with all that is known of the player, the metric and the window."""
    known = record.record.weigh(with_inputs(features, rows), past)
    keys = [*SNAPSHOT, "lead_days", "window_days"]
    spans = plays_rows(features, rows.select(*PLAYER_KEY, "lead_days", "start_day"))
    play = pl.concat([spans.select(keys), plays_matrix(spans).select(EXTRA)], how="horizontal")
    return known.join(play.unique(keys, maintain_order=True), on=keys, how="left", maintain_order="left")


def answers(known: Known, models: dict[str, LearnedModel], issued: pl.DataFrame) -> pl.DataFrame:
    """What the rivals say of a night's challenges: the promise, what was kept, and a column each."""
    app = known.app
    (now,) = look_at(known, eligible_players(known, [known.base_day]))
    past = now.past.whole().with_columns(pl.col("value") * sign_of(app))
    lead = (pl.col("start_day") - pl.lit(known.base_day)).dt.total_days().cast(pl.Int32)
    rows = issued.with_columns(pl.col("window_days").cast(pl.Int32), pl.col("target") * sign_of(app))
    rows = rows.with_columns(base_day=pl.lit(known.base_day), lead_days=lead)
    told = {
        name: model.predict(_seen(now.features, model.encoding, past, rows.select(_OF_CHALLENGES)))
        for name, model in models.items()
    }
    return issued.select("player_key", "hit", promised="completion_probability").with_columns(
        pl.Series(name, p) for name, p in told.items()
    )


_OF_CHALLENGES = (*PLAYER_KEY, "lead_days", "start_day", "target")


def compared(rows: pl.DataFrame) -> Iterator[str]:
    """A line for the promise and each rival: log-loss, how far it is behind the promise (by player), calibration."""
    y, players = rows["hit"].cast(pl.Float64).to_numpy(), rows["player_key"].to_numpy()
    said = {name: rows[name].to_numpy() for name in ("promised", *RIVALS)}
    said["mean"] = expit((logits(said["promised"]) + logits(said["with record"])) / 2)
    ours = log_losses(y, said["promised"])
    for name, p in said.items():
        behind = log_losses(y, p) - ours
        low, high = clustered_interval(behind, players)
        yield (
            f"{name:12} log-loss {log_losses(y, p).mean():.4f} behind {behind.mean():+.4f} ({low:+.4f} to {high:+.4f}) "
            f" promised {p.mean():.3f} kept {y.mean():.3f}  calibration error {calibration_error(y, p):.4f}"
        )


def main() -> None:
    """Compare the newest replay under home."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.plain_kept", description=__doc__)
    parser.add_argument("app")
    parser.add_argument("--home", type=Path, default=Path(".nightquest"))
    given = parser.parse_args()
    loaded, settings = load_app(given.app), Settings(home=given.home)
    newest = max((given.home / "replay" / loaded.app.app).glob("*.parquet"), key=lambda path: path.stat().st_mtime)
    promises, parts, models = pl.read_parquet(newest), list[pl.DataFrame](), dict[str, LearnedModel]()
    first, last = map(dt.date.fromisoformat, newest.stem.split("_"))
    with open_app(settings, loaded) as warehouse:
        for day in pl.date_range(first, last, eager=True):
            known = Known(warehouse, make_night(warehouse, loaded.app, day, day_start(loaded.app, day)))
            models = learn(known) if (day - first).days % RETRAIN_DAYS == 0 else models
            issued = promises.filter(as_of=day)
            parts += [answers(known, models, issued)] if issued.height else []
    for line in compared(pl.concat(parts)):
        print(line)


if __name__ == "__main__":
    main()

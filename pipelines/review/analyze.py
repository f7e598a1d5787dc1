"""Analyze: a player, rows given by hand or a file of any length, by the segments that serve and the night's players."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from configs.app import App
from configs.commands import command
from configs.errors import NightquestError
from configs.loader import LoadedApp
from configs.settings import Settings
from configs.speaking import own_language
from configs.wording import metric_words
from data.warehouse import Warehouse, scratch
from models.tasks.segments import SegmentModel, Segments
from pipelines.activity.columns import OWN_COLUMNS
from pipelines.activity.raw_tables import taken_apart
from pipelines.activity.read_files import Block, read_blocks
from pipelines.activity.refused import FileRefusedError
from pipelines.known import Known
from pipelines.night.find_champions import look, none_yet
from pipelines.players.segments import WINDOW_DAYS, played_there, player_cohorts, suits
from pipelines.players.snapshots import describe, eligible_players
from pipelines.review.explain import night_seen, not_judged, player_key
from pipelines.review.rows_given import columns_for, read_rows
from pipelines.review.standings import Judge, reference_of
from pipelines.stores import has_registry, open_app, open_registry
from pipelines.words.briefs import Brief
from pipelines.words.fill import fill_in
from pipelines.words.writers.offline import AI_PROVIDER, MODEL, write_variants

_VARIANTS = 12
_MESSAGE = "motivational_message"


@dataclass(frozen=True)
class Opened:
    """What an analysis rests on, while the warehouse is open."""

    judge: Judge
    known: Known
    rows: pl.DataFrame  # the players' own, as the judge reads them, one of each cohort that judges


@contextmanager
def open_judge(settings: Settings, loaded: LoadedApp, now: dt.datetime) -> Iterator[Opened]:
    """The segments that serve and the players of the newest night that went out, else of the coming one.

    Raises:
        NightquestError: No model of segments serves.
        BusyError: Another process is working on the app.
    """
    app = loaded.app
    with open_app(settings, loaded) as warehouse:
        known = Known(warehouse, night_seen(warehouse, app, now, settings.day_grace))
        model, version = _segments(settings, app, known.as_of)
        features = describe(known, eligible_players(known, [known.base_day]))
        rows = reference_of(app, model, features, player_cohorts(known), played_there(known, features))
        yield Opened(Judge(app, model, version, rows), known, rows)


def analyze_player(opened: Opened, user_id: str) -> list[dict[str, Any]]:
    """One player in each cohort that judges them: those with a mixture of their own, and all players together.

    Raises:
        NightquestError: There is no such player, or the night does not judge them.
    """
    known = opened.known
    key = player_key(known, user_id)
    rows = opened.rows.filter(player_key=key)
    if rows.is_empty():
        raise NightquestError(not_judged(known, user_id, key), "Take a player who played since then.")
    return told(opened.judge, rows.drop("judged_as", "segment"))


def analyze_given(judge: Judge, given: Mapping[str, str], cohort: str = "") -> list[dict[str, Any]]:
    """One row given by hand, by the names that a file's columns may have.

    Raises:
        NightquestError: Its score is missing, or something is no number.
    """
    frame = pl.DataFrame({name: [value] for name, value in given.items()})
    rows = read_rows(judge.app, judge.model, frame, columns_for(judge.app, frame.columns), cohort)
    if fault := rows["error"].item():
        raise NightquestError(f"{fault}.", "Write it as a number.")
    return told(judge, judge.filled_in(rows.drop("error")))


def analyze_file(judge: Judge, path: Path, cohort: str = "") -> Iterator[tuple[pl.DataFrame, list[dict[str, Any]]]]:
    """A file block by block: its rows as given, with `line`, and what is told of each; of a bad one its error alone.

    Raises:
        NightquestError: The file cannot be read, or has no score.
    """
    if not path.is_file():
        raise NightquestError(f"There is no file {path}.", "Give the path of a CSV, JSON or Parquet file.")
    try:
        for block in read_blocks(path, ()):
            for given in _parts(block):
                found = columns_for(judge.app, [name for name in given.columns if name not in OWN_COLUMNS])
                yield _given(given), _told_or_wrong(judge, given, found, cohort)
            if block.bad:
                lines = pl.DataFrame({"line": [bad.line for bad in block.bad]})
                yield lines, [{"error": bad.reason} for bad in block.bad]
    except FileRefusedError as error:
        raise NightquestError(
            f"{path} cannot be read: {error}", "docs/ingest.md says how files may be written."
        ) from None


def model_info(judge: Judge) -> dict[str, Any]:
    """What judges: version, features, levels and bands, the mixtures, and percentiles by cohort and level."""
    quality = judge.model.quality.select(
        "cohort", "players", "rows", "components", "covariance", "stability", "silhouette"
    )
    return {
        "version": judge.version,
        "features": [measure.column for measure in judge.model.measures],
        "levels": list(judge.model.levels),
        "bands": judge.app.segments.bands,
        "cohorts": quality.to_dicts(),
        "targets": judge.percentiles().to_dicts(),
    }


def told(judge: Judge, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """What is told of rows: cluster_prediction, performance_targets and motivational_message."""
    judged = judge.judge(rows)
    score = judge.app.segments.score
    messages = _messages(judge.app, judged)
    return [
        {
            "cohort": cohort,
            "judged_as": row["judged_as"],
            "compared_with": row["compared_with"],
            "cluster_prediction": {
                "cluster": row["cluster"],
                "cluster_label": row["cluster_label"],
                "confidence": round(row["confidence"], 4),
                "probabilities": {level: round(row[f"chance_{level}"], 4) for level in judge.model.levels},
            },
            "performance_targets": {f"{p}th_percentile": row[f"p_{p}"] for p in judge.app.segments.percentiles},
            "motivational_message": {
                "message": message,
                "metric": score,
                "current_score": row["current_score"],
                "next_target": row["next_target"],
                "next_percentile": row["next_percentile"],
            },
        }
        for row, cohort, message in zip(judged.to_dicts(), rows["cohort"], messages, strict=True)
    ]


def _segments(settings: Settings, app: App, as_of: dt.date) -> tuple[SegmentModel, str]:
    again = f"Run: {command('train', app=app.app)}"
    if not has_registry(settings):
        raise NightquestError("No model of segments serves yet.", again)
    found = look(open_registry(settings), app, Segments.name, as_of)
    if found.later:
        raise NightquestError(
            f"The model of segments that serves was trained on later days than the night of {as_of}.", "Run a night."
        )
    if found.loaded is None or not isinstance(found.loaded.model, SegmentModel):
        raise NightquestError(*none_yet(Segments.name, found, again))
    if not suits(app, found.loaded.model):
        raise NightquestError("The model of segments is of an older app file.", again)
    return found.loaded.model, f"{found.loaded.name}/{found.loaded.version}"


def _parts(block: Block) -> Sequence[pl.DataFrame]:
    """A block's rows with their columns."""
    if not block.is_json:
        return [block.frame]
    with scratch() as warehouse:
        return [_apart(warehouse, block)]


def _apart(warehouse: Warehouse, block: Block) -> pl.DataFrame:
    with warehouse.lend(_block=block.frame):
        relation, bad = taken_apart(warehouse)
        block.bad.extend(bad)
        return warehouse.frame(f"SELECT * FROM {relation}")


def _given(given: pl.DataFrame) -> pl.DataFrame:
    own = [name for name in given.columns if name not in OWN_COLUMNS]
    return given.select(pl.col("_line").alias("line"), *own)


def _told_or_wrong(judge: Judge, given: pl.DataFrame, found: Mapping[str, str], cohort: str) -> list[dict[str, Any]]:
    rows = read_rows(judge.app, judge.model, given, found, cohort)
    fit = iter(told(judge, judge.filled_in(rows.filter(pl.col("error").is_null()).drop("error"))))
    return [{"error": error} if error else next(fit) for error in rows["error"]]


def _messages(app: App, judged: pl.DataFrame) -> list[str]:
    """A message for each row from the app's own voice: of the next target, or of none."""
    if judged.is_empty():
        return []
    score = app.segments.score
    speaks = bool(metric_words(app, score)) and score in app.challenges.metrics
    kinds = {"target": score, "none": ""} if speaks else {"none": ""}
    written = pl.concat([_written(app, occasion, metric) for occasion, metric in kinds.items()])
    aims = pl.col("next_target").is_not_null() & speaks
    # Rows beside each other get different texts; those of a target come first.
    at = pl.int_range(pl.len()) % _VARIANTS + pl.when(aims).then(0).otherwise(_VARIANTS * (len(kinds) - 1))
    chosen = judged.select(
        at=at.cast(pl.UInt32),
        content_type=pl.lit(_MESSAGE),
        metric=pl.when(aims).then(pl.lit(score)).otherwise(pl.lit("")),
        amount=pl.when(aims).then("next_target"),
        window_days=pl.lit(WINDOW_DAYS),
        percentile=pl.when(aims).then(pl.col("next_percentile").cast(pl.Int32)),
    )
    return fill_in(app, chosen, written)["text"].to_list()


def _written(app: App, occasion: str, metric: str) -> pl.DataFrame:
    """The texts of an occasion with slots, _VARIANTS of them: where the grammar has fewer, some come again."""
    brief = Brief(f"analyze {occasion}", _MESSAGE, "", metric, "", own_language(app), occasion, _VARIANTS)
    found = write_variants(app, brief, seed=0)
    rows = [(one.title, one.text, occasion, one.variant, one.metadata, one.language) for one in found]
    frame = pl.DataFrame(rows, schema=["title", "text", "brief_id", "variant", "metadata", "language"], orient="row")
    by = {"ai_provider": AI_PROVIDER, "model": MODEL, "prompt_version": ""}
    frame = frame.with_columns(pl.lit(value).alias(name) for name, value in by.items())
    return frame[[i % frame.height for i in range(_VARIANTS)]]

"""What would have changed an answer: the nearest change of a player's own play that moves it, as the model says.

A change alters what a snapshot says of the player as if they had played otherwise, and the model answers anew. It is
what the model would have said, no promise of what would have happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from configs.app import App
from models.calibration import logits
from models.given import Asked, Change
from models.task import Answering, BinaryTask

ENOUGH = 0.5  # log-odds: odds two thirds higher, or two fifths lower


@dataclass(frozen=True)
class Changed:
    """One change, with the answer before and after it.

    Attributes:
        text: What would have been otherwise: "they had played on each of the last 2 days".
        within_days: Whose answer it is: of the longest horizon.
        enough: Whether it moves the answer much; else it is the farthest of its kind, and moves it little.
    """

    text: str
    target: str | None
    within_days: int
    before: float
    after: float
    enough: bool


def nearest_changes(task: BinaryTask[Any], model: Answering, app: App, asked: Asked) -> list[Changed]:
    """For each way to change and each target, the smallest change that moves the answer much, else the farthest.

    Args:
        task: It says which `changes` there are and which way is `wanted`.
        model: Who answers.
        app: The app.
        asked: One player.
    """
    changes = task.changes(app)
    if not changes or not asked.features.height:
        return []
    if asked.badges.width:  # only those told of, so that none takes the place of another
        told = task.scores(model, app, asked)["target"]
        asked = replace(asked, badges=asked.badges.filter(pl.col("badge_id").is_in(told.implode())))
    variants = _variants(asked, [Change("", 0.0, pl.lit("")), *changes])
    scores = task.scores(model, app, variants.asked)
    scores = scores.filter(pl.col("horizon_days") == pl.col("horizon_days").max().over("player_key", "target"))
    answers = {(row["player_key"], row["target"]): row for row in scores.to_dicts()}
    before = {target: row for (key, target), row in answers.items() if key == _key(0)}
    found: list[Changed] = []
    for target, row in before.items():
        for way in dict.fromkeys(change.way for change in changes):
            steps = [
                Changed(text, target, row["horizon_days"], row["probability"], after["probability"], enough=False)
                for place, (change, text) in enumerate(zip(changes, variants.texts(target)[1:], strict=True), start=1)
                if change.way == way and text and (after := answers.get((_key(place), target)))
            ]
            found += _nearest(steps, task.wanted)
    return found


def _nearest(steps: Sequence[Changed], wanted: int) -> list[Changed]:
    """Steps are in order of effort; what moves the answer the unwanted way is none."""
    helping = [each for each in steps if wanted * (each.after - each.before) > 0.005]
    for each in helping:
        moved = np.abs(np.diff(logits(np.array([each.before, each.after]))))[0]
        if moved >= ENOUGH:
            return [replace(each, enough=True)]
    return [max(helping, key=lambda each: wanted * each.after)] if helping else []


@dataclass(frozen=True)
class _Variants:
    """A player as many as there are changes, under keys of their own."""

    asked: Asked
    told: pl.DataFrame

    def texts(self, target: str | None) -> list[str | None]:
        """What each variant is, null where that change is none for this player and target."""
        mine = self.told.filter(pl.col("badge_id").eq_missing(pl.lit(target))) if "badge_id" in self.told else self.told
        return mine.sort("place")["text"].to_list()


def _key(place: int) -> int:
    return -1 - place


def _variants(asked: Asked, changes: Sequence[Change]) -> _Variants:
    features, badges, told = [], [], []
    with_badges = asked.badges.width > 0
    for place, change in enumerate(changes):
        whole = asked.features.with_columns(player_key=pl.lit(_key(place), pl.Int64))
        features.append(_changed(whole, change.features))
        beside = asked.badges.with_columns(player_key=pl.lit(_key(place), pl.Int64)) if with_badges else None
        if beside is not None:
            badges.append(_changed(beside, change.badges))
        seen = whole if beside is None else beside.join(whole, on="player_key")
        text = pl.when(change.possible).then(change.text)
        told.append(seen.select(*(["badge_id"] if with_badges else []), text=text, place=pl.lit(place)))
    days = [asked.days.with_columns(player_key=pl.lit(_key(place), pl.Int64)) for place in range(len(changes))]
    tonight = replace(
        asked,
        features=pl.concat(features),
        badges=pl.concat(badges) if badges else asked.badges,
        days=pl.concat(days) if asked.days.width else asked.days,
    )
    return _Variants(tonight, pl.concat(told))


def _changed(rows: pl.DataFrame, columns: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Rows with other values, of the same types."""
    return rows.with_columns(value.cast(rows.schema[name]).alias(name) for name, value in columns.items())

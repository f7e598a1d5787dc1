"""Which of tonight's challenges, missions and achievements pay something beside the formula's XP, and how much.

Difficulty is that of the promise, 1 to 10; of an achievement it follows from the share of players who have come as far,
as a challenge's does from the chance.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from configs.app import App
from configs.rewards import XP, Kind, Offer
from pipelines.challenges.plan import difficulty
from pipelines.engines.laid import Frame
from pipelines.experiments.arms import Trial
from pipelines.known import Known
from pipelines.luck import lot, luck
from pipelines.rewards.limits import live_promises, reserved, within_budgets, within_limits, without_held
from pipelines.rewards.price import price
from pipelines.rewards.titles import item_title
from pipelines.rewards.trial import assign_tables
from pipelines.rewards.week import with_own_days
from pipelines.rewards.words import amount_words, joined_words
from pipelines.words.alike import find_alike

_OF = "promise"  # of an offer, its row among the promises
# What is weighed of an offer; many more are than pay something in the end.
_WEIGHED = {
    _OF: pl.UInt32,
    "player_key": pl.Int64,
    "slot": pl.Int32,
    "probability": pl.Float64,
    "offer": pl.String,
    "kind": pl.String,
    "item": pl.String,
    "amount": pl.Int32,
    "lot": pl.UInt64,
    "place": pl.Int32,
}
_ACHIEVED = 201  # slot of an achievement, beyond those of challenges and missions
_PROMISED = {
    "content_id": pl.String,
    "offer": pl.String,
    "player_key": pl.Int64,
    "content_type": pl.String,
    "kind": pl.String,
    "item": pl.String,
    "amount": pl.Int32,
    "words": pl.String,
    "probability": pl.Float64,
    "valid_until": pl.Date,
}


@dataclass(frozen=True)
class Offered:
    """What a night's promises pay by the tables of rewards.

    Attributes:
        rows: content_id, offer, player_key, content_type, kind, item, amount, words, probability, valid_until.
        assigned: player_key, arm (the table) and propensity of the players with a promise; empty without an experiment.
        trial: The tables as arms.
        notes: Which budgets bind.
        figures: By item what is promised, expected and left out.
    """

    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_PROMISED))
    assigned: pl.DataFrame = field(default_factory=pl.DataFrame)
    trial: Trial = field(default_factory=lambda: Trial("", ()))
    notes: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)

    def paid_by(self, app: App, promises: pl.DataFrame) -> pl.DataFrame:
        """Challenges or achievements (content_id, xp, language) with reward_words, and xp with that of offers.

        reward_words says all that one pays, null for nothing.
        """
        if promises.is_empty():
            return promises
        more = self.rows.group_by("content_id", maintain_order=True).agg(
            more_xp=pl.col("amount").filter(pl.col("item") == XP).sum(),
            words=pl.col("words").filter(pl.col("item") != XP),
        )
        rows = promises.join(more, on="content_id", how="left", maintain_order="left")
        rows = rows.with_columns(pl.col("xp") + pl.col("more_xp").fill_null(0))
        said = rows.select("xp", "language", "words", listed=pl.col("words").list.join("\n"))
        first, place = find_alike(said, "xp", "language", "listed")  # many promises pay the same
        languages = rows["language"].unique().to_list()
        words = said[first].select(
            joined_words(app, pl.col("xp"), pl.col("words"), pl.col("language"), languages).alias("reward_words")
        )
        return rows.drop("more_xp", "words").hstack(words[place])


def offer_rewards(known: Known, challenges: pl.DataFrame, achievements: pl.DataFrame, players: Frame) -> Offered:
    """Decide what tonight's promises pay beside the formula's XP; writes nothing.

    Args:
        known: What the night may see.
        challenges: content_id, player_key, slot, content_type, language, window_days, difficulty_level,
            estimated_minutes, completion_probability, valid_from, valid_until of what is new.
        achievements: content_id, player_key, content_type, language, reached_share.
        players: player_key, user_id of who may get any.
    """
    app = known.app
    promises = _promises(challenges, achievements)
    if not app.rewards.tables or promises.is_empty():
        return Offered()
    offers, kinds = app.rewards.offers, app.rewards.kinds(app.badges)
    trial, tables = assign_tables(known, players)
    promises = promises.join(tables, on="player_key", how="inner", maintain_order="left")
    if any(offer.days != "any" for offer in offers.values()):
        promises = with_own_days(known, promises)
    rows = _candidates(app, kinds, promises.with_row_index(_OF), known.night.seed)
    live = live_promises(known)
    rows = within_limits(without_held(known, rows, live), offers, live)
    rows, bound = within_budgets(rows, app.rewards.budgets, live, reserved(known))
    rows = rows.hstack(promises.select("content_id", "content_type", "language", "valid_until")[rows[_OF]])
    languages = rows["language"].unique().to_list()
    rows = rows.with_columns(words=amount_words(app, kinds, pl.col("language"), languages))
    served = promises.select("player_key").unique()
    assigned = tables.join(served, on="player_key", how="semi", maintain_order="left")
    return Offered(
        rows.sort("player_key", "slot", "place").select(*_PROMISED),
        assigned if trial.experiment else pl.DataFrame(),
        trial,
        (*trial.notes, *(_note(app, item, *counts) for item, counts in bound.items())),
        _figures(rows, bound),
    )


def promise_rewards(known: Known, offered: Offered, promises: Sequence[Frame]) -> None:
    """Write down what the promises that are about to be issued pay; one that is out already stays as it is.

    Args:
        known: What the night may see.
        offered: From `offer_rewards`.
        promises: The challenges and achievements, with content_id.
    """
    if offered.rows.is_empty():
        return
    ids = pl.concat([each.select("content_id") for each in promises if each.height])
    with known.lend(wanted=ids):
        fresh = known.frame(
            """SELECT content_id FROM wanted w
               WHERE NOT EXISTS (FROM challenges c WHERE c.content_id = w.content_id::UUID)
                 AND NOT EXISTS (FROM achievements a WHERE a.content_id = w.content_id::UUID)"""
        )
    rows = offered.rows.join(fresh, on="content_id", how="semi", maintain_order="left")
    stamp = {"as_of": pl.lit(known.as_of), "revision": pl.lit(known.night.revision)}
    known.warehouse.append("promised_rewards", rows.with_columns(**stamp), on_conflict_skip=True)


def _promises(challenges: pl.DataFrame, achievements: pl.DataFrame) -> pl.DataFrame:
    """What may pay something, challenges and achievements alike."""
    common = ("content_id", "player_key", "content_type", "language")
    asked = challenges.select(
        *common,
        *("slot", "window_days", "difficulty_level", "estimated_minutes", "valid_from", "valid_until"),
        probability="completion_probability",
    )
    if achievements.is_empty():
        return asked
    goals = achievements.select(
        *common,
        slot=pl.lit(_ACHIEVED, pl.Int32),
        difficulty_level=difficulty(pl.col("reached_share")),
        probability=pl.lit(1.0),
    )
    return pl.concat([asked, goals], how="diagonal")


def _candidates(app: App, kinds: dict[str, Kind], promises: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Every offer with each promise that it suits and comes with, in the order of the file and of the night's lot."""
    found = [
        _suited(promises, name, offer, kinds[offer.gives], seed, place)
        for place, (name, offer) in enumerate(app.rewards.offers.items())
        if kinds[offer.gives] != "badge" or app.badges[offer.gives].state == "open"
    ]
    return pl.concat([pl.DataFrame(schema=_WEIGHED), *found]).sort("place", "lot", "player_key", "slot")


def _suited(promises: pl.DataFrame, name: str, offer: Offer, kind: Kind, seed: int, place: int) -> pl.DataFrame:
    """The promises that an offer comes with, with its lot and amount: the columns of _WEIGHED."""
    table = name.partition("/")[0]
    low, high = offer.difficulty
    own = seed ^ zlib.crc32(name.encode())  # each offer has lots of its own
    suits = (
        (pl.col("arm") == table)
        & pl.col("content_type").is_in(offer.types)
        & pl.col("difficulty_level").is_between(low, high)
        & (luck("player_key", "slot", seed=own) < offer.chance)
    )
    if offer.days != "any":
        suits &= (pl.col("lands_on") == offer.days).fill_null(value=False)
    amount = pl.lit(1, pl.Int32)
    if kind in {"xp", "points"}:
        amount = price(offer.price, offer.chance, pl.col("difficulty_level"), pl.col("estimated_minutes"))
    return promises.filter(suits).select(
        *(_OF, "player_key", "slot", "probability"),
        *(pl.lit(text).alias(key) for key, text in (("offer", name), ("kind", kind), ("item", offer.gives))),
        amount=amount,
        lot=lot("player_key", "slot", seed=own + 1),
        place=pl.lit(place, pl.Int32),
    )


def _figures(rows: pl.DataFrame, bound: dict[str, tuple[int, int]]) -> dict[str, Any]:
    sums = rows.group_by("item").agg(
        promised=pl.col("amount").sum(), expected=(pl.col("amount") * pl.col("probability")).sum().round(2)
    )
    told = {item: {"promised": worst, "expected": mean} for item, worst, mean in sums.sort("item").iter_rows()}
    for item, (cut, _) in bound.items():
        told.setdefault(item, {"promised": 0, "expected": 0.0})["left_out"] = cut
    return told


def _note(app: App, item: str, cut: int, before: int) -> str:
    return (
        f"The budget of {item_title(app, item)} is used up: {cut:,} of {before:,} offers were left out, by lot; "
        f"rewards.budgets.{item} says what a night may promise and pay."
    )

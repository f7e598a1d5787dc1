"""Several targets asked together: which go together, what is asked, and what came of it."""

import polars as pl

from configs.app import App
from configs.wording import LONGEST_BESIDE, metric_words
from models.given import SNAPSHOT
from models.joint import Joint, pair_name
from pipelines.challenges.choose import fit
from pipelines.challenges.implied import as_asked, without_implied
from pipelines.challenges.parts import PART
from pipelines.challenges.propose import EASIEST, HARDEST
from pipelines.luck import luck

# What each of two or of three things is to come to, so that all of them come to what is wanted: its power.
OF_TWO, OF_THREE = 0.6, 0.4
ROOM = 0.05  # nearer to the bounds of what may be asked, there would be too few targets left
COMPANIONS = 3  # metrics that come into question beside the first
_TOLD = ("metric", "op", "target", "probability_if_active", "start_day", "end_day")


def parts_wanted(wanted: pl.DataFrame, seed: int) -> pl.DataFrame:
    """`wanted` of each thing, so that two of them, or for half of the players three, come to about what is wanted."""
    power = pl.when(luck(*SNAPSHOT, seed=seed + 2) < 0.5).then(OF_TWO).otherwise(OF_THREE)
    each = (pl.col("wanted") ** power).clip(HARDEST + ROOM, EASIEST - ROOM)
    return wanted.with_columns(wanted=each)


def in_order(scored: pl.DataFrame) -> pl.DataFrame:
    """Rows in the order of their snapshots and of falling score, with their place."""
    order = scored.sort(*SNAPSHOT, "score", "metric", descending=[False, False, True, False])
    return order.with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64).over(SNAPSHOT))


def set_together(app: App, joint: Joint, ranked: pl.DataFrame, wanted: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The first target of each snapshot with those beside it that bring the chance of all nearest to the wanted one.

    Args:
        app: Its metrics' definitions.
        joint: What targets come to together.
        ranked: From `rank_missions`.
        wanted: player_key, base_day, wanted: of the mission.
        seed: The night's; of equally near ones it decides.

    Returns:
        The first ones with also (PARTS), wanted, fit and probability_if_active of all; who has no two targets that go
        together is not among them.
    """
    sets = combine(app, ranked)
    sets = sets.with_columns(pl.Series("probability_if_active", joint.predict(sets)))
    sets = sets.filter(pl.col("probability_if_active").is_between(HARDEST, EASIEST))
    sets = sets.join(wanted.select(*SNAPSHOT, "wanted"), on=list(SNAPSHOT), how="inner", maintain_order="left")
    sets = sets.with_columns(fit=fit(), count=pl.col("also").list.len().cast(pl.Int64))
    luckier = pl.col("fit") + 0.1 * luck("player_key", "base_day", "count", seed=seed + 3)
    best = sets.sort(*SNAPSHOT, luckier, descending=[False, False, True], maintain_order=True)
    best = best.unique(SNAPSHOT, keep="first", maintain_order=True).drop("chances", "pairs", "count")
    first = ranked.filter(pl.col("place") == 0).drop("probability_if_active", "wanted")
    return first.join(best, on=list(SNAPSHOT), how="inner", maintain_order="left")


def combine(app: App, ranked: pl.DataFrame) -> pl.DataFrame:
    """Each snapshot's first target with one or two of the next three, where no one of them follows from another.

    Args:
        app: Its metrics' definitions.
        ranked: SNAPSHOT, place (0 for the first), metric, op, target, probability_if_active, start_day, end_day.

    Returns:
        SNAPSHOT, also (PARTS: what is asked beside the first), chances (of all parts, the first's first) and pairs (of
        their metrics); no row for a snapshot where nothing goes with the first.
    """
    words = {name: metric_words(app, name) for name in app.challenges.metrics}
    long = [name for name, said in words.items() if said and said.task_length > LONGEST_BESIDE]
    beside = (pl.col("place") <= COMPANIONS) & ~pl.col("metric").is_in(long)
    told = ranked.filter((pl.col("place") == 0) | beside).select(*SNAPSHOT, "place", *_TOLD)
    two = _apart(app, _beside(told))
    first = two.filter(pl.col("place") == 0)
    both = two.filter(pl.col("place") > 0).select(*SNAPSHOT, second="place", third="place_2", pair_3="pair")
    third = first.select(
        *SNAPSHOT, third="place_2", metric_3="metric_2", part_3="part_2", chance_3="chance_2", pair_2="pair"
    )
    three = (
        first.join(both, left_on=[*SNAPSHOT, "place_2"], right_on=[*SNAPSHOT, "second"], maintain_order="left")
        .join(third, on=[*SNAPSHOT, "third"], maintain_order="left")
        .select(
            *SNAPSHOT,
            also=pl.concat_list("part_2", "part_3"),
            chances=pl.concat_list("chance", "chance_2", "chance_3"),
            pairs=pl.concat_list("pair", "pair_2", "pair_3"),
        )
    )
    pairs = first.select(
        *SNAPSHOT,
        also=pl.concat_list("part_2"),
        chances=pl.concat_list("chance", "chance_2"),
        pairs=pl.concat_list("pair"),
    )
    return pl.concat([pairs, three])


def _beside(told: pl.DataFrame) -> pl.DataFrame:
    """Each two targets of a snapshot, the one of the lower place first."""
    parts = told.with_columns(part=pl.struct("metric", "op", "target").cast(PART), chance="probability_if_active")
    parts = parts.drop("probability_if_active")
    two = parts.join(parts, on=list(SNAPSHOT), suffix="_2", maintain_order="left")
    return two.filter(pl.col("place") < pl.col("place_2")).with_columns(pair=pair_name("metric", "metric_2"))


def _apart(app: App, two: pl.DataFrame) -> pl.DataFrame:
    """The pairs of which neither makes the other follow."""
    numbered = two.with_row_index("_pair").with_columns(player_key=pl.col("_pair").cast(pl.Int64))
    others = numbered.select("player_key", **{name: f"{name}_2" for name in _TOLD if name != "probability_if_active"})
    fit = without_implied(app, others, as_asked(numbered))
    return two[fit["player_key"].to_numpy()]

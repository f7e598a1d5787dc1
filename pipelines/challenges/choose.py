"""Which of the possible targets a player gets tonight: near the wanted chance, varied, and not what is already open."""

import datetime as dt

import polars as pl

from configs.app import App
from models.given import SNAPSHOT
from pipelines.challenges.implied import FOREVER, NOTHING_ASKED, as_asked, without_implied
from pipelines.luck import lot, luck
from pipelines.players.tastes import NO_TASTES

_HAD = ("metric", "window_days", "own_28")
# How much a liked metric counts for and a worn one against, and how widely a player who answers is tried on others: a
# difference of TRIES in score makes a target e times as likely to be chosen.
LIKING, WEAR, TRIES = 0.2, 0.15, 0.05
_CANDIDATE = ("player_key", "metric", "window_days", "base_day")
EMPTY_RECENT = pl.DataFrame(
    schema={
        "player_key": pl.Int64,
        "metric": pl.String,
        "window_days": pl.Int32,
        "target": pl.Float64,
        "issued_on": pl.Date,
        "valid_until": pl.Date,
        "counts": pl.Boolean,
    }
)


def choose_challenges(
    app: App,
    targets: pl.DataFrame,
    plays: pl.DataFrame,
    recent: pl.DataFrame,
    asked: pl.DataFrame = NOTHING_ASKED,
    tastes: pl.DataFrame = NO_TASTES,
    *,
    as_of: dt.date,
    seed: int,
) -> pl.DataFrame:
    """At most `per_day` targets a player, each of another metric, and none that follows from another or is still asked.

    With what is open a player has at most `most_open`.

    score = fit + 0.3 p_plays - 0.02 window_days - 0.25 [metric was asked last night] + 0.1 u, where fit is
    1 - |probability - wanted| / 0.5 and u is uniform, fixed by player, metric, window and night.
    Of a player who has answered challenges (tastes) 0.2 liking - 0.15 worn comes to it, and 0.05 g instead of 0.1 u, g
    being Gumbel noise: a target is drawn with a chance in proportion to exp(score without noise / 0.05) among those
    left for its slot, and `chance` says which, so that what was not asked can be judged from what was.
    What is still open for the player (same metric and window) is left out, and so are targets that the player is too
    unlikely to play for.

    Args:
        app: The app.
        targets: From `propose_targets`.
        plays: player_key, base_day, window_days, p_plays.
        recent: What was issued lately: player_key, metric, window_days, target, issued_on, valid_until, counts; of what
            asks for several things a row for each, of which the first alone counts.
        asked: What is open for the players, see `what_is_open`.
        tastes: From `describe_tastes`; who has none of it is asked as if there were no answers at all.
        as_of: The night.
        seed: The night's seed.

    Returns:
        Chosen rows of `targets` with p_plays, fit, personalization_score, completion_probability and slot from 1, and
        liking and chance, null for players who have answered nothing.
    """
    return among_all(choose_of_some(app, targets, plays, recent, asked, tastes, as_of=as_of, seed=seed))


def worth_asking(app: App, windows: pl.DataFrame, plays: pl.DataFrame, recent: pl.DataFrame) -> pl.DataFrame:
    """The windows that can be chosen whatever target a model finds for them: see `choose_challenges`.

    Args:
        app: The app.
        windows: player_key, base_day, metric, window_days, start_day; others are kept.
        plays: player_key, base_day, window_days, p_plays.
        recent: What was issued lately.
    """
    likely = plays.filter(pl.col("p_plays") >= app.challenges.min_plays)
    keys = [*SNAPSHOT, "window_days"]
    return _without_running(windows.join(likely, on=keys, how="semi", maintain_order="left"), recent)


def choose_of_some(
    app: App,
    targets: pl.DataFrame,
    plays: pl.DataFrame,
    recent: pl.DataFrame,
    asked: pl.DataFrame,
    tastes: pl.DataFrame,
    *,
    as_of: dt.date,
    seed: int,
) -> pl.DataFrame:
    """What `choose_challenges` chooses for some of the players, to be weighed `among_all`.

    Returns:
        The chosen rows, without personalization_score; then, with a null slot, how many candidates (`n`) there were by
        metric, window_days and own_28.
    """
    rows = targets.join(plays, on=[*SNAPSHOT, "window_days"], how="inner")
    rows = rows.filter(pl.col("p_plays") >= app.challenges.min_plays)
    rows = without_implied(app, _without_open(rows, recent, as_of - dt.timedelta(days=1)), asked)
    base = pl.col("fit") + 0.3 * pl.col("p_plays") - 0.02 * pl.col("window_days") - 0.25 * pl.col("asked_lately")
    rows = rows.with_columns(fit=fit()).with_columns(score=base + 0.1 * luck(*_CANDIDATE, seed=seed))
    rows = to_taste(rows, tastes, base, seed)
    by_score = rows.sort([*SNAPSHOT, "score", "metric", "window_days"], descending=[False, False, True, False, False])
    chosen = _best_of_each(
        app, by_score.join(how_many_open(asked), on="player_key", how="left", maintain_order="left")
    ).with_columns(completion_probability=pl.col("p_plays") * pl.col("probability_if_active"))
    return weigh_later(chosen, rows)


def weigh_later(chosen: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The chosen rows, then the counts of all candidates (`rows`) that `among_all` needs."""
    had = rows.group_by(_HAD).agg(n=pl.len().cast(pl.Int64))
    return pl.concat([chosen.with_columns(n=pl.lit(None, pl.Int64)), had], how="diagonal")


def among_all(found: pl.DataFrame) -> pl.DataFrame:
    """The chosen rows of all players, with personalization_score: affinity is a standing among all.

    Args:
        found: From `choose_of_some`, of some players after others.
    """
    chosen, had = found.filter(pl.col("n").is_null()).drop("n"), found.filter(pl.col("n").is_not_null())
    of_one = list(_HAD[:2])
    had = had.group_by(_HAD).agg(pl.col("n").sum()).sort(_HAD)
    below = pl.col("n").cum_sum().over(of_one) - pl.col("n")
    had = had.with_columns(affinity=(below + (pl.col("n") + 1) / 2) / pl.col("n").sum().over(of_one)).drop("n")
    weighed = chosen.join(had, on=list(_HAD), how="left", nulls_equal=True, maintain_order="left")
    return weighed.with_columns(personalization_score=personalization()).sort(*SNAPSHOT, "slot")


def fit() -> pl.Expr:
    """How near a target's chance is to the wanted one: 1 at it, 0 half the scale away."""
    return (1 - (pl.col("probability_if_active") - pl.col("wanted")).abs() / 0.5).clip(0, 1)


def personalization() -> pl.Expr:
    """0.5 fit + 0.3 knowledge + 0.2 affinity."""
    return 0.5 * pl.col("fit") + 0.3 * pl.col("knowledge") + 0.2 * pl.col("affinity")


def to_taste(rows: pl.DataFrame, tastes: pl.DataFrame, base: pl.Expr, seed: int) -> pl.DataFrame:
    """The rows with another score for players who have answered, liking and `worth`, their score without noise.

    Args:
        rows: With score.
        tastes: From `describe_tastes`.
        base: The score before noise.
        seed: Of the noise.
    """
    if tastes.is_empty():
        return rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in ("liking", "worth", "chance"))
    own = tastes.select("player_key", "metric", "liking", "worn")
    rows = rows.join(own, on=["player_key", "metric"], how="left", maintain_order="left")
    answers = pl.col("player_key").is_in(own["player_key"].unique().implode())
    liking, worn = pl.col("liking").fill_null(0.0), pl.col("worn").fill_null(0.0)
    die = (lot(*_CANDIDATE, seed=seed).cast(pl.Float64) + 1) / 2.0**64  # above 0, at most 1
    noise = -(-die.clip(upper_bound=1 - 1e-12).log()).log()
    rows = rows.with_columns(worth=pl.when(answers).then(base + LIKING * liking - WEAR * worn))
    return rows.with_columns(
        score=pl.when(answers).then(pl.col("worth") + TRIES * noise).otherwise(pl.col("score")),
        liking=pl.when(answers).then(liking),
        chance=pl.lit(None, pl.Float64),
    ).drop("worn")


def share_among(worth: pl.Expr) -> pl.Expr:
    """The chance of a row of that worth among those of its snapshot; null where there is none."""
    value = worth / TRIES
    weight = (value - value.max().over(SNAPSHOT)).exp()
    return weight / weight.sum().over(SNAPSHOT)


def how_many_open(asked: pl.DataFrame) -> pl.DataFrame:
    """player_key, n_open: challenges and missions that still count; lifetime goals aside."""
    return (
        asked.filter(pl.col("end_day") < FOREVER, pl.col("counts"))
        .group_by("player_key")
        .agg(n_open=pl.len().cast(pl.Int64))
    )


def _best_of_each(app: App, by_score: pl.DataFrame) -> pl.DataFrame:
    """The first row of each snapshot, then the first that asks for another deed, and so on: by snapshot and slot."""
    chosen, rest = [], by_score
    tasted = by_score["worth"].null_count() < by_score.height
    room = app.challenges.most_open - pl.col("n_open").fill_null(0)
    for slot in range(1, app.challenges.per_day + 1):
        rest = rest.filter(room >= slot)
        if tasted:
            rest = rest.with_columns(chance=share_among(pl.col("worth")))
        best = rest.unique(SNAPSHOT, keep="first", maintain_order=True)
        chosen.append(best.with_columns(slot=pl.lit(slot, dtype=pl.Int32)))
        if slot < app.challenges.per_day:
            other = rest.join(best, on=[*SNAPSHOT, "metric"], how="anti", maintain_order="left")
            rest = without_implied(app, other, as_asked(best, "base_day"))
    return pl.concat(chosen).drop("n_open", "worth").sort(*SNAPSHOT, "slot")


def _without_open(rows: pl.DataFrame, recent: pl.DataFrame, last_night: dt.date) -> pl.DataFrame:
    """Drop what is still open or was asked last night to the letter; mark metrics asked last night."""
    last = recent.group_by("player_key", "metric").agg(pl.col("issued_on").max().alias("last_issued"))
    same = recent.select("player_key", "metric", "window_days", "target", "issued_on").unique(
        ["player_key", "metric", "window_days", "target"], keep="last"
    )
    return (
        _without_running(rows, recent)
        .join(same, on=["player_key", "metric", "window_days", "target"], how="left", maintain_order="left")
        .filter(pl.col("issued_on").is_null() | (pl.col("issued_on") < last_night))
        .drop("issued_on")
        .join(last, on=["player_key", "metric"], how="left", maintain_order="left")
        .with_columns(asked_lately=(pl.col("last_issued") >= last_night).fill_null(value=False).cast(pl.Float64))
        .drop("last_issued")
    )


def _without_running(rows: pl.DataFrame, recent: pl.DataFrame) -> pl.DataFrame:
    """Drop what is still open for the player: the same metric over as many days."""
    running = recent.group_by("player_key", "metric", "window_days").agg(pl.col("valid_until").max())
    return (
        rows.join(running, on=["player_key", "metric", "window_days"], how="left", maintain_order="left")
        .filter(pl.col("valid_until").is_null() | (pl.col("valid_until") < pl.col("start_day")))
        .drop("valid_until")
    )

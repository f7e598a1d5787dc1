"""What other ways to recommend would have brought, judged by what was recommended with a known chance."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from configs.commands import command
from configs.errors import NightquestError
from configs.loader import LoadedApp
from configs.settings import Settings
from models.policies.off_policy import Choices, Worth, doubly_robust, effective, ips, snips, snips_clipped
from models.policies.sequential import ALPHA, FEWEST_PLAYERS
from pipelines.known import Known
from pipelines.pins import find_night
from pipelines.players.content_liked import answered_since
from pipelines.players.recommend import SOURCES, candidates, weight_of
from pipelines.publish.published import Published, past_nights
from pipelines.stores import open_app

MOST_NIGHTS = 90
MOST_ROWS = 3_000_000  # no night more is read beyond so many, so that memory does not grow with the players
BACK_DAYS = 7
_SCORE = pl.col("score")
_LIST = ("as_of", "user_id", "kind")

# Of each way, how often it chooses a thing first, in proportion to the others of the list.
AS_NOW = "as now"
POLICIES: Mapping[str, pl.Expr] = {
    AS_NOW: weight_of(_SCORE),
    "surer": weight_of(_SCORE) ** 2,
    "likeliest": (_SCORE.rank("ordinal", descending=True).over(_LIST) == 1).cast(pl.Float64),
    "evenly": _SCORE.is_not_null().cast(pl.Float64),
    "even odds": weight_of(_SCORE * (1 - _SCORE)),
}
GOALS: Mapping[str, str] = {"done": "did what was recommended first", "back": f"played within {BACK_DAYS} days"}
JUDGED = {
    "kind": pl.String,
    "goal": pl.String,
    "policy": pl.String,
    "choices": pl.Int64,
    "players": pl.Int64,
    "effective": pl.Float64,
    **{f"{name}{end}": pl.Float64 for name in ("ips", "snips", "snips_clipped", "dr") for end in ("", "_se")},
    **dict.fromkeys(("more", "more_low", "more_high", "sure_low", "sure_high"), pl.Float64),
}


@dataclass(frozen=True)
class PolicyReport:
    """Ways to choose what is recommended first, as judged by the nights that are out.

    Attributes:
        as_of: The newest night that is out; only what was over and known by then counts.
        nights: How many nights' choices count.
        verdict: What may be said, a sentence a kind and goal.
        judged: JUDGED: a row for each kind, goal and way. `effective` is as how many choices of the way's own its rows
            count; `more` is DR less that of `as now`, told from the same rows, with its 95 % interval, and with the
            one that holds for all comparisons together.
    """

    app: str
    as_of: dt.date
    nights: int
    verdict: Sequence[str]
    judged: pl.DataFrame


def judge_policies(settings: Settings, loaded: LoadedApp) -> PolicyReport:
    """Judge ways to recommend by the recommendations of nights that are out and what players did then.

    Raises:
        NightquestError: No night is out, none has recommended anything, or nothing of it is over yet.
    """
    app = loaded.app.app
    with open_app(settings, loaded) as warehouse:
        newest = find_night(warehouse, loaded.app)
        if newest is None:
            raise NightquestError(f"No night of '{app}' is out.", f"Run: {command('nightly', app=app)}")
        listed = read_lists(settings.home, app, newest.as_of)
        if listed.is_empty():
            again = f"{command('train', app=app)}, and a week of nights after it."
            raise NightquestError(
                f"No night of '{app}' has recommended anything of which it is known what came of it.", f"Run: {again}"
            )
        rows = with_outcomes(Known(warehouse, newest), listed)
    if rows.is_empty():
        days = max(BACK_DAYS, *(source.horizon_days for source in SOURCES))
        raise NightquestError(
            "Of nothing that was recommended it is known yet what became of it.", f"Look again in {days} days."
        )
    judged = judge(rows)
    return PolicyReport(app, newest.as_of, rows["as_of"].n_unique(), verdicts(judged), judged)


def read_lists(home: Path, app: str, before: dt.date) -> pl.DataFrame:
    """What could have been recommended first on the last nights before a day, and what was.

    Nights that issued nothing are left out, as nobody read them, and those of which nothing can be known yet.

    Returns:
        as_of, user_id, kind, item, score, chosen (Boolean), propensity (of the one chosen first), p_back (what was
        expected of the player's return, null where no model of that served).
    """
    over = before - dt.timedelta(days=BACK_DAYS - 1)
    nights, rows = [pl.DataFrame(schema=_LISTED)], 0
    for night in past_nights(home, app, over, MOST_NIGHTS):
        if rows > MOST_ROWS:
            break
        if night.manifest.issued:
            nights.append(_lists_of(night))
            rows += nights[-1].height
    return pl.concat(nights)


_LISTED: dict[str, Any] = {
    "as_of": pl.Date,
    **dict.fromkeys(("user_id", "kind", "item"), pl.String),
    "score": pl.Float64,
    "chosen": pl.Boolean,
    **dict.fromkeys(("propensity", "p_back"), pl.Float64),
}


def _lists_of(night: Published) -> pl.DataFrame:
    if not {"recommendations", "scores"} <= set(night.manifest.tables):  # of a night that is older than these tables
        return pl.DataFrame(schema=_LISTED)
    scores = night.table("scores")
    first = night.table("recommendations").filter(place=1).select("user_id", "kind", "propensity", first="item")
    back = scores.filter(task="plays", horizon_days=BACK_DAYS).select("user_id", p_back="probability")
    rows = candidates(scores, "user_id").join(first, on=["user_id", "kind"], maintain_order="left")
    rows = rows.join(back, on="user_id", how="left", maintain_order="left")
    rows = rows.with_columns(as_of=pl.lit(night.manifest.as_of), chosen=pl.col("item") == pl.col("first"))
    return rows.filter(pl.col("chosen").any().over(_LIST)).select(pl.col(n).cast(t) for n, t in _LISTED.items())


def with_outcomes(known: Known, listed: pl.DataFrame) -> pl.DataFrame:
    """The rows of lists whose spans were over and known in whole, with player_key, `done` of the thing and `back`.

    Args:
        known: What the newest night may see.
        listed: From `read_lists`.
    """
    players = known.frame("SELECT player_key, user_id FROM players")
    rows = listed.join(players, on="user_id", maintain_order="left")
    horizons = {source.kind: max(source.horizon_days, BACK_DAYS) for source in SOURCES}
    days = pl.col("kind").replace_strict(horizons, return_dtype=pl.Int64)
    rows = rows.with_columns(start_day="as_of", end_day=pl.col("as_of") + pl.duration(days=days - 1))
    rows = known.over(rows).with_row_index("row")
    firsts = rows.filter("chosen").select("row", "player_key", "kind", "start_day", "end_day", "item")
    answered = known.frame(known.fixed("players/answered_content"), answered_since(known, MOST_NIGHTS))
    backs = firsts.with_columns(back_day=pl.col("start_day") + pl.duration(days=BACK_DAYS - 1))
    with known.lend(firsts=backs, answered=answered):
        came = known.frame(known.fixed("publish/came_of_recommended"), {"cut": known.cut})
    values = known.came_to(firsts.filter(kind="metric").rename({"row": "window_id", "item": "metric"}))
    values = values.select(row="window_id", reached=pl.col("value").fill_null(0.0) > 0)
    rows = rows.join(came, on="row", how="left").join(values, on="row", how="left").sort("row")
    done = pl.when(pl.col("kind") == "metric").then("reached").otherwise("came")
    return rows.with_columns(done=done.cast(pl.Float64), back=pl.col("back").cast(pl.Float64))


def judge(rows: pl.DataFrame) -> pl.DataFrame:
    """JUDGED of every kind, goal and way.

    Args:
        rows: From `with_outcomes`: every list in whole; outcomes of what was chosen.
    """
    total = {name: weight / weight.sum().over(_LIST) for name, weight in POLICIES.items()}
    rows = rows.with_columns(**total)
    expected = [(pl.col(name) * _SCORE).sum().over(_LIST).alias(f"{name} done") for name in POLICIES]
    made = rows.with_columns(expected).filter("chosen")
    told = [
        row for kind in made["kind"].unique().sort() for goal in GOALS for row in _judged(made.filter(kind=kind), goal)
    ]
    return pl.DataFrame(told, schema=JUDGED)


def verdicts(judged: pl.DataFrame) -> tuple[str, ...]:
    """What may be said of each kind and goal, at the level that holds for all comparisons together."""
    told = []
    for (kind, goal), rows in judged.group_by("kind", "goal", maintain_order=True):
        begin = f"{str(kind).replace('_', ' ').capitalize()}s, {GOALS[str(goal)]}: "
        others = rows.filter(pl.col("policy") != AS_NOW)
        sure = others.filter((pl.col("sure_low") > 0) | (pl.col("sure_high") < 0))
        if rows["players"][0] < FEWEST_PLAYERS:
            told.append(f"{begin}too early, it takes {FEWEST_PLAYERS} players.")
        elif sure.is_empty():
            told.append(f"{begin}no other way is shown to bring more or less.")
        else:
            told.append(f"{begin}{'; '.join(_told(row) for row in sure.to_dicts())}.")
    return tuple(told)


def _told(row: Mapping[str, Any]) -> str:
    much, low, high = (f"{100 * row[name]:+.1f}" for name in ("more", "sure_low", "sure_high"))
    return f"'{row['policy']}' would have brought {much} points, between {low} and {high}"


def _judged(made: pl.DataFrame, goal: str) -> list[dict[str, Any]]:
    """The ways in one kind and goal."""
    reward, players = made[goal].to_numpy(), made["player_key"].to_numpy()
    usual = float(reward.mean()) if len(reward) else 0.0
    # Whether a player comes back is foretold alike for every thing: that alone takes out what they'd have done anyway.
    foretold = (made["score"] if goal == "done" else made["p_back"].fill_null(usual)).to_numpy()
    choices = Choices(reward, made["propensity"].to_numpy(), players, foretold)
    told: list[dict[str, Any]] = []
    now: Worth | None = None
    for policy in POLICIES:
        would = made[policy].to_numpy()
        expected = made[f"{policy} done"].to_numpy() if goal == "done" else foretold
        robust = doubly_robust(choices, would, expected)
        now = now or robust
        told.append(
            {"kind": made["kind"][0], "goal": goal, "policy": policy, "choices": made.height}
            | {"players": made["player_key"].n_unique(), "effective": effective(choices, would)}
            | _estimates(choices, would, robust)
            | _more(robust.less(now))
        )
    return told


def _estimates(choices: Choices, would: NDArray[np.float64], robust: Worth) -> dict[str, float]:
    found = {
        "ips": ips(choices, would),
        "snips": snips(choices, would),
        "snips_clipped": snips_clipped(choices, would),
        "dr": robust,
    }
    return {f"{name}{end}": value for name, one in found.items() for end, value in (("", one.mean), ("_se", one.se))}


def _more(more: Worth) -> dict[str, float]:
    comparisons = len(SOURCES) * len(GOALS) * (len(POLICIES) - 1)
    (low, high), (sure_low, sure_high) = more.interval(), more.interval(1 - ALPHA / comparisons)
    return {"more": more.mean, "more_low": low, "more_high": high, "sure_low": sure_low, "sure_high": sure_high}

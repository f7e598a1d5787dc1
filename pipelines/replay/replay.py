"""The proof on history: issue past nights from what was known then, and settle them on what players really did."""

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from configs.app import App
from configs.errors import NightquestError
from data.warehouse import Warehouse
from models.contest.scores import (
    calibration_error,
    calibration_floor,
    clustered_floor,
    clustered_interval,
    equal_mass_bins,
    log_losses,
    share_interval,
)
from pipelines.challenges.choose import EMPTY_RECENT
from pipelines.challenges.missions import EMPTY_RECORD
from pipelines.challenges.plan import as_recent
from pipelines.challenges.settle import with_outcomes
from pipelines.engines.laid import whole
from pipelines.known import Known
from pipelines.learning.steps import Progress, silent
from pipelines.learning.training import learn_models
from pipelines.night.plan import Planned, plan_night
from pipelines.pins import GRACE, day_start, make_night

RETRAIN_DAYS = 7
_BAND, _HALF = (0.4, 0.7), (0.45, 0.55)
_EVER = dt.datetime.max.replace(tzinfo=dt.UTC) - dt.timedelta(days=1)


@dataclass(frozen=True)
class Replay:
    """Every promise of the replayed nights with its outcome, and the figures over them.

    Attributes:
        promises: One row per daily challenge: as_of, player_key, metric, window_days, target, persona, p_plays,
            probability_if_active, completion_probability, events_28, last_day (of play), value, played, hit.
        figures: See `replay_figures`; with those of `mission_figures` where the app has missions.
        missions: Like `promises`, with occasion; without columns where there are none.
    """

    promises: pl.DataFrame
    figures: dict[str, Any]
    missions: pl.DataFrame = field(default_factory=pl.DataFrame)


def replay_nights(
    warehouse: Warehouse,
    app: App,
    start: dt.date,
    end: dt.date,
    *,
    seed: int = 7,
    grace: dt.timedelta = GRACE,
    progress: Progress = silent,
) -> Replay:
    """Issue each night from `start` to `end` as it would have been, and settle all on what followed.

    Models are learned anew every seven nights, as the weekly schedule would, from what was known then. Only challenges
    whose whole window was over, where the player lives, when the known past ended count.

    Raises:
        NightquestError: No challenge of these nights can be settled.
    """
    nights = [start + dt.timedelta(days=k) for k in range((end - start).days + 1)]
    issued: list[pl.DataFrame] = []
    missions: list[pl.DataFrame] = []
    recent = EMPTY_RECENT
    learned = None
    for done, as_of in enumerate(nights):
        progress("nights", done, len(nights))
        known = Known(warehouse, make_night(warehouse, app, as_of, day_start(app, as_of), grace))
        if learned is None or done % RETRAIN_DAYS == 0:
            learned = learn_models(known, seed=seed)
        planned = plan_night(known, learned.models, None, recent, _record(known, missions))
        rows = _promises(planned, whole(planned.plan.challenges), as_of)
        issued.append(rows)
        recent = _remember(recent, rows, as_of)
        if planned.plan.missions.height:
            missions.append(_promises(planned, whole(planned.plan.missions), as_of))
            recent = _remember(recent, missions[-1], as_of)
    progress("nights", len(nights), len(nights))
    promises = _settle(known, issued)
    if promises.is_empty():
        raise NightquestError(
            f"None of these nights' challenges was over by {_last_day(warehouse)}, the last known day.",
            "Choose earlier nights with --from and --to.",
        )
    figures = replay_figures(promises, nights=len(nights))
    if not missions or (weekly := _settle(known, missions)).is_empty():
        return Replay(promises, figures)
    return Replay(promises, figures | mission_figures(weekly), weekly)


def replay_figures(promises: pl.DataFrame, *, nights: int) -> dict[str, Any]:
    """What was promised against what was kept.

    Among them:

    - calibration_error: over ten equal-mass bins.
    - calibration_floor: the calibration error that true promises would show by chance, outcomes being independent. In
      calibration_floor_by_player a player's outcomes go together as they did, since windows of one player overlap; in
      calibration_floor_by_last_day those of all who last played on the same day, since they come back together.
    - log_loss_gain: the base rate's log-loss less ours, with a player-clustered 95 % interval.
    - half_chance_if_played: of the challenges promised 0.45 to 0.55 if played, those whose players did play.
    - by_activity: quarters of the challenges by how much their players did in the 28 days before, the least first.
      Equal players share a quarter, so where many did the same there are fewer, uneven quarters.
    """
    y, p = promises["hit"].cast(pl.Float64).to_numpy(), promises["completion_probability"].to_numpy()
    players = promises["player_key"].to_numpy()
    base = np.full(len(y), y.mean())
    gain = log_losses(y, base) - log_losses(y, p)
    low, high = clustered_interval(gain, players)
    near = promises.filter(pl.col("probability_if_active").is_between(*_BAND))
    near_played = near.filter("played")
    quartile = pl.Series(equal_mass_bins(promises["events_28"].to_numpy(), 4) + 1, dtype=pl.Int32)
    half = promises.filter("played", pl.col("probability_if_active").is_between(*_HALF))
    return {
        "nights": nights,
        "challenges": promises.height,
        "players": promises["player_key"].n_unique(),
        "promised": float(p.mean()),
        "kept": float(y.mean()),
        "calibration_error": float(calibration_error(y, p)),
        "calibration_floor": float(calibration_floor(p)),
        "calibration_floor_by_player": clustered_floor(y, p, players),
        "calibration_floor_by_last_day": clustered_floor(y, p, promises["last_day"].to_numpy()),
        "log_loss": float(log_losses(y, p).mean()),
        "log_loss_base": float(log_losses(y, base).mean()),
        "log_loss_gain": {"mean": float(gain.mean()), "low": float(low), "high": float(high)},
        "conditional": {
            "share_between_0.4_and_0.7": near.height / promises.height,
            "promised": _mean(near_played["probability_if_active"]),
            "kept_by_players_who_played": _mean(near_played["hit"].cast(pl.Float64)),
        },
        "half_chance_if_played": _group(half, "probability_if_active") if half.height else None,
        "by_activity": _groups(promises.with_columns(quartile=quartile), "quartile"),
        "by_metric": _groups(promises, "metric"),
        "by_persona": _groups(promises, "persona"),
        "by_window": _groups(promises, "window_days"),
    }


def mission_figures(missions: pl.DataFrame) -> dict[str, Any]:
    """What missions promised against what was kept, in all, by occasion and by how many things they ask for."""
    y, p = missions["hit"].cast(pl.Float64).to_numpy(), missions["completion_probability"].to_numpy()
    low, high = share_interval(y, missions["player_key"].to_numpy())
    played = missions.filter("played")
    return {
        "missions": {
            "missions": missions.height,
            "players": missions["player_key"].n_unique(),
            "promised": float(p.mean()),
            "kept": float(y.mean()),
            "low": low,
            "high": high,
            "calibration_error": float(calibration_error(y, p)),
            "calibration_floor": float(calibration_floor(p)),
            "calibration_floor_by_player": clustered_floor(y, p, missions["player_key"].to_numpy()),
            "calibration_floor_by_last_day": clustered_floor(y, p, missions["last_day"].to_numpy()),
            "promised_if_played": _mean(played["probability_if_active"]),
            "kept_by_players_who_played": _mean(played["hit"].cast(pl.Float64)),
        },
        "missions_by_occasion": _groups(missions, "occasion"),
        "missions_by_requirements": _groups(missions.with_columns(requirements=_asked_for()), "requirements"),
    }


def _asked_for() -> pl.Expr:
    """How many things a mission asks for."""
    return 1 + pl.col("also").list.len().fill_null(0).cast(pl.Int64)


def _groups(promises: pl.DataFrame, by: str) -> list[dict[str, Any]]:
    """Promised and kept of each group, see `_group`."""
    parts = sorted(promises.partition_by(by, as_dict=True).items())
    return [{by: name, **_group(group, "completion_probability")} for (name,), group in parts]


def _group(promises: pl.DataFrame, chance: str) -> dict[str, Any]:
    """Promised and kept, with a player-clustered 95 % interval of kept, and whether what was promised lies inside."""
    hit, promised = promises["hit"].cast(pl.Float64).to_numpy(), float(promises[chance].to_numpy().mean())
    low, high = share_interval(hit, promises["player_key"].to_numpy())
    told = {"challenges": promises.height, "promised": promised, "kept": float(hit.mean()), "low": low, "high": high}
    return {**told, "inside": low <= promised <= high}


def _settle(known: Known, issued: list[pl.DataFrame]) -> pl.DataFrame:
    """Outcomes from all that is known today, for the windows that were over where the player lives when input ended."""
    last = _last_day(known.warehouse)
    rows = pl.concat([r for r in issued if r.height] or issued)
    after = last + dt.timedelta(days=1)
    heard = known.value("SELECT max(occurred_at) FROM events WHERE active")
    running = Known(known.warehouse, replace(known.night, as_of=after, cut=heard)).running_days()
    over = (
        rows.join(running, on="player_key", how="left", maintain_order="left")
        .filter(pl.col("valid_until") < pl.col("running_day"))
        .drop("running_day")
        .rename({"valid_from": "start_day", "valid_until": "end_day"})
    )
    return with_outcomes(Known(known.warehouse, replace(known.night, as_of=after, cut=_EVER)), over)


def _last_day(warehouse: Warehouse) -> dt.date:
    day: dt.date = warehouse.value("SELECT max(day) FROM events WHERE active")
    return day


def _promises(planned: Planned, rows: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    last_day = pl.col("base_day") - pl.duration(days="recency_days")
    told = planned.players.features.select("player_key", "events_28", last_day=last_day)
    return rows.join(told, on="player_key", how="left").with_columns(as_of=pl.lit(as_of))


def _record(known: Known, missions: list[pl.DataFrame]) -> pl.DataFrame:
    """What a night would know of the missions before it: the columns of EMPTY_RECORD."""
    if not missions:
        return EMPTY_RECORD
    spans = pl.concat(missions).rename({"valid_from": "start_day", "valid_until": "end_day"})
    told = with_outcomes(known, spans)
    settled = pl.col("hit") | (pl.col("end_day") < known.base_day)
    return told.with_columns(hit=pl.when(settled).then("hit")).select(EMPTY_RECORD.columns)


def _remember(recent: pl.DataFrame, rows: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    issued = as_recent(rows.with_columns(issued_on=pl.col("as_of")))
    return pl.concat([recent.filter(pl.col("valid_until") >= as_of - dt.timedelta(days=2)), issued])


def _mean(values: pl.Series) -> float | None:
    return float(values.to_numpy().mean()) if len(values) else None

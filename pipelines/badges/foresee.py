"""What an app file would grant if it went live today: badges, to whom, for how much XP; nothing is written."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from configs.app import App
from configs.badge_rules import badge_rules
from configs.commands import command
from configs.errors import NightquestError
from data.warehouse import Warehouse
from pipelines.activity.parts import sync_metrics
from pipelines.badges.lint import Advice
from pipelines.badges.rules.award import badge_xp, find_awards
from pipelines.badges.rules.progress import badge_progress
from pipelines.known import Known
from pipelines.pins import Night, day_start

SAMPLE = 3
_EVER = 36_500  # days
_NEAR, _ALL = 0.25, 0.95


@dataclass(frozen=True)
class Granted:
    """One badge: who holds it, who would gain it, the XP paid for that, and how far the nearest of the others is.

    Attributes:
        holders: Players who hold it, however often.
        gain: Players who would be granted it, again or for the first time.
        have: Players who would hold it then.
    """

    badge_id: str
    title: str
    holders: int
    gain: int
    have: int
    xp: int
    sample: tuple[str, ...]
    nearest: float | None


@dataclass(frozen=True)
class Foreseen:
    """What would be granted at once.

    Attributes:
        players: Who would gain something.
        known: All players.
        over: Whether it is more than passes without a word.
        dropped: Badges held that the file no longer has, with their holders, who keep them.
        advice: What play shows of the rules.
    """

    day: dt.date
    badges: tuple[Granted, ...]
    grants: int
    xp: int
    players: int
    known: int
    over: bool
    dropped: dict[str, int]
    advice: tuple[Advice, ...]


def foresee(warehouse: Warehouse, app: App, *, flood_badges: int, flood_xp: int) -> Foreseen:
    """Count what the file's rules would grant today, from all that is known; all is taken back at the end.

    Raises:
        NightquestError: There are no events.
    """
    known = all_known(warehouse, app)
    day = known.as_of
    with warehouse.rehearsal():
        sync_metrics(warehouse, app)
        users = known.frame("SELECT player_key, user_id FROM players")
        gains = find_awards(known, from_scratch=True).join(users, on="player_key", maintain_order="left")
        held = known.frame("SELECT DISTINCT badge_id, player_key FROM badge_ledger ORDER BY ALL")
        progress = badge_progress(known, active_within_days=_EVER)
    badges = tuple(_granted(app, rule.badge_id, gains, held, progress) for rule in badge_rules(app))
    grants, xp = gains.height, sum(badge.xp for badge in badges)
    return Foreseen(
        day,
        badges,
        grants,
        xp,
        gains["user_id"].n_unique(),
        users.height,
        over=grants > flood_badges or xp > flood_xp,
        dropped=dict(
            held.filter(~pl.col("badge_id").is_in([*app.badges])).group_by("badge_id").len().sort("badge_id").rows()
        ),
        advice=tuple(advice for badge in badges if (advice := _of_play(badge, users.height)) is not None),
    )


def all_known(warehouse: Warehouse, app: App) -> Known:
    """What a night would see that knows all that has come in.

    Raises:
        NightquestError: There are no events.
    """
    last = warehouse.value("SELECT max(day) FROM events")
    if last is None:
        raise NightquestError(f"'{app.app}' has no events yet.", f"Run: {command('ingest', 'FILE', app=app.app)}")
    day = last + dt.timedelta(days=1)
    cut = max(day_start(app, day), warehouse.value("SELECT max(available_at) FROM events"))
    return Known(
        warehouse, Night(app, day, 0, cut, day, seed=0, started_at=cut, code_version="", app_hash="", watermark=0)
    )


def _granted(app: App, badge_id: str, gains: pl.DataFrame, held: pl.DataFrame, progress: pl.DataFrame) -> Granted:
    mine, holders = gains.filter(badge_id=badge_id), held.filter(badge_id=badge_id)["player_key"]
    still = progress.filter(
        (pl.col("badge_id") == badge_id) & ~pl.col("player_key").is_in(mine["player_key"].implode())
    )
    nearest = still["progress"].max()
    return Granted(
        badge_id,
        app.badges[badge_id].title,
        holders.len(),
        mine["player_key"].n_unique(),
        pl.concat([holders, mine["player_key"]]).n_unique(),
        mine.height * badge_xp(app, badge_id),
        tuple(mine["user_id"].unique(maintain_order=True).head(SAMPLE)),
        None if nearest is None else float(nearest),  # type: ignore[arg-type]
    )


def _of_play(badge: Granted, players: int) -> Advice | None:
    """A threshold that nobody nears, or that nearly everybody has passed."""
    have, key = badge.have, f"badges.{badge.badge_id}.when"
    if not have and badge.nearest is not None and badge.nearest < _NEAR:
        told = f"nobody is near it: the best of {players:,} players has come {badge.nearest:.0%} of the way"
        return Advice(key, told, "lower it, or keep it for the few who may come")
    if players >= 20 and have >= _ALL * players:
        return Advice(key, f"{have:,} of {players:,} players have it or would: it tells nobody apart", "ask for more")
    return None

"""One player's published rows, for `nightquest show`."""

import datetime as dt
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from configs.errors import NightquestError
from pipelines.publish.published import Published, read_night

Row = dict[str, Any]
LATELY = 10


@dataclass(frozen=True)
class PlayerView:
    """What a night holds about one player; each row is a published row without `app` and `as_of`.

    Attributes:
        profile: None for a player who was not active of late.
        xp: Balance of all grants.
        xp_lately: The newest grants, newest first.
        rankings: Places in the lists that the app file asks for.
        wallet: Points of the app's own, titles and unlocks.
        rewards_lately: The newest of what was paid beside XP, newest first.
        revocations: What was taken back, newest first.
        left_alone: Why nothing is asked of the player or told to them: `opted out` or `paused`; None: something may be.
    """

    app: str
    as_of: dt.date
    revision: int
    user_id: str
    profile: Row | None
    segments: list[Row]
    challenges: list[Row]
    messages: list[Row]
    badges: list[Row]
    badges_held: list[Row]
    badge_progress: list[Row]
    targets: list[Row]
    scores: list[Row]
    settlements: list[Row]
    xp: int
    xp_lately: list[Row]
    achievements: list[Row] = field(default_factory=list)
    recommendations: list[Row] = field(default_factory=list)
    rankings: list[Row] = field(default_factory=list)
    wallet: list[Row] = field(default_factory=list)
    rewards_lately: list[Row] = field(default_factory=list)
    revocations: list[Row] = field(default_factory=list)
    left_alone: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON: days and moments as ISO 8601 text."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def gather_player(home: Path, app: str, user_id: str, as_of: dt.date | None = None) -> PlayerView:
    """Read one player's rows of a published night.

    Args:
        home: The folder that everything is written under.
        app: The app's name.
        user_id: Exactly as in the app's own data.
        as_of: The day that the night serves; the newest night by default.

    Raises:
        NightquestError: Nothing is published, a file is damaged, or no table knows the player.
    """
    night = read_night(home, app, as_of)
    ledger = night.rows_of("xp_ledger", user_id).sort("occurred_at", "entry_id", descending=True)
    view = PlayerView(
        app=app,
        as_of=night.manifest.as_of,
        revision=night.manifest.revision,
        user_id=user_id,
        profile=next(iter(_rows(night, "profiles", user_id)), None),
        segments=sorted(_rows(night, "segments", user_id), key=lambda row: (not row["is_main"], row["cohort"])),
        challenges=_newest_first(_rows(night, "challenges", user_id)),
        messages=_newest_first(_rows(night, "messages", user_id)),
        badges=_rows(night, "badges", user_id),
        badges_held=sorted(_rows(night, "badges_held", user_id), key=lambda row: row["granted_at"], reverse=True),
        badge_progress=sorted(_rows(night, "badge_progress", user_id), key=lambda row: row["progress"], reverse=True),
        targets=_rows(night, "targets", user_id),
        scores=_rows(night, "scores", user_id),
        settlements=_rows(night, "settlements", user_id),
        xp=int(ledger["xp"].sum()),
        xp_lately=ledger.head(LATELY).drop("app", "as_of", "user_id").to_dicts(),
        achievements=sorted(_rows(night, "achievements", user_id), key=lambda row: row["state"]),
        recommendations=sorted(_rows(night, "recommendations", user_id), key=lambda row: (row["place"], row["kind"])),
        rankings=_rows(night, "rankings", user_id),
        wallet=_rows(night, "wallets", user_id),
        rewards_lately=sorted(
            _rows(night, "reward_ledger", user_id), key=lambda row: (row["occurred_at"], row["entry_id"]), reverse=True
        )[:LATELY],
        revocations=sorted(_rows(night, "revocations", user_id), key=lambda row: row["revoked_on"], reverse=True),
        left_alone=next((row["left_alone"] for row in _rows(night, "contacts", user_id)), None),
    )
    if not any((view.profile, view.segments, view.challenges, view.messages, view.badges_held, view.xp_lately)):
        raise NightquestError(
            f"The night of {view.as_of} of '{app}' says nothing about a player {user_id!r}.",
            "Write the id as the app's data has it; a player who never played is not in it.",
        )
    return view


def shown_ids(night: Published, user_id: str) -> list[str]:
    """The content_id of every text that a player is shown at a night: challenges, messages and open achievements."""
    achievements = [row for row in _rows(night, "achievements", user_id) if row["state"] == "open"]
    rows = [*_rows(night, "challenges", user_id), *_rows(night, "messages", user_id), *achievements]
    return [row["content_id"] for row in rows]


def _newest_first(rows: list[Row]) -> list[Row]:
    """What the night issued, then what is still open of earlier ones; a night of schema version 1 has none of these."""
    return sorted(rows, key=lambda row: row.get("issued_on", dt.date.max), reverse=True)


def _rows(night: Published, table: str, user_id: str) -> list[Row]:
    if table not in night.manifest.tables:  # of a night that is older than the table
        return []
    return night.rows_of(table, user_id).drop("app", "as_of", "user_id").to_dicts()


def _plain(value: Any) -> Any:
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value

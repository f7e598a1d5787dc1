"""`nightquest held`: the nominees that wait for a person, with what there is to judge them by."""

import csv
import datetime as dt
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from configs.app import App
from configs.commands import command
from configs.errors import NightquestError
from configs.loader import LoadedApp
from configs.settings import Settings
from flows.cli.preflight import check_delivery
from flows.clock import clock
from pipelines.badges.judged.decide import Decisions, take_decisions
from pipelines.publish.published import read_latest
from pipelines.stores import open_app

TABLE = "badge_nominees"
PER_PAGE = 10


@dataclass(frozen=True)
class HeldNominee:
    """A nominee whom a person must decide on.

    Attributes:
        held_since: The night since which nobody has decided.
        held_by: A provider, or 'nobody' when none could be asked.
        reasons: Why it was left to a person.
        evidence: id, kind, text and, of events, when.
        cited: Ids that the model found decisive.
        second_opinion: What the other provider said, if it was asked.
    """

    user_id: str
    badge_id: str
    title: str
    tier: str
    criteria: str
    held_since: str
    held_by: str
    reasons: str
    evidence: list[dict[str, str]]
    cited: list[str]
    second_opinion: dict[str, Any] | None


@dataclass(frozen=True)
class HeldCount:
    """How many nominees of a badge wait for what.

    Attributes:
        since: The night since which the longest held of them is held; None: nobody is.
        lapsed: Nobody decided on them for too long; those of the newest night are `lapsed_tonight`.
    """

    badge_id: str
    title: str
    held: int
    since: str | None
    waiting: int
    lapsed: int
    lapsed_tonight: int


@dataclass(frozen=True)
class HeldReport:
    """Who is held, as of the newest published night.

    Attributes:
        badges: Counts by badge, the most held first.
        n_held: Everybody held, on all pages.
        held: Those of this page; by badge, the longest held first.
        to_decide: Lines of a file for `--decide`, awarding the first nominee.
    """

    app: str
    as_of: str
    badges: list[HeldCount]
    n_held: int
    page: int
    pages: int
    held: list[HeldNominee]
    to_decide: list[str]


def gather_held(
    home: Path, app: App, badge: str | None = None, user: str | None = None, *, page: int = 1, limit: int | None = None
) -> HeldReport:
    """Read who is held from the newest published night.

    Args:
        home: The folder that everything is written under.
        app: Its judged badges.
        badge: Only of this badge.
        user: Only this player.
        page: Which page, from 1.
        limit: Nominees on a page; None has all on one.

    Raises:
        NightquestError: Nothing is published, the badge is not judged, there is no such page, or the night is of an
            older version.
    """
    judged = {name: one for name, one in app.badges.items() if one.judged}
    if badge is not None and badge not in judged:
        raise NightquestError(
            f"'{badge}' is not a judged badge of '{app.app}'.", f"Judged are: {', '.join(judged) or 'none'}."
        )
    night = read_latest(home, app.app)
    as_of = night.manifest.as_of
    if TABLE not in night.manifest.tables or "open_since" not in night.table(TABLE).columns:
        raise NightquestError(
            f"The night of {as_of} of '{app.app}' knows no nominees yet.",
            f"Run: {command('nightly', '--as-of', as_of, '--refresh', app=app.app)}",
        )
    cases = night.table(TABLE).filter(pl.col("badge_id").is_in([badge] if badge else list(judged)))
    if user is not None:
        cases = cases.filter(pl.col("user_id") == user)
    counts = _counts(app, cases, as_of)
    held = cases.filter(pl.col("state") == "held").join(
        counts.select("badge_id", place=pl.int_range(pl.len())), on="badge_id"
    )
    held = held.sort("place", "open_since", "user_id")
    size = limit or max(held.height, 1)
    pages = max(1, -(-held.height // size))
    if page > pages:
        raise NightquestError(f"There is no page {page} of {pages}.", f"Give --page at most {pages}.")
    nominees = [_nominee(app, row) for row in held.slice((page - 1) * size, size).iter_rows(named=True)]
    told = [HeldCount(**row) for row in counts.iter_rows(named=True)]
    return HeldReport(app.app, str(as_of), told, held.height, page, pages, nominees, _to_decide(nominees))


def decide_held(settings: Settings, loaded: LoadedApp, file: Path) -> Decisions:
    """Take a file of decisions into the app's data; see `take_decisions`.

    Raises:
        BusyError: Another process is working on the app.
        NightquestError: Nothing is published, or the file cannot be read.
    """
    night = read_latest(settings.home, loaded.app.app)
    check_delivery(settings, loaded, [file])
    with open_app(settings, loaded) as warehouse:
        return take_decisions(warehouse, loaded.app, file, cut=night.manifest.cut, now=clock())


def _counts(app: App, cases: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """The columns of `HeldCount`, a row for each badge that anybody was nominated for and has not been decided on."""
    state = pl.col("state")
    counts = cases.group_by("badge_id").agg(
        held=(state == "held").sum(),
        since=pl.col("open_since").filter(state == "held").min().cast(pl.String),
        waiting=(state == "waiting").sum(),
        lapsed=(state == "lapsed").sum(),
        lapsed_tonight=((state == "lapsed") & (pl.col("decided_on") == as_of)).sum(),
    )
    titles = pl.DataFrame(
        {"badge_id": list(app.badges), "title": [badge.title for badge in app.badges.values()]},
        schema={"badge_id": pl.String, "title": pl.String},
    )
    told = counts.filter(pl.sum_horizontal("held", "waiting", "lapsed") > 0).join(titles, on="badge_id")
    return told.select("badge_id", "title", pl.exclude("badge_id", "title")).sort(
        "held", "badge_id", descending=[True, False]
    )


def _nominee(app: App, row: dict[str, Any]) -> HeldNominee:
    badge = app.badges[row["badge_id"]]
    return HeldNominee(
        user_id=row["user_id"],
        badge_id=row["badge_id"],
        title=badge.title,
        tier=badge.tier,
        criteria=badge.judged.criteria.strip() if badge.judged else "",
        held_since=str(row["open_since"]),
        held_by=row["decided_by"],
        reasons=row["reasons"],
        evidence=json.loads(row["evidence"]),
        cited=json.loads(row["evidence_ids"]),
        second_opinion=json.loads(row["second_opinion"]) if row["second_opinion"] else None,
    )


def _to_decide(nominees: list[HeldNominee]) -> list[str]:
    if not nominees:
        return []
    text = io.StringIO()
    first = nominees[0]
    csv.writer(text, lineterminator="\n").writerows(
        [("user_id", "badge_id", "decision", "reason"), (first.user_id, first.badge_id, "award", "")]
    )
    return text.getvalue().splitlines()

"""Our awards against those that were really given: who got what, and when."""

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import polars as pl

from configs.app import App
from configs.badge_rules import badge_rules
from configs.commands import command
from configs.errors import NightquestError
from data.warehouse import Warehouse
from pipelines.badges.rules.award import find_awards
from pipelines.badges.rules.progress import badge_progress
from pipelines.known import Known
from pipelines.pins import Night, day_start

_EVER = 36_500
_SCANNERS: Mapping[str, Callable[[Path], pl.LazyFrame]] = {
    ".parquet": partial(pl.scan_parquet, glob=False),
    ".csv": partial(pl.scan_csv, glob=False),
    ".jsonl": lambda path: pl.read_ndjson(path.read_bytes()).lazy(),
}


def compare_file(warehouse: Warehouse, app: App, path: Path, as_of: dt.date | None = None) -> pl.DataFrame:
    """Compare an app's rules with a file of badges really awarded, by (user, badge).

    Args:
        warehouse: Holds the activity; nothing in it changes.
        app: Its badges are matched with the file's by title, whatever the case.
        path: Parquet, CSV or JSON Lines with user_id, badge and awarded_at (naive times are UTC).
        as_of: Compare what happened before this local day; by default everything known.

    Returns:
        The table of `compare_awards` with `missed_progress`: the median progress that the players we missed had made.

    Raises:
        NightquestError: The file cannot be read or lacks a column, or the warehouse has no events.
    """
    known = Known(warehouse, _night(warehouse, app, as_of))
    theirs = _read_awards(path).filter(pl.col("awarded_at") < known.cut)
    titles = pl.DataFrame([(rule.badge_id, rule.badge.title) for rule in badge_rules(app)], _TITLES, orient="row")
    named = theirs.join(titles.with_columns(badge=pl.col("title").str.to_lowercase()), on="badge")
    table = compare_awards(_our_awards(known), named.select("user_id", "badge_id", "awarded_at"))
    progress = badge_progress(known, active_within_days=_EVER).join(_users(warehouse), on="player_key")
    missed = table.select("badge_id", user_id="missed").explode("user_id").join(progress, on=["badge_id", "user_id"])
    nearest = missed.group_by("badge_id").agg(missed_progress=pl.col("progress").median())
    return titles.join(table, on="badge_id", maintain_order="left").join(
        nearest, on="badge_id", how="left", maintain_order="left"
    )


def compare_awards(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Compare two sets of awards by (user, badge); of several awards of one badge to one user the first counts.

    Args:
        ours: user_id, badge_id, awarded_at (UTC).
        theirs: The same columns.

    Returns:
        One row per badge of either: badge_id, ours, theirs, both (users), precision (both / ours), recall (both /
        theirs), date_agreement (share of both whose days differ by at most one), missed and extra (lists of user ids).
    """
    key = ["badge_id", "user_id"]
    pairs = _first_days(ours, "our_day").join(_first_days(theirs, "their_day"), on=key, how="full", coalesce=True)
    has_ours, has_theirs = pl.col("our_day").is_not_null(), pl.col("their_day").is_not_null()
    close = (pl.col("our_day") - pl.col("their_day")).dt.total_days().abs() <= 1
    counted = pairs.sort(key).group_by("badge_id", maintain_order=True)
    table = counted.agg(
        ours=has_ours.sum().cast(pl.Int64),
        theirs=has_theirs.sum().cast(pl.Int64),
        both=(has_ours & has_theirs).sum().cast(pl.Int64),
        date_agreement=close.mean(),
        missed=pl.col("user_id").filter(~has_ours),
        extra=pl.col("user_id").filter(~has_theirs),
    )
    return table.select(
        *("badge_id", "ours", "theirs", "both"),
        _share("both", "ours").alias("precision"),
        _share("both", "theirs").alias("recall"),
        *("date_agreement", "missed", "extra"),
    )


def render_comparison_markdown(table: pl.DataFrame, causes: Mapping[str, str] | None = None) -> str:
    """A Markdown table of `compare_file`, with a cause beside each badge that has a gap.

    Args:
        table: What `compare_file` returned.
        causes: Why a badge's awards differ, by badge id; found by looking at the awards that differ.
    """
    lines = [
        "| badge | ours | given | both | precision | recall | same day ±1 | progress of missed | cause of the gap |",
        "|---|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in table.iter_rows(named=True):
        shares = [_percent(row[name]) for name in ("precision", "recall", "date_agreement", "missed_progress")]
        cells = [row["title"], *(str(row[name]) for name in ("ours", "theirs", "both")), *shares]
        lines.append(f"| {' | '.join([*cells, (causes or {}).get(row['badge_id'], '')])} |")
    return "\n".join(lines) + "\n"


_TITLES = {"badge_id": pl.String, "title": pl.String}


def _night(warehouse: Warehouse, app: App, as_of: dt.date | None) -> Night:
    """A night that is not pinned: it looks at the past and leaves nothing behind."""
    last = warehouse.value("SELECT max(day) FROM events")
    if last is None:
        raise NightquestError(
            f"There is no activity of '{app.app}' to compare.", f"Run: {command('ingest', 'FILE', app=app.app)}"
        )
    served = as_of or last + dt.timedelta(days=1)
    cut = day_start(app, served)
    return Night(app, served, 0, cut, served, seed=0, started_at=cut, code_version="", app_hash="", watermark=0)


def _our_awards(known: Known) -> pl.DataFrame:
    """What is held, and what the rules find beyond it."""
    columns = ("player_key", "badge_id", "granted_at")
    held = known.frame(
        "SELECT player_key, badge_id, granted_at FROM badge_ledger WHERE granted_at < $cut", {"cut": known.cut}
    )
    found = find_awards(known, from_scratch=True).select(columns)
    both = pl.concat([held, found]).join(_users(known.warehouse), on="player_key")
    return both.select("user_id", "badge_id", awarded_at="granted_at")


def _users(warehouse: Warehouse) -> pl.DataFrame:
    return warehouse.frame("SELECT player_key, user_id FROM players")


def _read_awards(path: Path) -> pl.DataFrame:
    scan = _SCANNERS.get(path.suffix)
    if scan is None or not path.is_file():
        raise NightquestError(f"Cannot read awards from {path}.", "Give an existing .parquet, .csv or .jsonl file.")
    awarded_at = pl.col("awarded_at")
    try:
        rows = scan(path)
        if rows.collect_schema()["awarded_at"] == pl.String:
            awarded_at = awarded_at.str.to_datetime(time_zone="UTC")
        return rows.select(
            pl.col("user_id").cast(pl.String),
            pl.col("badge").str.to_lowercase(),
            awarded_at.cast(pl.Datetime("us", "UTC")),
        ).collect()
    except (pl.exceptions.PolarsError, KeyError) as error:
        first_line = (str(error).splitlines() or ["unreadable"])[0]
        raise NightquestError(
            f"{path} is no file of awards: {first_line}.", "It needs user_id, badge, awarded_at."
        ) from error


def _first_days(awards: pl.DataFrame, name: str) -> pl.DataFrame:
    return awards.group_by("badge_id", "user_id").agg(pl.col("awarded_at").min().dt.date().alias(name))


def _share(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.3f}"

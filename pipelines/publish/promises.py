"""What the night before asked of players: in the coming one it is as it was, or settled.

Both nights lie in order of user_id, so that they are held against each other some players at a time.
"""

import datetime as dt
from collections.abc import Iterator

import polars as pl

from pipelines.pins import Night
from pipelines.publish.published import Published, count_rows
from pipelines.publish.rows import AT_A_TIME

_SAME = {
    "challenges": ("title", "description", "requirements", "rewards", "valid_from", "valid_until"),
    "messages": ("title", "body"),
}


def broken_promises(
    staged: Published, sound: frozenset[str], previous: Published | None, night: Night
) -> Iterator[str]:
    """What the night before asked and is not here: a sentence for each kind.

    Players of whom nothing is here may have opted out.

    Args:
        staged: The coming night.
        sound: Its tables that can be read.
        previous: The night before; None for an app's first.
        night: The pins of the coming one.
    """
    if previous is None:
        return
    since = f"of the night of {previous.manifest.as_of}"
    for name in _SAME:
        if name not in sound or name not in previous.manifest.tables:
            continue
        if reused := _reused(staged.scan(name), previous.scan(name)):
            yield f"new {name} that carry a content_id {since}: {reused:,}"
        if changed := _changed(staged, previous, name):
            yield f"{name} that are not what they were {since}: {changed:,}"
    # A late night finds that later ones settled what it would; one to look at settles nothing.
    settles = night.issues and not night.late and previous.manifest.issued
    if settles and {"challenges", "settlements"} <= sound and (lost := _lost(staged, previous, night)):
        yield f"challenges {since} that are neither open nor settled: {lost:,}"


def _reused(rows: pl.LazyFrame, before: pl.LazyFrame) -> int:
    """How many new rows carry the id of an earlier promise."""
    new = rows.filter("is_new").select("content_id")
    return count_rows(new.join(before.select("content_id"), on="content_id", how="semi"))


def _changed(staged: Published, previous: Published, name: str) -> int:
    """How many rows of a table that are open since before are not what they were."""
    same, changed = _SAME[name], 0
    before = previous.scan(name).select("user_id", "content_id", *same)
    for rows in staged.parts(name, AT_A_TIME):
        users = rows["user_id"].drop_nulls()
        if users.is_empty():
            continue
        then = (
            before.filter(pl.col("user_id").is_between(pl.lit(users[0]), pl.lit(users[-1]))).drop("user_id").collect()
        )
        both = rows.filter(~pl.col("is_new")).select("content_id", *same).join(then, on="content_id", suffix="_then")
        other = pl.any_horizontal(pl.col(column).ne_missing(pl.col(f"{column}_then")) for column in same)
        changed += both.filter(other).height
    return changed


def _lost(staged: Published, previous: Published, night: Night) -> int:
    """How many challenges that run on are neither open nor settled, of players of whom something is here."""
    # What is over waits for its outcome where input is missing.
    over = night.as_of - dt.timedelta(days=1) if night.silences else night.base_day
    runs_on = previous.scan("challenges").filter(pl.col("valid_until") > over).select("user_id", "content_id")
    asked = runs_on.join(staged.scan("challenges").select("user_id").unique(), on="user_id", how="semi")
    here = pl.concat(staged.scan(name).select("content_id") for name in ("challenges", "settlements"))
    return count_rows(asked.join(here, on="content_id", how="anti"))

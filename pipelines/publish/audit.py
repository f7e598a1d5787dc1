"""The audit between writing a night and publishing it: a night that fails stays in, the one before stays out."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import polars as pl

from configs.commands import command
from configs.errors import NightquestError
from configs.nouns import counted
from pipelines.badges.judged.audit import unjudged
from pipelines.pins import Night
from pipelines.publish.collect import NEEDED
from pipelines.publish.fallen import AuditLimits, Tables, nothing_new, row_counts
from pipelines.publish.published import Published
from pipelines.publish.tables import contract_breaches, published_tables

PAST_NIGHTS = 14  # that the coming one is compared with


@dataclass(frozen=True)
class Check:
    """One finding: what was looked at, whether it holds, and the figures."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class AuditReport:
    """All findings on one night."""

    night: str
    checks: tuple[Check, ...]
    remedy: str

    @property
    def ok(self) -> bool:
        """Whether the night may go out."""
        return all(check.passed for check in self.checks)

    def require(self, notes: Sequence[str] = ()) -> None:
        """Refuse a night that failed.

        Args:
            notes: What else went wrong in the night, which may be why.

        Raises:
            NightquestError: It names each failed check with its figures.
        """
        if failed := [f"{check.name}: {check.detail}" for check in self.checks if not check.passed]:
            refused = (
                f"The audit refused {self.night}: nothing is published, the one before stays. {'; '.join(failed)}."
            )
            raise NightquestError(" ".join([refused, *notes]), self.remedy, exit_code=1)


def audit_night(
    tables: Tables,
    previous: Published | None,
    night: Night,
    served: pl.DataFrame,
    limits: AuditLimits | None = None,
    *,
    accept: bool = False,
    past: Sequence[Published] = (),
    broken: Sequence[str] = (),
) -> AuditReport:
    """Check everything that a night would publish.

    Args:
        tables: From `collect_tables`.
        previous: The night before (`previous_night`), None for an app's first.
        night: Whose `as_of` and app every row must carry.
        served: player_key, user_id, served and reason for every active player, from `served_players`.
        limits: How far tables may shrink.
        accept: A person has looked at what fell and takes it.
        past: The nights before (`past_nights`), newest first; `previous` alone where left out.
        broken: What of the input broke, from `judge_input`.

    Returns:
        Every check with its figures, failed or not; publishing needs `ok`.
    """
    limits, known = limits or AuditLimits(), published_tables()
    past = past or ((previous,) if previous else ())
    sound = {
        name: frame for name, frame in tables.items() if name in known and frame.schema == known[name].contract.types
    }
    checks = (
        _verdict("contracts", _contract_faults(tables), f"each of {counted(len(tables), 'table')} keeps its contract"),
        _verdict("one night", _other_nights(sound, night), f"every row is of {night.app.app}, {night.as_of}"),
        _verdict("unique keys", _duplicates(sound), "no key or id twice"),
        _verdict("probabilities", _bad_numbers(sound), "all finite and within 0 and 1"),
        _verdict("dates", _bad_dates(sound, night), "new challenges are still to come, open ones are not over"),
        _verdict("texts", _bad_texts(sound), "no empty text, no unfilled slot"),
        _verdict("judged badges", unjudged(sound, night.app), "every award rests on a verdict with cited evidence"),
        _verdict(
            "promises", _broken_promises(sound, previous, night), "what was asked before is here as it was, or settled"
        ),
        _served(sound, served),
        _since_before(
            "row counts",
            chain(row_counts(tables, past, served, limits), nothing_new(sound, past, limits, night)),
            f"players find what they found on {counted(len(past), 'night')} before",
            accept=accept,
        ),
        _since_before("input", iter(broken), "nothing lost, nothing twice", accept=accept),
    )
    return AuditReport(f"the night of {night.as_of} of '{night.app.app}'", checks, _remedy(checks, night))


def _verdict(name: str, faults: Iterator[str], fine: str) -> Check:
    found = list(faults)
    return Check(name, not found, "; ".join(found) or fine)


def _contract_faults(tables: Tables) -> Iterator[str]:
    known = published_tables()
    for name in NEEDED:
        if name not in tables:
            yield f"table {name} is missing"
    for name, frame in tables.items():
        if name not in known:
            yield f"table {name} has no contract"
        elif breaches := contract_breaches(name, frame):
            yield f"{name}: {', '.join(breaches)}"


def _other_nights(tables: Tables, night: Night) -> Iterator[str]:
    for name, frame in tables.items():
        own = (pl.col("app") == night.app.app) & (pl.col("as_of") == night.as_of)
        if strangers := frame.filter(~own.fill_null(value=False)).height:
            yield f"{name} has {counted(strangers, 'row')} of another app or night"


def _duplicates(tables: Tables) -> Iterator[str]:
    for name, frame in tables.items():
        key = published_tables()[name].contract.key
        if copies := frame.height - frame.select(key).n_unique():
            yield f"{name} has {counted(copies, 'row')} with a ({', '.join(key)}) that is there already"
    for names, column in (
        (("challenges", "messages", "achievements"), "content_id"),
        (("badges_held",), "award_id"),
        (("xp_ledger",), "entry_id"),
        (("reward_ledger",), "entry_id"),
    ):
        ids = pl.concat([tables[name].get_column(column) for name in names if name in tables] or [pl.Series()])
        if copies := ids.len() - ids.n_unique():
            yield f"{counted(copies, column)} in {' and '.join(names)} twice"


def _bad_numbers(tables: Tables) -> Iterator[str]:
    for name, frame in tables.items():
        for column, kind in frame.schema.items():
            share = column in published_tables()[name].contract.shares
            fine = pl.col(column).is_between(0, 1) if share else pl.col(column).is_finite()
            if kind.is_float() and (bad := frame.filter(~fine).height):
                fault = "outside 0 to 1" if share else "not a finite number"
                yield f"{name}.{column} is {fault} in {counted(bad, 'row')}"


def _bad_dates(tables: Tables, night: Night) -> Iterator[str]:
    if "challenges" in tables:
        frame = tables["challenges"]
        if early := frame.filter(pl.col("is_new") & (pl.col("valid_from") < pl.col("as_of"))).height:
            yield f"new challenges that start before the day that the night serves: {early:,}"
        # Where the day begins later than in the app's own zone, the day before the base day may run on.
        if over := frame.filter(pl.col("valid_until") < night.base_day - dt.timedelta(days=1)).height:
            yield f"challenges that were over before the night: {over:,}"
        if short := frame.filter(pl.col("valid_until") < pl.col("valid_from")).height:
            yield f"challenges that end before they start: {short:,}"


def _bad_texts(tables: Tables) -> Iterator[str]:
    for name, frame in tables.items():
        for column in published_tables()[name].contract.texts:
            text = pl.col(column)
            if unfilled := frame.filter(text.str.contains(r"[{}]")).height:
                yield f"{name}.{column} has an unfilled slot in {counted(unfilled, 'row')}"
            if blank := frame.filter(text.str.strip_chars() == "").height:
                yield f"{name}.{column} is blank in {counted(blank, 'row')}"


def _broken_promises(tables: Tables, previous: Published | None, night: Night) -> Iterator[str]:
    """What the night before asked: here as it was, or settled. Players of whom nothing is here may have opted out."""
    if previous is None:
        return
    since = f"of the night of {previous.manifest.as_of}"
    for name, same in _PROMISED.items():
        if name not in tables or name not in previous.manifest.tables:
            continue
        now, before = tables[name], previous.table(name)
        if reused := now.filter("is_new").join(before, on="content_id", how="semi").height:
            yield f"new {name} that carry a content_id {since}: {reused:,}"
        both = now.filter(~pl.col("is_new")).select("content_id", *same).join(before, on="content_id", suffix="_then")
        if changed := both.filter(pl.any_horizontal(pl.col(c).ne_missing(pl.col(f"{c}_then")) for c in same)).height:
            yield f"{name} that are not what they were {since}: {changed:,}"
    # A late night finds that later ones settled what it would; one to look at settles nothing.
    settles = night.issues and not night.late and previous.manifest.issued
    if settles and "challenges" in tables and "settlements" in tables:
        # What is over waits for its outcome where input is missing.
        over = night.as_of - dt.timedelta(days=1) if night.silences else night.base_day
        runs_on = previous.table("challenges").filter(pl.col("valid_until") > over)
        asked = runs_on.join(tables["challenges"], on="user_id", how="semi")
        here = pl.concat([tables[name].select("content_id") for name in ("challenges", "settlements")])
        if lost := asked.join(here, on="content_id", how="anti").height:
            yield f"challenges {since} that are neither open nor settled: {lost:,}"


_PROMISED = {
    "challenges": ("title", "description", "requirements", "rewards", "valid_from", "valid_until"),
    "messages": ("title", "body"),
}


def _served(tables: Tables, served: pl.DataFrame) -> Check:
    addressed = pl.concat(
        [tables[name].select("user_id") for name in ("challenges", "messages") if name in tables] or [_NOBODY]
    )
    absent = served.filter("served").join(addressed, on="user_id", how="anti")
    silent = served.filter(~pl.col("served") & pl.col("reason").fill_null("").str.strip_chars().eq(""))
    told = served.filter(~pl.col("served")).group_by("reason").len().sort("len", "reason", descending=[True, False])
    reasons = ", ".join(f"{row['len']:,} {row['reason']}" for row in told.drop_nulls().to_dicts())
    if bad := [
        f"active players who {fault}: {frame.height:,} (player_key {_some(frame['player_key'])})"
        for frame, fault in (
            (silent, "get nothing, and no reason is given"),
            (absent, "are said to be served and get nothing"),
        )
        if frame.height
    ]:
        return Check("every active player served", passed=False, detail="; ".join(bad))
    count = served.filter("served").height
    figures = f"{count:,} of {counted(served.height, 'active player')}" + (f"; {reasons}" if reasons else "")
    return Check("every active player served", passed=True, detail=figures)


def _some(keys: pl.Series) -> str:
    return ", ".join(map(str, keys.head(3)))


_NOBODY = pl.DataFrame(schema={"user_id": pl.String})


def _since_before(name: str, found: Iterator[str], fine: str, *, accept: bool) -> Check:
    """What may be real although it looks broken: a person can take it."""
    faults = "; ".join(found)
    return Check(
        name, passed=accept or not faults, detail=f"accepted: {faults}" if faults and accept else faults or fine
    )


def _remedy(checks: tuple[Check, ...], night: Night) -> str:
    day, app = night.as_of, night.app.app
    if {check.name for check in checks if not check.passed} <= {"row counts", "input"}:
        again = command("nightly", "--as-of", day, "--accept", app=app)
        return f"See what came in ({command('status')}); if the fall is real, run: {again}"
    return f"Mend what made these rows, then run: {command('nightly', '--as-of', day, '--refresh', app=app)}"

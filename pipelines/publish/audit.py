"""The audit between writing a night and publishing it: a night that fails stays in, the one before stays out."""

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
from pipelines.publish.promises import broken_promises
from pipelines.publish.published import Published
from pipelines.publish.row_checks import CONTRACTS, DATES, KEYS, NUMBERS, ONE_NIGHT, TEXTS, look_at_rows
from pipelines.publish.shrinkage import AuditLimits, nothing_new, row_counts
from pipelines.publish.tables import published_tables

PAST_NIGHTS = 14  # that the coming one is compared with
_ADDRESSING = ("challenges", "messages")
_NOBODY = pl.DataFrame(schema={"user_id": pl.String})


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
    staged: Published,
    previous: Published | None,
    night: Night,
    served: pl.DataFrame,
    limits: AuditLimits | None = None,
    *,
    accept: bool = False,
    past: Sequence[Published] = (),
    broken: Sequence[str] = (),
) -> AuditReport:
    """Check everything that a night would publish, as it lies on the disk: no table of it is in memory whole.

    Args:
        staged: The night where no reader looks, see `stage.staged`.
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
    limits, past = limits or AuditLimits(), past or ((previous,) if previous else ())
    looked, count = look_at_rows(staged, night), len(staged.manifest.tables)
    sound, found = looked.sound, looked.faults

    def rows(check: str, fine: str) -> Check:
        return _verdict(check, iter(found.get(check, ())), fine)

    checks = (
        _verdict(
            CONTRACTS,
            chain(_not_as_agreed(staged), found.get(CONTRACTS, ())),
            f"each of {counted(count, 'table')} keeps its contract",
        ),
        rows(ONE_NIGHT, f"every row is of {night.app.app}, {night.as_of}"),
        rows(KEYS, "no key or id twice"),
        rows(NUMBERS, "all finite and within 0 and 1"),
        rows(DATES, "new challenges are still to come, open ones are not over"),
        rows(TEXTS, "no empty text, no unfilled slot"),
        _verdict(
            "judged badges", _unjudged(staged, sound, night), "every award rests on a verdict with cited evidence"
        ),
        _verdict(
            "promises",
            broken_promises(staged, sound, previous, night),
            "what was asked before is here as it was, or settled",
        ),
        _served(addressed(staged, sound), served),
        _since_before(
            "row counts",
            chain(row_counts(staged, past, served, limits), nothing_new(staged, sound, past, limits, night)),
            f"players find what they found on {counted(len(past), 'night')} before",
            accept=accept,
        ),
        _since_before("input", iter(broken), "nothing lost, nothing twice", accept=accept),
    )
    return AuditReport(f"the night of {night.as_of} of '{night.app.app}'", checks, _remedy(checks, night))


def addressed(staged: Published, sound: frozenset[str] = frozenset(_ADDRESSING)) -> pl.DataFrame:
    """user_id of everybody who is asked or told something, each once."""
    users = [staged.scan(name).select("user_id") for name in _ADDRESSING if name in sound]
    return pl.concat(users or [_NOBODY.lazy()]).unique().collect(engine="streaming")


def _verdict(name: str, faults: Iterator[str], fine: str) -> Check:
    found = list(faults)
    return Check(name, not found, "; ".join(found) or fine)


def _not_as_agreed(staged: Published) -> Iterator[str]:
    tables = staged.manifest.tables
    yield from (f"table {name} is missing" for name in NEEDED if name not in tables)
    yield from (f"table {name} has no contract" for name in tables if name not in published_tables())


def _unjudged(staged: Published, sound: frozenset[str], night: Night) -> Iterator[str]:
    if {"badges", "badge_nominees"} <= sound:
        yield from unjudged(staged.scan("badges"), staged.scan("badge_nominees"), night.app)


def _served(addressed: pl.DataFrame, served: pl.DataFrame) -> Check:
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

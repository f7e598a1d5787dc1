"""The contract of every published table: its columns in order, their types and ranges, and what identifies a row.

Consumers rely on these. A change that breaks a reader raises SCHEMA_VERSION.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandera.polars as pa
import polars as pl

SCHEMA_VERSION = 2

TIME = pl.Datetime("us", "UTC")
REQUIREMENTS = pl.List(
    pl.Struct({"metric": pl.String(), "op": pl.String(), "target": pl.Float64(), "window_days": pl.Int32()})
)
REWARDS = pl.Struct({"xp": pl.Int32()})
TIERS = ("bronze", "silver", "gold", "platinum")
RARITIES = ("common", "uncommon", "rare", "epic", "legendary")


@dataclass(frozen=True)
class PublishedTable:
    """One published table.

    Attributes:
        schema: Strict: exactly these columns, in this order.
        key: Identifies a row and fixes the order of rows in the file.
        shares: Columns that are probabilities or shares, 0 to 1.
        texts: Columns that a player reads.
        standing: Whether its size is steady from night to night, so that a fall is a sign of a fault.
    """

    schema: pa.DataFrameSchema
    key: tuple[str, ...]
    shares: tuple[str, ...]
    texts: tuple[str, ...]
    standing: bool

    @property
    def types(self) -> dict[str, pl.DataType]:
        """Polars type by column name, in order."""
        return {name: column.dtype.type for name, column in self.schema.columns.items()}


def _text(*, nullable: bool = False, one_of: tuple[str, ...] = (), metadata: dict[str, Any] | None = None) -> pa.Column:
    checks = [pa.Check.isin(one_of)] if one_of else [pa.Check.str_length(min_value=1)]
    return pa.Column(pl.String(), checks, nullable=nullable, metadata=metadata)


def _words() -> pa.Column:
    return _text(metadata={"words": True})


def _share(*, nullable: bool = False) -> pa.Column:
    return pa.Column(pl.Float64(), pa.Check.in_range(0, 1), nullable=nullable, metadata={"share": True})


def _whole(low: int | None = 0, high: int | None = None, *, nullable: bool = False) -> pa.Column:
    checks = [pa.Check.ge(low)] if low is not None else []
    return pa.Column(pl.Int32(), [*checks, *([pa.Check.le(high)] if high is not None else [])], nullable=nullable)


def _count() -> pa.Column:
    return pa.Column(pl.Int64(), pa.Check.ge(0))


def _number(*, low: float | None = None, nullable: bool = False) -> pa.Column:
    return pa.Column(pl.Float64(), pa.Check.ge(low) if low is not None else None, nullable=nullable)


def _day() -> pa.Column:
    return pa.Column(pl.Date())


def _moment(*, nullable: bool = False) -> pa.Column:
    return pa.Column(TIME, nullable=nullable)


def _table(key: tuple[str, ...], columns: dict[str, pa.Column], *, standing: bool = True) -> PublishedTable:
    every = {"app": _text(), "as_of": _day(), **columns}

    def marked(mark: str) -> tuple[str, ...]:
        return tuple(name for name, column in every.items() if (column.metadata or {}).get(mark))

    schema = pa.DataFrameSchema(every, strict=True, ordered=True)
    return PublishedTable(schema=schema, key=key, shares=marked("share"), texts=marked("words"), standing=standing)


def _writing() -> dict[str, pa.Column]:
    return {
        "ai_provider": _text(),
        "model": _text(),
        "prompt_version": _text(),
        "variant": _text(),
        "propensity": _share(),
    }


def _standing() -> dict[str, pa.Column]:
    """The night that issued it, and whether that is this one."""
    return {"issued_on": _day(), "is_new": pa.Column(pl.Boolean())}


def _awards(*, standing: bool) -> PublishedTable:
    return _table(
        ("user_id", "badge_id"),
        {
            "award_id": _text(),
            "user_id": _text(),
            "badge_id": _text(),
            "title": _words(),
            "tier": _text(nullable=True, one_of=TIERS),
            "category": _text(nullable=True),
            "rarity": _text(one_of=RARITIES),
            "granted_at": _moment(),
            "confidence": _share(),
            "evidence": _text(),
            "citation": _words(),
            "rule_version": _text(),
        },
        standing=standing,
    )


PUBLISHED: Mapping[str, PublishedTable] = MappingProxyType(
    {
        "challenges": _table(
            ("user_id", "content_id"),
            {
                "content_id": _text(),
                "user_id": _text(),
                "content_type": _text(),
                "title": _words(),
                "description": _words(),
                "requirements": pa.Column(REQUIREMENTS),
                "rewards": pa.Column(REWARDS),
                "difficulty_level": _whole(1, 10),
                "completion_probability": _share(),
                "probability_if_active": _share(),
                "personalization_score": _share(),
                "estimated_minutes": _whole(nullable=True),
                **_writing(),
                **_standing(),
                "progress": _share(),
                "valid_from": _day(),
                "valid_until": _day(),
                "generated_at": _moment(),
                "metadata": _text(nullable=True),
            },
        ),
        "messages": _table(
            ("user_id", "content_id"),
            {
                "content_id": _text(),
                "user_id": _text(),
                "content_type": _text(),
                "title": _words(),
                "body": _words(),
                **_writing(),
                **_standing(),
                "generated_at": _moment(),
                "metadata": _text(nullable=True),
            },
            standing=False,
        ),
        "achievements": _table(
            ("user_id", "content_id"),
            {
                "content_id": _text(),
                "user_id": _text(),
                "title": _words(),
                "description": _words(),
                "category": _text(),
                "tier": _text(one_of=TIERS),
                "metric": _text(),
                "target": _number(low=0),
                "value": _number(low=0),
                "progress": _share(),
                "eta_days": _whole(nullable=True),
                "state": _text(one_of=("open", "reached")),
                "reached_on": pa.Column(pl.Date(), nullable=True),
                **_standing(),
                "rewards": pa.Column(REWARDS),
                **_writing(),
                "generated_at": _moment(),
                "metadata": _text(nullable=True),
            },
        ),
        "badges": _awards(standing=False),
        "badges_held": _awards(standing=True),
        "badge_progress": _table(
            ("user_id", "badge_id"),
            {
                "user_id": _text(),
                "badge_id": _text(),
                "progress": _share(),
                "remaining": _text(nullable=True),
                "eta_days": _whole(nullable=True),
            },
        ),
        "badge_nominees": _table(
            ("user_id", "badge_id"),
            {
                "user_id": _text(),
                "badge_id": _text(),
                "state": _text(one_of=("waiting", "held", "awarded", "refused", "lapsed")),
                "open_since": pa.Column(pl.Date(), nullable=True),
                "nominated_on": pa.Column(pl.Date(), nullable=True),
                "decided_on": pa.Column(pl.Date(), nullable=True),
                "decided_by": _text(nullable=True),  # a provider's name, `person` or `nobody`
                "model": _text(nullable=True),
                "prompt_version": _text(nullable=True),
                "confidence": _share(nullable=True),
                "reasons": _text(nullable=True),
                "evidence": _text(nullable=True),
                "evidence_ids": _text(nullable=True),
                "second_opinion": _text(nullable=True),
                "rule_version": _text(),
            },
            standing=False,
        ),
        "profiles": _table(
            ("user_id",),
            {
                "user_id": _text(),
                "persona": _text(),
                "traits": _text(),
                "risk_tolerance": _share(),
                "skill_level": _whole(1, 10),
                "preferred_content": _text(nullable=True),
                "completion_rate": _share(nullable=True),
                "activity": _text(),
                "language": _text(),
            },
        ),
        "segments": _table(
            ("user_id", "cohort"),
            {"user_id": _text(), "cohort": _text(), "segment": _text(), "posterior": _share()},
        ),
        "targets": _table(
            ("user_id", "cohort", "metric", "percentile"),
            {
                "user_id": _text(),
                "cohort": _text(),
                "metric": _text(),
                "percentile": _whole(1, 99),
                "value": _number(),
                "is_next": pa.Column(pl.Boolean()),
            },
        ),
        "scores": _table(
            ("user_id", "task", "target", "horizon_days"),
            {
                "user_id": _text(),
                "task": _text(),
                "target": _text(nullable=True),
                "horizon_days": _whole(1),
                "probability": _share(),
                "model_version": _text(),
                "reasons": _text(nullable=True),
            },
        ),
        "settlements": _table(
            ("user_id", "content_id", "revision"),
            {
                "content_id": _text(),
                "revision": _whole(1),
                "user_id": _text(),
                "title": _text(),
                "state": _text(one_of=("completed", "expired")),
                "completed_at": _moment(nullable=True),
                "progress": _share(),
                "xp": _whole(None),
                "reason": _text(),
            },
            standing=False,
        ),
        "xp_ledger": _table(
            ("user_id", "posted_on", "entry_id"),
            {
                "entry_id": _text(),
                "user_id": _text(),
                "posted_on": _day(),
                "xp": _whole(None),
                "reason": _text(),
                "occurred_at": _moment(),
            },
        ),
        "content_performance": _table(
            ("content_type", "ai_provider", "prompt_version", "variant", "persona"),
            {
                "content_type": _text(),
                "ai_provider": _text(),
                "prompt_version": _text(),
                "variant": _text(),
                "persona": _text(nullable=True),
                "issued": _count(),
                "shown": _count(),
                "settled": _count(),
                "completed": _count(),
                "kept_rate": _share(nullable=True),
                "rated": _count(),
                "mean_rating": _number(low=1, nullable=True),
                "mean_personalization": _share(nullable=True),
                "median_minutes_from_start": _number(low=0, nullable=True),
                "median_minutes_from_shown": _number(low=0, nullable=True),
                "cost_usd": _number(low=0),
                "cost_per_completion_usd": _number(low=0, nullable=True),
            },
            standing=False,
        ),
    }
)


def contract_breaches(name: str, frame: pl.DataFrame) -> list[str]:
    """What a frame breaks of a table's contract: a sentence each, with column, rule and count, never a row's data."""
    if frame.is_empty() and [*frame.schema.items()] == [*PUBLISHED[name].types.items()]:
        return []  # many tables of a night are: nothing but their columns could be wrong
    try:
        PUBLISHED[name].schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    schema_wide = cases.filter(pl.col("column").is_null())
    missing = [f"{row['check']}: {row['failure_case']}" for row in schema_wide.to_dicts()]
    per_rule = cases.filter(pl.col("column").is_not_null()).group_by("column", "check", maintain_order=True).len()
    return missing + [f"{row['column']} breaks {row['check']} ({row['len']}x)" for row in per_rule.to_dicts()]

"""What the audit of a night asks of judged badges."""

import json
from collections.abc import Iterator

import polars as pl

from configs.app import App
from configs.badge_rules import nominate_rules
from configs.nouns import counted

_KEYS = ["user_id", "badge_id"]


def unjudged(badges: pl.LazyFrame, nominees: pl.LazyFrame, app: App) -> Iterator[str]:
    """What is wrong with the night's judged awards: a sentence for each fault, never a row's data.

    Each must have a verdict that awards it, by a person or by a model that cites evidence it was given; none may come
    from a night on which nobody could be asked.

    Args:
        badges: The night's.
        nominees: The night's, `badge_nominees`.
        app: Whose judged badges count.
    """
    versions = [rule.version for rule in nominate_rules(app)]
    by_verdict = pl.col("evidence").str.json_path_match("$.verdict_id").is_not_null()
    new = badges.filter(pl.col("rule_version").is_in(versions) | by_verdict).select(_KEYS)
    cases = nominees.filter(pl.col("state") == "awarded").select(*_KEYS, "decided_by", "evidence", "evidence_ids")
    awards = new.join(cases, on=_KEYS, how="left").collect(engine="streaming")
    if alone := awards.filter(pl.col("decided_by").is_null()).height:
        yield f"{counted(alone, 'award')} without a verdict"
    if offline := awards.filter(pl.col("decided_by") == "nobody").height:
        yield f"{counted(offline, 'award')} by a verdict of nobody"
    by_model = awards.filter(~pl.col("decided_by").is_in(["person", "nobody"]))  # whichever provider it was
    if bare := sum(not _rests(row["evidence"], row["evidence_ids"]) for row in by_model.iter_rows(named=True)):
        yield f"{counted(bare, 'award')} without cited evidence, or with none that was given"


def _rests(evidence: str | None, cited: str | None) -> bool:
    """Whether at least one id is cited and all of them were given."""
    given = {item["id"] for item in json.loads(evidence or "[]")}
    ids = set(json.loads(cited or "[]"))
    return bool(ids) and ids <= given

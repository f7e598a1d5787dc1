"""Judged badges of a night: who is nominated, what is decided of them, and writing it down."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from configs.badge_rules import nominate_rules, open_nominate_rules
from data.warehouse import Warehouse
from pipelines.badges.judged.adjudicate import Verdict, adjudicate
from pipelines.badges.judged.agreement import agreement_of, second_opinions
from pipelines.badges.judged.evidence import gather_evidence, read_evidence
from pipelines.badges.judged.nominate import choose_nominees, find_nominations, held_since, judged_badges
from pipelines.badges.judged.panel import Nominee, Panel
from pipelines.badges.judged.unusual import NOBODY, Unusual, held_as_unusual, to_review
from pipelines.badges.judged.verdicts import REASONS_LENGTH
from pipelines.badges.rules.award import Cite, cite_awards, name_awards, write_awards
from pipelines.known import Known
from pipelines.pins import Night
from pipelines.words.checks.cleaning import clean

CITATION_LENGTH = 300  # of a person's own
NAME_LENGTH = 80

_KEYS = ["badge_id", "player_key"]
_VERDICT = pl.Schema(
    {
        "decision": pl.String(),
        "decided_by": pl.String(),
        "provider": pl.String(),
        "model": pl.String(),
        "prompt_version": pl.String(),
        "confidence": pl.Float64(),
        "citation": pl.String(),
        "reasons": pl.String(),
        "evidence_ids": pl.String(),
        "call_key": pl.String(),
        "second_opinion": pl.String(),
    }
)
# What is known of a case before it is decided on, and of an award beyond its verdict.
_CASE = pl.Schema(
    {
        "badge_id": pl.String(),
        "player_key": pl.Int64(),
        "user_id": pl.String(),
        "rule_version": pl.String(),
        "evidence": pl.String(),
        "evidence_hash": pl.String(),
        "crossing": pl.String(),
        "event_id": pl.String(),
        "decided_at": pl.Datetime("us", "UTC"),
    }
)


@dataclass(frozen=True)
class Cases:
    """Whom a night has to decide on.

    Attributes:
        found: Nominations new tonight.
        rows: A row for each case that is to be judged.
        nominees: The same, with their evidence.
        flagged: A row for each case that is left to a person since the week is unusual.
        people: A row for each case that a person has decided.
        lapsed: A row for each case on which nobody has decided for too long, with its reasons.
    """

    found: pl.DataFrame
    rows: pl.DataFrame
    nominees: tuple[Nominee, ...]
    flagged: pl.DataFrame
    people: pl.DataFrame
    lapsed: pl.DataFrame


@dataclass(frozen=True)
class Judgements:
    """What a night decided, not yet written down.

    Attributes:
        found: Nominations new tonight.
        verdicts: A row for each decision, with what an award needs.
    """

    found: pl.DataFrame
    verdicts: pl.DataFrame


def judge_nominees(known: Known, panel: Panel | None, unusual: Mapping[int, Unusual] = NOBODY) -> Judgements:
    """Find the nominees, gather their evidence and decide on them; writes nothing.

    The same night asks the same questions, so that a night begun again finds its answers in the ledger.

    Args:
        known: What the night may see.
        panel: Who is asked. Without one, nominees are held for a person.
        unusual: By player_key, whose week is unusual: where the badge says so they are held, and nobody is asked.

    Raises:
        AppFileError: A rule of the app cannot be read.
    """
    cases = find_cases(known, unusual, asked=panel is not None and bool(panel.judges))
    flagged = [held_as_unusual(unusual[key]) for key in cases.flagged["player_key"]]
    verdicts = adjudicate(known.app, cases.nominees, panel, seed=known.night.seed)
    by_person = [_of_person(row) for row in cases.people.iter_rows(named=True)]
    lapsed = [Verdict("lapse", "nobody", reasons) for reasons in cases.lapsed["reasons"]]
    decided = (
        (cases.people, by_person),
        (cases.rows, verdicts),
        (cases.flagged, flagged),
        (cases.lapsed, lapsed),
    )
    return Judgements(cases.found, pl.concat([_rows(rows, said) for rows, said in decided]))


def find_cases(known: Known, unusual: Mapping[int, Unusual] = NOBODY, *, asked: bool) -> Cases:
    """Find the nominees and gather their evidence; see `judge_nominees`.

    Args:
        known: What the night may see.
        unusual: See `judge_nominees`.
        asked: Whether anybody can be asked tonight.
    """
    found = find_nominations(known)
    people = _decisions_of_people(known)
    chosen = choose_nominees(known, found, people, asked=asked)
    chosen = chosen.with_columns(decided_at=pl.lit(known.cut).cast(pl.Datetime("us", "UTC")))
    evidence = gather_evidence(known, pl.concat([chosen.select(_KEYS), people.select(_KEYS)]))
    rows, decided = (frame.join(evidence, on=_KEYS, maintain_order="left") for frame in (chosen, people))
    to_a_person = to_review(known.app, rows, unusual)
    rows, flagged = rows.filter(~to_a_person), rows.filter(to_a_person)
    nominees = tuple(
        Nominee(_case(known.night, row), row["badge_id"], tuple(read_evidence(row["evidence"])))
        for row in rows.iter_rows(named=True)  # a question each
    )
    return Cases(found, rows, nominees, flagged, decided, _lapsed(known, [rows, flagged, decided]))


def write_judgements(known: Known, judgements: Judgements, cite: Cite) -> dict[str, Any]:
    """Write nominations and verdicts down and award what was decided. Doing it again adds nothing.

    Args:
        known: What the night may see.
        judgements: From `judge_nominees` of the same night.
        cite: Writes the citations of what people awarded: awards in, a frame with award_id and citation out.

    Returns:
        nominees (decided on tonight by models, or held because none could be asked), awarded, held and refused of them,
        by_person, lapsed (tonight, as nobody decided for too long), waiting (nominated, nothing said yet), held_in_all,
        second_opinions, agreement (share) and kappa of all second opinions so far.
    """
    ids = [
        _verdict_id(known.night, row) for row in judgements.verdicts.select("user_id", "badge_id").iter_rows(named=True)
    ]
    rows = judgements.verdicts.with_columns(
        pl.Series("verdict_id", ids, dtype=pl.String), as_of=pl.lit(known.as_of), revision=pl.lit(known.night.revision)
    )
    awards = _awards(known, rows.filter(pl.col("decision") == "award"), cite)
    citations = awards.select(*_KEYS, written="citation")
    told = rows.join(citations, on=_KEYS, how="left", maintain_order="left").with_columns(citation=pl.col("written"))
    with known.warehouse.transaction():
        known.warehouse.append(
            "nominations", judgements.found.with_columns(as_of=pl.lit(known.as_of)), on_conflict_skip=True
        )
        kept = told.drop("user_id", "crossing", "event_id", "decided_at", "written")
        known.warehouse.append("verdicts", kept, on_conflict_skip=True)
        write_awards(known, _stand(known.warehouse, awards))
    return judged_figures(known)


def judged_figures(known: Known) -> dict[str, Any]:
    """The figures of `write_judgements`, read from what is written down."""
    limits = {"as_of": known.as_of, "revision": known.night.revision}
    with known.lend(judged=judged_badges(nominate_rules(known.app))):
        counts = known.frame(known.fixed("badges/judged_figures"), limits).row(0, named=True)
    agreement = agreement_of(second_opinions(known))
    return counts | {"second_opinions": agreement.n, "agreement": agreement.share, "kappa": agreement.kappa}


def _decisions_of_people(known: Known) -> pl.DataFrame:
    """The columns of badge_decisions.sql, of what is not noted yet; on badges on hold once they open."""
    heard = [rule for rule in nominate_rules(known.app) if rule.badge.state != "on_hold"]
    with known.lend(judged=judged_badges(heard)):
        return known.frame(known.fixed("badges/badge_decisions"), {"as_of": known.as_of, "cut": known.cut})


def _lapsed(known: Known, decided: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Cases beyond `lapse_after_days` that are not decided on tonight, with reasons."""
    limits = {"as_of": known.as_of, "revision": known.night.revision, "cut": known.cut}
    busy = pl.concat([frame.select(_KEYS) for frame in decided])
    since = held_since(known.warehouse, known.as_of)
    with known.lend(judged=judged_badges(open_nominate_rules(known.app)), busy=busy, held_since=since):
        return known.frame(known.fixed("badges/lapsed_nominees"), limits)


def _of_person(row: Mapping[str, Any]) -> Verdict:
    """A person's word, with their reason and, of an award, their citation where they gave one."""
    reasons, who = clean(row["reason"] or "", REASONS_LENGTH), clean(row["said_by"] or "", NAME_LENGTH)
    reasons = f"{who}: {reasons}" if who and reasons else reasons or f"Decided by {who or 'a person'}."
    citation = clean(row["citation"] or "", CITATION_LENGTH) if row["decision"] == "award" else ""
    return Verdict(row["decision"], "person", reasons, citation, confidence=1.0, call_key=row["event_id"])


def _rows(cases: pl.DataFrame, verdicts: Sequence[Verdict]) -> pl.DataFrame:
    """Cases with their verdicts as columns."""
    said = pl.DataFrame([_plain(verdict) for verdict in verdicts], schema=_VERDICT, orient="row")
    return pl.concat([cases.select(_CASE.names()).cast(_CASE), said], how="horizontal")


def _plain(verdict: Verdict) -> dict[str, Any]:
    second = verdict.second_opinion
    return asdict(verdict) | {
        "evidence_ids": json.dumps(verdict.evidence_ids),
        "second_opinion": json.dumps(second, ensure_ascii=False, sort_keys=True) if second else None,
    }


def _awards(known: Known, rows: pl.DataFrame, cite: Cite) -> pl.DataFrame:
    """What goes into the ledger: the columns of `find_awards` and citation: a model's, a person's, or `cite`'s."""
    evidence = [_award_evidence(row) for row in rows.iter_rows(named=True)]
    named = name_awards(
        known.warehouse,
        known.app,
        rows.select(
            *("player_key", "badge_id", "event_id", "rule_version", "confidence"),
            pl.col("decided_at").alias("granted_at"),
            pl.lit(0, pl.Int64).alias("round_no"),
            pl.Series("evidence", evidence, dtype=pl.String),
        ),
    )
    citations = rows.select(*_KEYS, "citation", "decided_by")
    judged = named.join(citations, on=_KEYS, maintain_order="left")
    by_model = judged.filter(pl.col("decided_by") == "model").drop("decided_by")
    by_person = judged.filter(pl.col("decided_by") == "person").drop("decided_by").rename({"citation": "own"})
    own = pl.when(pl.col("own") != "").then("own").otherwise("citation").alias("citation")
    cited = cite_awards(known, by_person, cite).with_columns(own)
    return pl.concat([by_model, cited.select(by_model.columns)])


def _award_evidence(row: Mapping[str, Any]) -> str:
    """The nominating rule with its values, and what the verdict rests on."""
    cited = set(json.loads(row["evidence_ids"]))
    verdict = {
        "decided_by": row["provider"] or row["decided_by"],
        "reasons": row["reasons"],
        "cited": [item for item in read_evidence(row["evidence"]) if item["id"] in cited],
        "verdict_id": row["verdict_id"],
    }
    return json.dumps(json.loads(row["crossing"] or "{}") | verdict, ensure_ascii=False)


def _stand(warehouse: Warehouse, awards: pl.DataFrame) -> pl.DataFrame:
    """The awards among these whose verdict, as the warehouse has it, is an award."""
    ids = warehouse.frame("SELECT verdict_id FROM verdicts WHERE decision = 'award'")
    verdict = pl.col("evidence").str.json_path_match("$.verdict_id")
    return awards.filter(verdict.is_in(ids["verdict_id"].implode()))


def _case(night: Night, row: Mapping[str, Any]) -> str:
    return "/".join((night.app.app, row["user_id"], row["badge_id"], row["rule_version"]))


def _verdict_id(night: Night, row: Mapping[str, Any]) -> str:
    """32 hex digits; a case has at most one verdict a night and revision."""
    parts = [night.app.app, row["user_id"], row["badge_id"], str(night.as_of), night.revision]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

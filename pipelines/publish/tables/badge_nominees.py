"""Who was nominated for a judged badge, and how it stands."""

from configs.badge_rules import nominate_rules
from data.contracts_out import contract, day, document, share, text
from pipelines.badges.judged.nominate import held_since, judged_badges
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "badge_id"),
    {
        "user_id": text(),
        "badge_id": text(),
        "state": text(one_of=("waiting", "held", "awarded", "refused", "lapsed")),
        "open_since": day(nullable=True),
        "nominated_on": day(nullable=True),
        "decided_on": day(nullable=True),
        "decided_by": text(nullable=True),  # a provider's name, `person`, `anomaly`, `nobody`
        "model": text(nullable=True),
        "prompt_version": text(nullable=True),
        "confidence": share(nullable=True),
        "reasons": text(nullable=True),
        "evidence": document(nullable=True),
        "evidence_ids": document(nullable=True),
        "second_opinion": document(nullable=True),
        "rule_version": text(),
    },
    standing=False,
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    judged = judged_badges(nominate_rules(seen.known.app))
    since = held_since(seen.known.warehouse, seen.known.as_of)
    return seen.select("badge_nominees", few_rows=True, judged=judged, held_since=since)

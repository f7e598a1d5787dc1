"""Values that shares of comparable players reach."""

from data.contracts_out import contract, flag, named, number, text, whole
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "cohort", "metric", "percentile"),
    {
        "user_id": text(),
        "cohort": text(),
        "judged_as": text(),
        "metric": named(),
        "percentile": whole(1, 99),
        "value": number(),
        "is_next": flag(),
    },
    screen=("cohort", "judged_as", "metric", "percentile", "value", "is_next"),
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    return seen.named(seen.frames["targets"])

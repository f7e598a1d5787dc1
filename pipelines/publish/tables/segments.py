"""How strong players are among comparable play, in each cohort that they play."""

from data.contracts_out import contract, flag, share, text
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "cohort"),
    {
        "user_id": text(),
        "cohort": text(),
        "judged_as": text(),
        "segment": text(),
        "posterior": share(),
        "is_main": flag(),
    },
    screen=("cohort", "judged_as", "segment", "is_main"),
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    return seen.named(seen.frames["segments"])

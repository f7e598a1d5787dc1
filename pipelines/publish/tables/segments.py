"""How strong players are among comparable play, in each cohort that they play."""

import polars as pl

from data.contracts_out import contract, flag, share, text
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "cohort"),
    {"user_id": text(), "cohort": text(), "segment": text(), "posterior": share(), "is_main": flag()},
    screen=("cohort", "segment", "is_main"),
)


def rows(seen: Seen) -> pl.DataFrame:
    """The table's rows, in any order."""
    return seen.named(seen.frames["segments"])

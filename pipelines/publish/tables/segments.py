"""How strong players are among comparable play."""

import polars as pl

from data.contracts_out import contract, share, text
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "cohort"),
    {"user_id": text(), "cohort": text(), "segment": text(), "posterior": share()},
)


def rows(seen: Seen) -> pl.DataFrame:
    """The table's rows, in any order."""
    return seen.named(seen.frames["segments"])

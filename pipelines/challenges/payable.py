"""Room in what a night may pay, by `rewards.budgets.<item>.paid`, for achievements that are reached anew."""

import polars as pl

from pipelines.known import Known


def with_room(known: Known, hits: pl.DataFrame) -> pl.DataFrame:
    """Reached achievements, without those reached for a second time that the night's budgets have no room to pay.

    One that was taken back had its share and gave it up; what it pays again must not come on top of what others
    reserve. So it waits, in the order in which they were reached, for a night that pays little enough beside; one that
    pays nothing else of the same items pays the first. What is reached for the first time never waits.

    Args:
        known: What the night may see; its challenges are settled.
        hits: content_id, reached_at, again: empty of what is reached for the first time.
    """
    most = {item: budget.paid for item, budget in known.app.rewards.budgets.items() if budget.paid is not None}
    if not most or not (hits["again"] != "").any():
        return hits
    bound = pl.DataFrame([*most.items()], schema={"item": pl.String, "most": pl.Int64}, orient="row")
    with known.lend(bound=bound, hits=hits.select("content_id", "reached_at", "again")):
        waits = known.frame(known.fixed("rewards/waiting_for_room"), {"as_of": known.as_of})
    return hits.join(waits, on="content_id", how="anti", maintain_order="left")

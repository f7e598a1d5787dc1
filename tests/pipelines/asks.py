"""What a night's content types plan for players that a test made up."""

import polars as pl

from data.warehouse import Warehouse
from pipelines.known import Known
from pipelines.night.wanted import gather
from pipelines.pins import Night
from pipelines.words.content_type import Asking
from tests.pipelines.challenges.strength import one_cohort

NOBODY = pl.DataFrame(schema={"player_key": pl.Int64})


def asks_of(
    warehouse: Warehouse,
    night: Night,
    features: pl.DataFrame,
    profiles: pl.DataFrame,
    *,
    targets: pl.DataFrame = NOBODY,
    missions: pl.DataFrame = NOBODY,
    unlikely: pl.DataFrame = NOBODY,
) -> pl.DataFrame:
    """The messages of the types that the night's app lists; nobody is asked for a daily challenge."""
    segments, none = one_cohort(features), pl.DataFrame(schema={"player_key": pl.Int64})

    def asking(rows):
        return Asking(
            Known(warehouse, night), features, segments, targets, profiles, none, missions, unlikely, none, rows
        )

    return gather(night.app, asking, none).messages


def profiles_of(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("player_key", user_id=pl.format("user{}", "player_key")).with_columns(
        persona=pl.lit("BRUTE"), language=pl.lit("en"), opted_out=False, preferred_content=pl.lit("topics")
    )

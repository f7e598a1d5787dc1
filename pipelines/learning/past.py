"""What training may see, beyond what a night may: how far players were with badges on past days."""

from dataclasses import replace

import polars as pl

from configs.badge_rules import once_rules, terms_of
from pipelines.badges.rules.crossings import find_crossings
from pipelines.badges.rules.progress import progress_sql
from pipelines.badges.rules.rounds import NOBODY
from pipelines.badges.rules.values_sql import values_sql
from pipelines.known import Known
from pipelines.pins import day_start


class Past(Known):
    """A night's knowledge that also looks back at badges."""

    @classmethod
    def of(cls, known: Known) -> "Past":
        """What the same night knows."""
        return cls(known.warehouse, known.night)

    def badges_earned(self) -> pl.DataFrame:
        """player_key, badge_id, earned_day: when each rule first held, whether it was granted or not."""
        found = find_crossings(self, once_rules(self.app), NOBODY, from_scratch=True)
        found = found.select("player_key", "badge_id", "event_id")
        with self.lend(found=found):
            return self.frame(
                "SELECT f.player_key, badge_id, day AS earned_day FROM found f JOIN events_at($cut) USING (event_id)",
                {"cut": self.cut},
            )

    def badges_on(self, snapshots: pl.DataFrame) -> pl.DataFrame:
        """player_key, base_day, badge_id, progress, eta_days: as a night of each day would have told it of the player.

        Badges that were held by then are among them. All days are asked in one go, under keys below 0 that no ledger
        knows: to plan the question takes longer than to answer it.

        Args:
            snapshots: player_key and base_day; of a player who was not active enough by then nothing is told.
        """
        rules, days = once_rules(self.app), snapshots["base_day"].unique().sort().to_list()
        if not rules or not days:
            return pl.DataFrame(schema={"player_key": pl.Int64, "base_day": pl.Date, **_STANDING})
        for place, day in enumerate(days):
            then = replace(
                self.night, as_of=day, base_day=day, cut=min(self.cut, day_start(self.app, day)), silences=()
            )
            values = values_sql(then, terms_of(rules), self.app.challenges.active_within_days)
            asked = snapshots.filter(pl.col("base_day") == day).select("player_key")
            with self.lend(asked=asked):
                Known(self.warehouse, then).run(
                    f"CREATE OR REPLACE TEMP TABLE badge_values_{place} AS "
                    f"FROM ({values}) SEMI JOIN asked USING (player_key)"
                )
        stacked = " UNION ALL ".join(
            f"SELECT * REPLACE (-1 - player_key * {len(days)} - {place} AS player_key) FROM badge_values_{place}"
            for place in range(len(days))
        )
        self.run(f"CREATE OR REPLACE TEMP TABLE badge_values AS {stacked}")
        told = self.frame(progress_sql(self.night, rules))
        for place in range(len(days)):
            self.run(f"DROP TABLE badge_values_{place}")
        key, of_day = -1 - pl.col("player_key"), dict(enumerate(days))
        base_day = (key % len(days)).replace_strict(of_day, return_dtype=pl.Date)
        return told.select(
            player_key=key // len(days), base_day=base_day, **{n: pl.col(n).cast(t) for n, t in _STANDING.items()}
        )


_STANDING = {"badge_id": pl.String(), "progress": pl.Float64(), "eta_days": pl.Int32()}

"""How strong rows are beside a night's players: the model's segment, percentiles of comparable players, what is next.

The rows are players of the home or given on the spot; either way the same model and the same players judge them.
"""

from dataclasses import dataclass

import polars as pl

from configs.app import App
from models.tasks.segments import PARENT, SegmentModel
from pipelines.players.segments import WINDOW_DAYS, in_cohorts, measures_of
from pipelines.players.standing import FEWEST_PLAYERS

_PARTS = 20  # of the players, by score


@dataclass(frozen=True)
class Judge:
    """What rows are judged by.

    Attributes:
        app: Its segments and bands.
        model: The segments that serve.
        version: Of the model.
        players: The night's players: player_key, cohort and the measures, a row for each cohort with a mixture that
            they played, and one of `all`; judged_as and segment.
    """

    app: App
    model: SegmentModel
    version: str
    players: pl.DataFrame

    @property
    def score(self) -> str:
        """The column of the metric that leads."""
        return f"{self.app.segments.score}__{WINDOW_DAYS}"

    @property
    def sign(self) -> float:
        """1 where more of the score is better, else -1."""
        return 1.0 if self.app.metrics[self.app.segments.score].better == "higher" else -1.0

    def percentiles(self) -> pl.DataFrame:
        """What the app's percentiles come to: judged_as, segment (null: of the whole cohort), players, p_<percentile>.

        A percentile is a value that some player reached and at least so many do not exceed (do not undercut, where
        lower is better).
        """
        known = self.players.drop_nulls(self.score).with_columns(own=pl.col(self.score) * self.sign)
        quantiles = [
            (pl.col("own").quantile(p / 100, "higher") * self.sign + 0.0).alias(f"p_{p}")
            for p in self.app.segments.percentiles
        ]
        whole = known.group_by("judged_as").agg(pl.len().alias("players"), *quantiles)
        parts = known.group_by("judged_as", "segment").agg(pl.len().alias("players"), *quantiles)
        whole = whole.with_columns(segment=pl.lit(None, pl.String)).select(parts.columns)
        return pl.concat([whole, parts]).sort("judged_as", "segment", nulls_last=False)

    def judge(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Judge rows.

        Args:
            rows: cohort and the model's measures; an unknown one is null.

        Returns:
            A row each: judged_as, cluster (place of the level, from 0), cluster_label, confidence, chance_<level>,
            current_score, compared_with ('segment' or 'cohort'), p_<percentile>, next_target, next_percentile (null
            beyond every target).
        """
        levels = self.model.levels
        found = self.model.predict(rows)
        chances = pl.DataFrame(self.model.chances(rows), schema=[f"chance_{level}" for level in levels], orient="row")
        judged = pl.concat([found, chances, rows.select(current_score=self.score)], how="horizontal").rename(
            {"segment": "cluster_label", "posterior": "confidence"}
        )
        judged = judged.with_columns(
            cluster=pl.col("cluster_label").replace_strict(dict(zip(levels, range(len(levels)), strict=True)))
        )
        return self._with_targets(judged)

    def filled_in(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows given on the spot, with what they do not say as it is usual at their score.

        That is the median of the twentieth of comparable players whose scores are nearest; to the mixture an unknown
        measure is a weak one, as of a player who has nothing of it.

        Args:
            rows: cohort and the model's measures; an unknown one is null, the score is not.
        """
        others = [measure.column for measure in self.model.measures if measure.column != self.score]
        place = pl.col(self.score).rank("average").over("judged_as") / pl.len().over("judged_as")
        usual = (
            self.players.drop_nulls(self.score)
            .group_by("judged_as", part=(place * _PARTS).ceil())
            .agg(pl.col(self.score).median().alias("at"), pl.col(others).median())
            .sort("at")
        )
        given = rows.with_row_index("place").hstack(self.model.judged_as(rows)).sort(self.score)
        found = given.join_asof(
            usual, left_on=self.score, right_on="at", by="judged_as", strategy="nearest", check_sortedness=False
        )
        known = [pl.coalesce(name, f"{name}_right").alias(name) for name in others]
        return found.sort("place").with_columns(known).select(rows.columns)

    def _with_targets(self, judged: pl.DataFrame) -> pl.DataFrame:
        ladder, steps = self.percentiles(), [f"p_{p}" for p in self.app.segments.percentiles]
        whole = ladder.filter(pl.col("segment").is_null()).drop("segment", "players")
        own = ladder.filter(pl.col("segment").is_not_null() & (pl.col("players") >= FEWEST_PLAYERS))
        own = own.rename({"segment": "cluster_label"}).with_columns(narrow=pl.lit(value=not self.app.segments.bands))
        both = judged.join(whole, on="judged_as", how="left", maintain_order="left").join(
            own.drop("players"), on=["judged_as", "cluster_label"], how="left", maintain_order="left", suffix="_own"
        )
        narrow = pl.col("narrow").fill_null(value=False)
        told = both.with_columns(
            *(pl.when(narrow).then(f"{step}_own").otherwise(step).alias(step) for step in steps),
            compared_with=pl.when(narrow).then(pl.lit("segment")).otherwise(pl.lit("cohort")),
        )
        told = told.with_columns(next_target=self._next()).with_columns(next_percentile=self._highest())
        return told.drop("narrow", *(f"{step}_own" for step in steps))

    def _next(self) -> pl.Expr:
        """The nearest of the aimed-for percentiles that lies strictly beyond the row's own score."""
        ahead = [
            pl.when(self._aimed(p) & (pl.col(f"p_{p}") * self.sign > pl.col("current_score") * self.sign)).then(
                pl.col(f"p_{p}") * self.sign
            )
            for p in self.app.segments.percentiles
        ]
        return pl.min_horizontal(ahead) * self.sign

    def _highest(self) -> pl.Expr:
        """Of percentiles that come to the same, the highest: who reaches the value is level with that many."""
        level = [
            pl.when(pl.col(f"p_{p}") == pl.col("next_target")).then(pl.lit(p)) for p in self.app.segments.percentiles
        ]
        return pl.max_horizontal(level)

    def _aimed(self, percentile: int) -> pl.Expr:
        """Whether a percentile is in the band of the row's level, or above one that lies behind."""
        bands = self.app.segments.bands
        if not bands:
            return pl.lit(value=True)
        first, last = (
            pl.col("cluster_label").replace_strict({level: band[i] for level, band in bands.items()}) for i in (0, 1)
        )
        ends = {band[1] for band in bands.values()}
        end = pl.coalesce(pl.when(last == p).then(pl.col(f"p_{p}")) for p in ends)
        behind = (pl.col("current_score") * self.sign >= end * self.sign).fill_null(value=False)
        return (first <= percentile) & ((last >= percentile) | behind)


def reference_of(
    app: App, model: SegmentModel, features: pl.DataFrame, cohorts: pl.DataFrame, played: pl.DataFrame | None
) -> pl.DataFrame:
    """A night's players as `Judge.players` has them.

    Args:
        app: Its segments.
        model: The segments that serve.
        features: player_key and the measures over all play.
        cohorts: player_key and the cohort played most.
        played: From `played_there`, where strength is measured in cohorts.
    """
    columns = ["player_key", *(m.column for m in measures_of(app))]
    whole = features.select(columns)
    if in_cohorts(app) and played is not None:
        there = played.select(*columns, "cohort")
    else:
        there = whole.join(cohorts.select("player_key", "cohort"), on="player_key", how="inner", maintain_order="left")
    own = there.filter(pl.col("cohort").is_in(model.cohorts) & (pl.col("cohort") != PARENT))
    rows = pl.concat([whole.with_columns(cohort=pl.lit(PARENT)), own])
    return rows.hstack(model.predict(rows).select("judged_as", "segment"))

"""Texts from language models: kept ones serve again, missing ones are written, the offline writer fills the rest."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from configs.app import App
from data.warehouse import Warehouse
from pipelines.words.briefs import Brief
from pipelines.words.content_type import SCENE
from pipelines.words.pool import TEXTS, count_missing, keep_texts, read_pool
from pipelines.words.read_lately import Readings, most_read
from pipelines.words.writers.jobs import Job, Team, Text, text_row
from pipelines.words.writers.offline import Variant
from pipelines.words.writers.source import TEXT_COLUMNS, Offline

# From jobs to the new texts of each.
WriteJobs = Callable[[Sequence[Job]], list[list[Text]]]


class Pooled:
    """Language models, with the offline writer behind them.

    Args:
        app: Its voice and words.
        warehouse: Keeps the texts.
        teams: Who writes, by the briefs' writer.
        assigned: player_key, arm, propensity.
        writers: By content type and arm; what is not there is the offline writer's.
        profiles: player_key, profile of the players who have a brief of their own.
        recent: What players read lately.
        as_of: The night.
        compared: Whether rows tell their arm.
        seed: For the offline writer.
        write: Writes; None writes nothing, so that what is missing is the offline writer's.
    """

    def __init__(
        self,
        app: App,
        warehouse: Warehouse,
        teams: Mapping[str, Team],
        assigned: pl.DataFrame,
        writers: Mapping[str, Mapping[str, str]],
        profiles: pl.DataFrame,
        recent: Readings,
        *,
        compared: bool,
        as_of: dt.date,
        seed: int,
        write: WriteJobs | None,
    ) -> None:
        self._app, self._warehouse, self._teams = app, warehouse, teams
        self.assigned, self._writers, self._compared = assigned, writers, compared
        self._profiles, self.recent = profiles, recent
        self._as_of, self._write = as_of, write
        self._offline = Offline(app, seed, recent)

    def sign(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """`wanted` with the writer of each row's player, their profile where they have one, and their arm."""
        named = [(kind, arm, writer) for kind, by_arm in self._writers.items() for arm, writer in by_arm.items()]
        schema = {"content_type": pl.String, "arm": pl.String, "written_by": pl.String}
        writers = pl.DataFrame(named, schema=schema, orient="row")
        signed = (
            wanted.select("player_key", "content_type")
            .join(self.assigned.select("player_key", "arm"), on="player_key", how="left", maintain_order="left")
            .join(self._profiles.rename({"profile": "own"}), on="player_key", how="left", maintain_order="left")
            .join(writers, on=["content_type", "arm"], how="left", maintain_order="left")
        )
        scene = pl.col("occasion").str.replace(rf"\b{SCENE}\d+ ?", "").str.strip_chars()  # is the grammar's to tell
        told = signed.hstack(wanted.select("occasion")).select(
            occasion=pl.when(pl.col("written_by").is_null()).then("occasion").otherwise(scene),
            writer=pl.col("written_by").fill_null(""),
            profile=pl.when(pl.col("written_by").is_not_null()).then(pl.col("own")).fill_null(""),
            arm=pl.col("arm") if self._compared else pl.lit(None, dtype=pl.String),
        )
        return wanted.with_columns(told.get_columns())

    def texts(self, briefs: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        """What is kept and what is newly written; the offline writer's for its own briefs and for those that lack."""
        asked = briefs.filter(pl.col("writer").is_in(list(self._teams)))
        pool, lacking = self._look(asked, rows)
        jobs = self._jobs(asked, pool, lacking)
        if jobs and self._write is not None:
            found = self._write(jobs)
            new = [
                text_row(job, i, text) for job, texts in zip(jobs, found, strict=True) for i, text in enumerate(texts)
            ]
            frame = pl.DataFrame(new, schema={name: kind for name, kind in TEXTS.items() if name != "made_on"})
            keep_texts(self._warehouse, asked, frame.with_columns(made_on=pl.lit(self._as_of)), self._as_of)
            pool, lacking = self._look(asked, rows)
        pool, lacking = pool.filter("serves"), lacking.filter(pl.col("short") > 0)
        spare = self._offline.texts(briefs.join(asked, on="brief_id", how="anti"), rows)
        fill = self._fill(asked, rows, pool, lacking)
        parts = [pool.with_columns(index=pl.lit(0, pl.Int64), n=pl.lit(0, pl.Int64)).select(TEXT_COLUMNS), fill, spare]
        every = pl.concat([part.select(TEXT_COLUMNS) for part in parts], how="vertical_relaxed")
        return every.with_columns(
            index=pl.int_range(pl.len(), dtype=pl.Int64).over("brief_id"),
            n=pl.len().cast(pl.Int64).over("brief_id"),
        )

    def _look(self, asked: pl.DataFrame, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The texts that are kept of the briefs that language models are asked for, and what each of these lacks."""
        pool = read_pool(self._warehouse, asked)
        wanted = rows.select("player_key", "brief_id").join(asked.select("brief_id"), on="brief_id", how="semi")
        variants = self._app.content.variants
        return pool, count_missing(wanted, pool, self.recent, variants=variants, made_on=self._as_of)

    def _jobs(self, asked: pl.DataFrame, pool: pl.DataFrame, lacking: pl.DataFrame) -> list[Job]:
        """The briefs that lack texts tonight."""
        held = {key[0]: part for key, part in pool.partition_by("brief_id", as_dict=True).items()}
        wanting = asked.join(lacking.filter(pl.col("missing") > 0), on="brief_id", how="inner", maintain_order="right")
        return [
            self._job(Brief(**row), missing, held.get(row["brief_id"], pool.clear()))
            for row, missing in zip(
                wanting.select(asked.columns).iter_rows(named=True), wanting["missing"], strict=True
            )
        ]

    def _job(self, brief: Brief, missing: int, held: pl.DataFrame) -> Job:
        have = tuple(Variant(*row) for row in held.select("variant", "title", "text", "metadata").iter_rows())
        turn = 1 + len(have) // self._app.content.variants
        return Job(brief, self._teams[brief.writer], missing, turn, have, place=len(have))

    def _fill(self, asked: pl.DataFrame, rows: pl.DataFrame, pool: pl.DataFrame, lacking: pl.DataFrame) -> pl.DataFrame:
        """The offline writer's texts for briefs that lack: all where nothing is kept, else as many as are missing."""
        briefs = asked.join(lacking, on="brief_id", how="semi", maintain_order="left")
        texts = self._offline.texts(briefs, rows)
        if texts.is_empty():
            return texts
        read = most_read(rows, texts, self.recent)
        limits = lacking.join(read, on="brief_id", how="left").with_columns(pl.col("read").fill_null(0))
        most = pl.when(pl.col("have") > 0).then(pl.col("short") + pl.col("read")).otherwise(pl.col("n"))
        kept = texts.join(
            pool.select("brief_id", "variant"), on=["brief_id", "variant"], how="anti", maintain_order="left"
        )
        return (
            kept.join(limits, on="brief_id", how="left", maintain_order="left")
            .filter(pl.int_range(pl.len()).over("brief_id") < most)
            .select(TEXT_COLUMNS)
        )

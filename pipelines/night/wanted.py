"""What a night is to put into words: each content type's plan, as far as the app lists it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from configs.app import App
from configs.errors import NightquestError
from configs.full_disk import is_full
from pipelines.challenges.caps import cap_messages
from pipelines.challenges.identity import content_ids
from pipelines.challenges.not_asked import ENDED, UNLIKELY
from pipelines.challenges.parts import PARTS
from pipelines.engines.laid import whole
from pipelines.known import Known
from pipelines.night.plan import Planned
from pipelines.words.content_type import NOBODY, Asking, ContentType
from pipelines.words.types import content_types
from pipelines.words.write import TABLES, check_rows

LONG_AWAY_DAYS = 90  # what an unknown time away counts as
ASKS = pl.Schema(
    {
        "content_id": pl.String(),
        "player_key": pl.Int64(),
        "content_type": pl.String(),
        "persona": pl.String(),
        "language": pl.String(),
        "metric": pl.String(),
        "goal": pl.Float64(),
        "percentile": pl.Int32(),
        "recency_days": pl.Int32(),
        "occasion": pl.String(),
        "window_days": pl.Int32(),
        "valid_until": pl.Date(),
        "mission": pl.String(),
        "also": PARTS,
        "chapter": pl.Int32(),
        "done": pl.Float64(),
    }
)
_NO_ACHIEVEMENTS = pl.DataFrame(
    schema={
        **dict.fromkeys(("content_id", "content_type", "persona", "language", "metric", "tier"), pl.String),
        "player_key": pl.Int64,
        "target": pl.Float64,
    }
)


_log = logging.getLogger(f"nightquest.{__name__}")


@dataclass(frozen=True)
class Wanted:
    """The rows that need words, by table: the frames that `choose_words` takes.

    Attributes:
        challenges: The `plan` frame with occasion.
        faults: By content type, why nothing of it is planned tonight: a sentence with the file to mend.
    """

    challenges: pl.DataFrame
    messages: pl.DataFrame
    achievements: pl.DataFrame
    faults: Mapping[str, str] = field(default_factory=dict)

    @property
    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Challenges, messages, achievements."""
        return self.challenges, self.messages, self.achievements


def want_content(known: Known, planned: Planned) -> Wanted:
    """The rows that need words, as far as the app's `content.types` lists them; a type that fails costs its own alone.

    Players who were issued daily challenges for this day before keep those; missions, achievements and what comes
    once a week look at what was issued themselves.

    Args:
        known: What the night may see.
        planned: Its players and plan.
    """
    players, plan = planned.players, planned.plan
    plain = (name for name, kind in players.profiles.schema.items() if not kind.is_nested())
    profiles = players.profiles.select(*plain)
    profiles = profiles.join(known.left_alone(), on="player_key", how="anti", maintain_order="left")
    challenges, missions = whole(plan.challenges), whole(plan.missions)
    unlikely = plan.unserved.filter(pl.col("reason").is_in([UNLIKELY, ENDED])).select("player_key")

    def asking(rows: Callable[[str], pl.DataFrame]) -> Asking:
        return Asking(
            known=known,
            features=players.features,
            segments=players.segments,
            targets=players.targets,
            profiles=profiles,
            challenges=challenges,
            missions=missions,
            unlikely=unlikely,
            open_asks=planned.asked,
            rows=rows,
        )

    found = gather(known.app, asking, challenges)
    order = sorted(content_types(), key=lambda name: (content_types()[name].place, name))
    return replace(found, messages=cap_messages(known, found.messages, order))


def gather(app: App, asking: Callable[[Callable[[str], pl.DataFrame]], Asking], challenges: pl.DataFrame) -> Wanted:
    """What every content type that the app lists plans for the night, by table.

    Args:
        app: It says which types.
        asking: Makes what they plan from, given what tells one what another plans.
        challenges: Of what columns challenges are.
    """
    listed = {name: kind for name, kind in content_types().items() if name in app.content.types}
    planned: dict[str, pl.DataFrame] = {}
    worded: dict[str, pl.DataFrame] = {}
    faults: dict[str, str] = {}
    told: list[Asking] = []

    def rows(name: str) -> pl.DataFrame:
        kind = listed.get(name)
        if kind and kind.plan and name not in planned:
            planned[name] = pl.DataFrame(schema=ASKS) if kind.table == "messages" else NOBODY  # if it looks at itself
            try:
                made = kind.plan(told[0])
                worded[name], planned[name] = _to_word(told[0], kind, made), made
                told[0].known.warehouse.ease()  # what is planned next takes memory, too
            except (NightquestError, OSError, MemoryError):
                raise  # no fault of its file
            except Exception as error:
                if is_full(error):
                    raise
                why = f"{type(error).__name__}: {error}"
                faults[name] = f"Nothing of {name} is planned: {why}. See pipelines/words/types/{name}.py."
                _log.warning("%s", faults[name], exc_info=error)
        return planned.get(name, NOBODY)

    told.append(asking(rows))
    found: dict[str, list[pl.DataFrame]] = {table: [] for table in TABLES}
    for name, kind in listed.items():
        if rows(name).height and kind.table in found:
            found[kind.table].append(worded[name])
    told.clear()  # it and `rows` have each other, and would keep all players' profiles until somebody collects them
    none = challenges.clear().with_columns(occasion=pl.lit(""))
    return Wanted(
        pl.concat([none, *found["challenges"]], how="diagonal"),
        pl.concat([pl.DataFrame(schema=ASKS), *found["messages"]]),
        pl.concat(found["achievements"] or [_NO_ACHIEVEMENTS]),
        faults,
    )


def _to_word(asking: Asking, kind: ContentType, rows: pl.DataFrame) -> pl.DataFrame:
    """What a content type plans, as its table has it.

    Raises:
        Exception: Whatever its file raises, or a ValueError where its rows cannot be put into words.
    """
    if not rows.height or kind.table not in TABLES:
        return rows
    if kind.table == "messages":
        rows = _messages(asking, kind.name, rows)
    else:
        rows = rows.join(asking.profiles, on="player_key", how="semi", maintain_order="left")
    check_rows(kind.table, rows)
    rows.select(**kind.keys(asking.known.app))
    return rows


def _messages(asking: Asking, kind: str, rows: pl.DataFrame) -> pl.DataFrame:
    """A content type's messages with all that the writers need: the columns of ASKS, to nobody who opted out.

    Raises:
        ValueError: A player would get two of a kind.
    """
    if rows["player_key"].is_duplicated().any():
        raise ValueError(f"the content type {kind} plans two messages for one player")
    away = asking.features.select("player_key", pl.col("recency_days").fill_null(LONG_AWAY_DAYS).cast(pl.Int32))
    welcome = asking.welcome("player_key", "user_id", "persona", "language")
    rows = rows.join(welcome, on="player_key", how="inner", maintain_order="left").join(
        away, on="player_key", how="left", maintain_order="left"
    )
    names = rows.select(pl.format("{}/{}", "user_id", pl.lit(kind))).to_series()
    rows = rows.with_columns(
        content_type=pl.lit(kind),
        content_id=content_ids(asking.known, names),
    )
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit("" if name == "occasion" else None)).cast(type_).alias(name)
        for name, type_ in ASKS.items()
    )

"""What a file of pipelines/words/types says: the form of the texts, what they start from, and who gets one.

Commands that only need to know which types there are must not wait for what plans them: that is loaded when it is used.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import polars as pl

from configs.app import App
from pipelines.engines.laid import Frame
from pipelines.known import Known

TEXT_LENGTH = 280
LONG_TEXT_LENGTH = 600  # of what tells a story or how to do something
GOAL = (("goal_1",),)
GOAL_AND_WINDOW = (("goal_1",), ("window", "period", "until"))
ALSO = ("also",)  # what is asked beside the goal
CHAPTER = "chapter"  # with its number, the occasion of a brief that tells a piece of a story
SCENE = "scene"  # with its number, of one that stands by itself: which of the voice's scenes the offline writer tells
SINGLE = "single"  # the occasion of what asks for nothing beside it
NOBODY = pl.DataFrame(schema={"player_key": pl.Int64})


@dataclass(frozen=True)
class Form:
    """The texts of a content type.

    Attributes:
        text: The column beside `title`: description, body or citation.
        title: Whether it has a title.
        slots: Groups of slots; the text carries exactly one of each group, once; see `slots_on`.
        length: The most characters of the text, slots filled.
        timed: Whether only a slot may say by when, or nothing at all.
        steps: Whether a language model answers in steps, which become one text.
    """

    text: str
    title: bool = True
    slots: tuple[tuple[str, ...], ...] = ()
    length: int = TEXT_LENGTH
    timed: bool = False
    steps: bool = False

    def slots_on(self, occasion: str) -> tuple[tuple[str, ...], ...]:
        """The groups of slots on an occasion: where it is 'none' none, where it is 'single' nothing beside the goal."""
        words = occasion.split(" ")
        if "none" in words:
            return ()
        return tuple(group for group in self.slots if group != ALSO or SINGLE not in words)


@dataclass(frozen=True)
class Asking:
    """What is known when a night decides who gets texts of a content type; every frame has player_key.

    Attributes:
        known: What the night may see.
        features: One row per eligible player at the night's base day; laid on the disk where they are many.
        segments: judged_as, segment.
        targets: From `set_targets`.
        profiles: From `describe_players`, but for its Structs, without those who are to be left alone.
        challenges: The night's daily challenges: the `plan` frame.
        missions: Its new missions, with occasion; without columns where the app writes none.
        unlikely: Who is too unlikely to play to be asked for anything.
        open_asks: What is open for the players, see `what_is_open`.
        rows: What is planned tonight of another content type of the app, by its name; no rows of one that it does not
            write.
    """

    known: Known
    features: Frame
    segments: pl.DataFrame
    targets: Frame
    profiles: pl.DataFrame
    challenges: pl.DataFrame
    missions: pl.DataFrame
    unlikely: pl.DataFrame
    open_asks: pl.DataFrame
    rows: Callable[[str], pl.DataFrame]

    def welcome(self, *columns: str) -> pl.DataFrame:
        """Some columns of the profiles of those who did not opt out."""
        return self.profiles.select(pl.col(columns).filter(~pl.col("opted_out")))

    @cached_property
    def likely(self) -> pl.DataFrame:
        """player_key of those who are not too unlikely to play and did not opt out, in the order of the profiles."""
        return self.welcome("player_key").join(self.unlikely, on="player_key", how="anti", maintain_order="left")

    @cached_property
    def nearest(self) -> pl.DataFrame:
        """Each player's nearest next target, see `nearest_targets`."""
        from pipelines.players.targets import nearest_targets  # noqa: PLC0415

        return nearest_targets(self.known.night, self.features, self.targets)

    @cached_property
    def standings(self) -> Frame:
        """How each player stands in each metric among comparable ones, see `compare`."""
        from pipelines.challenges.invite import compare  # noqa: PLC0415

        return compare(self.known.app, self.features, self.segments)

    @cached_property
    def first_steps(self) -> dict[str, float | None]:
        """A small amount of each metric to begin with, see `first_steps`."""
        from pipelines.challenges.invite import first_steps  # noqa: PLC0415

        return first_steps(self.known.app, self.features)


def _no_keys(_app: App) -> Mapping[str, pl.Expr]:
    return {}


def _lacks_nothing(_app: App) -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class Shown:
    """How `check` shows a text about each metric of challenges: under which name, and of which brief."""

    name: str
    occasion: str = ""
    difficulty: str = ""


@dataclass(frozen=True)
class ContentType:
    """A kind of text that players read. Its prompt is configs/prompts/<name>.md.

    Attributes:
        table: The table that it goes into.
        form: Of its texts.
        starts: The symbols of the lexicon that its titles (None: it has none) and its texts start from.
        plain_title: Of its last resort, for when the lexicon gives nothing that may go out.
        plain: The last resort by occasion, '' for all others: a sentence with the slots in double braces and
            {task}, {badge}, {tier} filled in.
        briefs: Every (metric or badge, occasion) that an app may have texts written for.
        occasions: All there are, '' apart; each may stand behind a symbol of the lexicon.
        keys: What of a brief follows from the planned row: expressions by name of BRIEF_KEYS. What it leaves out is
            the row's own metric and occasion.
        plan: Who gets one tonight; None for what is planned elsewhere. Of messages at most a row for a player:
            player_key, and as far as they apply metric, goal, percentile, occasion, window_days, valid_until and
            mission (the content_id of what it tells of); of challenges and achievements their whole rows.
        lacks: What an app file that lists it leaves out: 'key: fault; remedy'.
        about: Whether its briefs' metric is a metric or a badge.
        own_phrases: Whether the symbols that begin with that of its text belong to it alone: the texts of other types
            do not change with them.
        place: What stands first chooses its text first, of all that one player reads.
        for_everyone: Whether it is one of those which together leave nobody who is active without anything.
        names_bests: Whether a title may name what is a best, a least or a mean: one begins with no high score.
        names_metric: Whether its metadata name the metric that it is about.
        shown: How `check` shows it.
    """

    table: Literal["challenges", "messages", "achievements", "badges"]
    form: Form
    starts: tuple[str | None, str]
    plain_title: str
    plain: Mapping[str, str]
    briefs: Callable[[App], Iterable[tuple[str, str]]]
    occasions: tuple[str, ...] = ()
    keys: Callable[[App], Mapping[str, pl.Expr]] = _no_keys
    plan: Callable[[Asking], pl.DataFrame] | None = None
    lacks: Callable[[App], Iterable[str]] = _lacks_nothing
    about: Literal["metric", "badge"] = "metric"
    own_phrases: bool = True
    place: int = 90
    for_everyone: bool = False
    names_bests: bool = True
    names_metric: bool = False
    shown: Shown | None = None
    name: str = field(default="", kw_only=True)

"""What people call what a player's rows name by an id, and how they say its numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from configs.nouns import plural_of
from flows.cli.drawing import figure

if TYPE_CHECKING:
    from configs.app import App


TASK = "task"  # before the name of a question that has a name in the app's terms
ASKED = {  # what is asked of a target, before it
    "attainment": "reaches",
    "badge_odds": "earns",
    "engagement": "level",
    "recommendations": "does",
}
# What players do on a day with something done, by the kind of app or by what they are called; else they play.
PLAY = {
    **dict.fromkeys(("learning", "learner", "student", "pupil", "trainee"), "learn"),
    **dict.fromkeys(("fitness", "athlete", "runner", "swimmer", "climber"), "train"),
    **dict.fromkeys(("member", "visitor", "guest", "customer", "volunteer"), "come"),
    "game": "play",
    "shop": "shop",
    "workplace": "work",
    "reader": "read",
}


@dataclass(frozen=True)
class Terms:
    """An app's own terms; by default what can be said without knowing the app.

    Attributes:
        names: What people call what the app names, by id, see `names_of`.
        prestige: Of the app's badges, by id.
        goal: A metric's number that is to be reached, as people say it: '155 minutes'.
        came_to: What somebody came to of it: '41'.
        play: What players of the app do: 'train'.
        players: What they are called: 'athletes'.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    prestige: Mapping[str, int] = field(default_factory=dict)
    goal: Callable[[str, float], str] = lambda _, value: figure(value)
    came_to: Callable[[str, float], str] = lambda _, value: figure(value)

    play: str = "play"
    players: str = "players"

    @classmethod
    def of(cls, app: "App") -> Self:
        """The terms of an app, in the language that its words are in."""

        def said(metric: str, value: float, *, reached: bool) -> str:
            from pipelines.words.numbers import say_figure

            return say_figure(app, metric, value, reached=reached) if metric in app.metrics else figure(value)

        return cls(
            names_of(app),
            {name: badge.prestige for name, badge in app.badges.items()},
            goal=lambda metric, value: said(metric, value, reached=False),
            came_to=lambda metric, value: said(metric, value, reached=True),
            play=play_of(app),
            players=plural_of(app.voice.player),
        )

    def called(self, identifier: str) -> str:
        """What people call a badge, a metric, …; see `called`."""
        return called(identifier, self.names)


UNKNOWN = Terms()


def play_of(app: "App") -> str:
    """What players of an app do on a day with something done."""
    return PLAY.get(app.voice.kind) or PLAY.get(app.voice.player, "play")


def names_of(app: "App") -> dict[str, str]:
    """What people call an app's personas, styles, points, metrics and badges, by id."""
    from pipelines.rewards.titles import item_title

    kinds = {name: kind.title for name, kind in (*app.personas.items(), *app.profile.styles.items())}
    points = {name: item_title(app, name) for name in app.rewards.points}
    metrics = {name: metric.label for name, metric in app.metrics.items()}
    return (
        {f"{TASK} plays": f"{play_of(app)}s"}
        | kinds
        | points
        | metrics
        | {name: badge.title for name, badge in app.badges.items()}
    )


def called(identifier: str, names: Mapping[str, str]) -> str:
    """What people call a badge or metric; its id where the app has it no more."""
    return names.get(identifier) or identifier.replace("_", " ")

"""What an app file says of people: kinds of players, styles of play, and what their profiles tell beside."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from configs.metrics import Event
from configs.names import Name, Weight
from configs.part import Part
from configs.yaml_file import read_yaml

# Traits that every app has; pipelines/players/traits.py says how each is measured. Any metric is a trait too.
TRAITS = ("intensity", "boldness", "variability", "regularity", "breadth", "growth", "night", "weekend")
NOBODY = "PLAYER"  # the persona of everybody where the app tells none apart
STANDARD: Literal["standard"] = "standard"
STANDARD_PERSONAS = Path(__file__).parent / "personas.yaml"


class Style(Part):
    """A way of playing, told by traits as a persona is."""

    title: str = Field("", description="What a person calls it.")
    traits: dict[Name, Weight] = Field(min_length=1, description="Trait and its weight, from -1 to 1.")


class Persona(Style):
    """A kind of player: the traits that mark it, and how it likes its targets."""

    risk_tolerance: float = Field(ge=0, le=1, description="0 wants a sure thing, 1 wants a gamble.")
    psychology: str = Field("", description="What moves this player, in a sentence for the writer.")


class Preference(Part):
    """What a player mostly chooses: the usual value of a property of an event."""

    event: Name = Field(description="Where the choice shows.")
    of: Name = Field(description="Its property: of text the commonest value, of numbers the median.")


class Ranking(Part):
    """A list of players, or of their teams, by what a metric came to."""

    metric: Name = Field(description="What places them; the most first, or the least where less is better.")
    days: int = Field(7, ge=1, le=90, description="Over how many whole days before the night.")
    among: Literal["everyone", "cohort"] = Field(
        "everyone", description="All together, or only those of the kind of play that the player plays most."
    )
    teams: str = Field(
        "",
        description="Instead of players their teams are listed, by the mean of their members: the attribute of a "
        "player's record that names the team, such as a class.",
    )


class Profile(Part):
    """What the profile of a player tells beside the persona."""

    styles: dict[str, Style] = Field({}, description="Ways of playing, such as day trader and swing trader.")
    social: list[Name] = Field(
        [], description="Metrics of what is done with others; without any, those of `content.social_metrics`."
    )
    preferences: dict[Name, Preference] = Field({}, description="What players choose where they have the choice.")
    rankings: dict[Name, Ranking] = Field({}, description="Lists of players, as the table `rankings` tells them.")


@cache
def standard_personas() -> dict[str, Any]:
    """BRUTE, SCHOLAR, PHANTOM, WARDEN and FERAL, as a file would say them."""
    personas: dict[str, Any] = read_yaml(STANDARD_PERSONAS).content["personas"]
    return personas


def people_problems(
    personas: Mapping[str, Persona], profile: Profile, events: Mapping[str, Event], metrics: Iterable[str]
) -> Iterator[str]:
    """A sentence for each reference that leads nowhere."""
    metrics = list(metrics)
    for where, kinds in (("personas", personas), ("profile.styles", profile.styles)):
        for title, kind in kinds.items():
            for trait in kind.traits:
                if trait not in {*TRAITS, *metrics}:
                    yield f"{where}.{title}.traits: '{trait}' is neither a trait ({', '.join(TRAITS)}) nor a metric"
    for name in profile.social:
        if name not in metrics:
            yield f"profile.social: '{name}' is not one of the metrics ({', '.join(metrics)})"
    for name, ranking in profile.rankings.items():
        if ranking.metric not in metrics:
            yield f"profile.rankings.{name}.metric: '{ranking.metric}' is not one of the metrics ({', '.join(metrics)})"
    for name, preference in profile.preferences.items():
        at = f"profile.preferences.{name}"
        if preference.event not in events:
            yield f"{at}.event: '{preference.event}' is not one of the events ({', '.join(events)})"
        elif preference.of not in events[preference.event].properties:
            known = ", ".join(events[preference.event].properties) or "it has none"
            yield f"{at}.of: '{preference.of}' is not one of the properties of '{preference.event}' ({known})"

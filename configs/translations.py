"""What an app file says in another language, or in the exact forms of its own: its metrics, badges and phrases."""

from pydantic import Field

from configs.content import Chapter
from configs.names import Name
from configs.part import Part
from configs.rewards import Points


class MetricSaid(Part):
    """A metric's words in a language; nothing of them is derived as it is from English."""

    label: str = Field(min_length=1, description="What a person calls it, as it stands within a sentence.")
    unit: str = Field("", description="Singular noun behind a number, in the nominative.")
    plural: str = Field("", description="Plural noun, in the nominative; the unit where it is left out.")
    task: str = Field("", description="An instruction with {goal}, in the form of address of the voice.")
    in_task: list[str] = Field(
        [],
        max_length=2,
        description="Singular and plural in the case of the task, where it differs: [Tag, Tagen].",
    )


class Translation(Part):
    """What is said in one language."""

    metrics: dict[Name, MetricSaid] = Field({}, description="By name; all of challenges and of `social_metrics`.")
    badges: dict[Name, str] = Field({}, description="The titles of badges, by id; the file's where one is left out.")
    chapters: list[Chapter] = Field([], description="The chapters of the voice, in the same order.")
    points: dict[Name, Points] = Field({}, description="Points of the app's own, by name.")
    given: dict[Name, str] = Field({}, description="Titles and unlocks, by name; the file's where one is left out.")
    lexicon: dict[str, list[str]] = Field({}, description="Phrases over those of configs/languages, by symbol.")

"""What an app file says of play: its events with their properties, and the metrics that measure them."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from configs.aggregations import AGGREGATIONS, Aggregation
from configs.aggregations import Name as AggregationName
from configs.names import Name
from configs.part import Part
from configs.verbs import Verb

PropertyType = Literal["text", "number", "integer", "boolean"]


class Property(Part):
    """A typed property of an event."""

    type: PropertyType = Field(description="What it holds; a row with anything else is quarantined.")
    min: float | None = Field(None, description="Smallest value allowed; needed to sum it in a challenge.")
    max: float | None = Field(None, description="Largest value allowed.")
    chosen: bool | None = Field(
        None,
        description="Whether players choose it as they act (an exit order that is set) or it is what comes of it (a "
        "score). Texts are chosen unless this says otherwise, all else is not.",
    )

    @property
    def is_chosen(self) -> bool:
        """Whether players choose it, rather than it being what comes of their play."""
        return self.type == "text" if self.chosen is None else self.chosen


class Event(Part):
    """A kind of thing that players do, or that happens to them."""

    title: str = Field("", description="What a person calls it.")
    active: bool = Field(True, description="False when it happens to the player, such as a vote received.")
    properties: dict[Name, Property] = Field(
        {},
        description="What an event may carry; `score: number` is short for `score: {type: number}`.",
    )
    value: Property | None = Field(None, description="Bounds of the event's own `value`, when it has one.")

    @field_validator("properties", mode="before", json_schema_input_type=dict[Name, Property | PropertyType])
    @classmethod
    def _short_form(cls, value: object) -> object:
        """`score: number` is short for `score: {type: number}`."""
        if isinstance(value, dict):
            return {k: {"type": v} if isinstance(v, str) else v for k, v in value.items()}
        return value


METRIC_WORDS = {"label", "unit", "plural", "task"}  # they change how a metric is said, not what it counts


class Metric(Part):
    """Something counted or measured about a player; see docs/apps.md for each aggregation."""

    agg: AggregationName = Field("count", description="How events become one number.")
    event: Name | list[Name] | None = Field(None, description="Which events; none means every active one.")
    of: Name | None = Field(None, description="The property measured; `value` is the event's own value.")
    where: str | None = Field(None, description="A SQL condition on the event's properties.")
    per: Name | None = Field(None, description="For agg entity: the property naming the entity.")
    reaches: float | None = Field(None, description="For agg entity: the running sum that counts an entity.")
    label: str = Field("", description="What a person calls it: 'answers posted'.")
    unit: str = Field("", description="Singular noun behind a number: 'answer'.")
    plural: str = Field("", description="Plural noun; by default formed from the unit as English does.")
    better: Literal["higher", "lower"] = Field(
        "higher", description="Which way is better; lower for min and mean only."
    )
    task: str = Field("", description="An instruction with {goal}: 'Post {goal}'. Needed for challenges.")
    in_task: list[str] = Field(
        [],
        max_length=2,
        description="Singular and plural as they stand in the task, where its case differs.",
    )
    verb: Verb | None = Field(
        None, description="What the task asks to do, so that the words suit it; by default its first word tells."
    )
    once: bool = Field(False, description="Done once and never again, such as filling in a profile: never asked for.")

    @property
    def aggregation(self) -> Aggregation:
        """What its `agg` means."""
        return AGGREGATIONS[self.agg]

    @property
    def events(self) -> tuple[str, ...]:
        """The names of the events it rests on; empty for every active event."""
        return () if self.event is None else (self.event,) if isinstance(self.event, str) else tuple(self.event)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.aggregation.measures and not self.of:
            raise ValueError(f"agg {self.agg} needs `of`, the property it measures")
        if self.agg == "entity" and (not self.per or self.reaches is None):
            raise ValueError("agg entity needs `per` (the property naming the entity) and `reaches` (the sum)")
        if self.agg != "entity" and (self.per or self.reaches is not None):
            raise ValueError("`per` and `reaches` belong to agg: entity")
        if self.better == "lower" and not self.aggregation.lower:
            raise ValueError("better: lower goes with agg min or mean")
        return self

"""What an app file says of time: what is known ahead, when a streak goes on, and when players are told how much."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from configs.names import ClockTime, Name
from configs.part import Part

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[str, ...] = get_args(Weekday)


class CalendarEntry(Part):
    """Something known ahead of time: a deadline, an exam, a season."""

    title: str = Field(description="What a person calls it.")
    kind: Name = Field(description="Entries of a kind are alike: deadline, exam, season.")
    on: dt.date = Field(description="Its day, or its first.")
    until: dt.date | None = Field(None, description="Its last day, when it lasts.")
    every: Literal["year"] | None = Field(None, description="`year`: it comes again each year on the same dates.")
    cohort: str | None = Field(None, description="Only for players of this cohort; none is for everyone.")

    @property
    def last(self) -> dt.date:
        """Its last day."""
        return self.until or self.on

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.last < self.on:
            raise ValueError("`until` is before `on`; write the first day in `on` and the last in `until`")
        if self.every and (self.last - self.on).days > 364:
            raise ValueError("an entry of `every: year` lasts less than a year")
        if self.every and (2, 29) in {(day.month, day.day) for day in (self.on, self.last)}:
            raise ValueError("not every year has a 29 February; write 28 February or 1 March")
        return self

    def spans(self, first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
        """First and last day of each time that it comes, of those which may touch the days from first to last."""
        if not self.every:
            yield self.on, self.last
            return
        for year in range(first.year - 1, last.year + 2):
            yield self.on.replace(year=year), self.last.replace(year=year + self.last.year - self.on.year)


class Streaks(Part):
    """When a run of days goes on although a day was missed; holds for every metric with agg streak."""

    rest_days: list[Weekday] = Field([], max_length=6, description="Weekdays on which nobody has to play.")
    rest_on: list[Name] = Field([], description="Kinds of calendar entries on whose days nobody has to play.")
    freezes: int = Field(0, ge=0, le=14, description="Missed days that each player is forgiven.")
    freeze_renews_days: int = Field(
        30, ge=1, le=366, description="So many days after it was used, a freeze can be used again."
    )
    short_day_hours: int = Field(
        0, ge=0, le=23, description="A day of which a move to another time zone left a player fewer hours is forgiven."
    )

    @field_validator("rest_days")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        return sorted(set(value), key=WEEKDAYS.index)

    @model_validator(mode="after")
    def _can_break(self) -> Self:
        if self.freezes >= self.freeze_renews_days:
            raise ValueError("no streak could ever break: `freezes` must be fewer than `freeze_renews_days`")
        return self


class Caps(Part):
    """How much is new for one player on one day, at most."""

    challenges_a_day: int | None = Field(
        None,
        ge=1,
        le=7,
        description="Challenges, a new mission among them; without it, `per_day` and a mission on top.",
    )
    messages_a_day: int | None = Field(
        None, ge=1, le=9, description="Messages of all kinds; the first kinds come first."
    )


class QuietHours(Part):
    """When players are not to be disturbed, by their own clocks."""

    begin: ClockTime = Field(description="When the quiet begins: '22:00'.")
    end: ClockTime = Field(description="When it ends: '08:00'.")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.begin == self.end:
            raise ValueError("`begin` and `end` are the same time: no message could ever be sent")
        return self

    @property
    def clock(self) -> tuple[dt.timedelta, dt.timedelta]:
        """`begin` and `end` as times since midnight."""
        begin, end = (dt.timedelta(hours=at.hour, minutes=at.minute) for at in (self.begin, self.end))
        return begin, end


def rest_problems(streaks: Streaks, calendar: Sequence[CalendarEntry]) -> Iterator[str]:
    """A sentence for each kind of calendar entries that cannot be days of rest."""
    for kind in streaks.rest_on:
        entries = [entry for entry in calendar if entry.kind == kind]
        if not entries:
            kinds = ", ".join(sorted({entry.kind for entry in calendar})) or "it is empty"
            yield f"streaks.rest_on: no entry of the calendar is of kind '{kind}' ({kinds})"
        elif any(entry.cohort for entry in entries):
            yield f"streaks.rest_on: entries of kind '{kind}' are of a cohort; days of rest are everyone's"

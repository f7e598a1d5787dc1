"""Facts that reasons tell of players, recomputed from their events by nothing that tells them."""

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from zoneinfo import ZoneInfo

from configs.app import App, Metric
from pipelines.known import Known

WAYS = re.compile(r" \((raises it|lowers it|towards a higher level|towards a lower level)\)$")
VISIT = dt.timedelta(minutes=30)


@dataclass(frozen=True)
class Deed:
    """An event as it came, with the player's local day."""

    event: str
    at: dt.datetime
    day: dt.date
    properties: Mapping[str, object]


@dataclass(frozen=True)
class Player:
    """What a night knows of a player, who is looked at before a day."""

    before: dt.date
    deeds: Sequence[Deed]

    def days(self, last: int | None = None) -> list[dt.date]:
        """On which days they played, of the last so many."""
        since = self.before - dt.timedelta(days=last) if last else dt.date.min
        return sorted({deed.day for deed in self.deeds if deed.day >= since})

    def ago(self, day: dt.date) -> int:
        """How many days ago a day was."""
        return (self.before - day).days

    def visits(self, last: int) -> int:
        """Runs of events of a day with less than half an hour between them."""
        days = set(self.days(last))
        times = sorted((deed.day, deed.at) for deed in self.deeds if deed.day in days)
        return sum(
            n == 0 or times[n - 1][0] != day or at - times[n - 1][1] >= VISIT for n, (day, at) in enumerate(times)
        )

    def came_to(self, metric: Metric | None, last: int) -> float:
        """What a metric without a filter came to in the last days; 0 where it has none."""
        days = set(self.days(last))
        mine = [deed for deed in self.deeds if deed.day in days]
        if metric is None:
            return len(mine)
        if metric.events:
            mine = [deed for deed in mine if deed.event in metric.events]
        values = [
            deed.properties[metric.of] for deed in mine if metric.of and deed.properties.get(metric.of) is not None
        ]
        counts: dict[str, Callable[[], float]] = {
            "count": lambda: len(mine),
            "sum": lambda: math.fsum(map(float, values)),  # type: ignore[arg-type]
            "max": lambda: max(map(float, values), default=0.0),  # type: ignore[arg-type]
            "min": lambda: min(map(float, values), default=0.0),  # type: ignore[arg-type]
            "mean": lambda: fmean(map(float, values)) if values else 0.0,  # type: ignore[arg-type]
            "distinct": lambda: len(set(map(str, values))),
            "days": lambda: len({deed.day for deed in mine}),
        }
        return counts[metric.agg]()


def players(known: Known) -> dict[int, Player]:
    """The players of a night, from active events that it may see."""
    app, found = known.app, dict[int, list[Deed]]()
    rows = known.warehouse.frame(
        """SELECT player_key, event, occurred_at, properties, (
               SELECT max_by(timezone, recorded_at) FROM player_records r WHERE r.player_key = e.player_key) AS zone
           FROM events e WHERE active AND available_at <= $cut ORDER BY occurred_at""",
        {"cut": known.cut},
    )
    for key, event, at, properties, zone in rows.iter_rows():
        day = (at.astimezone(ZoneInfo(zone or app.timezone)) - app.day_shift).date()
        if day < known.base_day:
            found.setdefault(key, []).append(Deed(event, at, day, json.loads(properties or "{}")))
    return {key: Player(known.base_day, deeds) for key, deeds in found.items()}


def is_checked(fact: str) -> bool:
    """Whether a fact is recomputed, and not only known."""
    return (
        next(truth for pattern, truth in FACTS.items() if re.fullmatch(pattern, WAYS.sub("", fact))) is not _unchecked
    )


def wrong(app: App, player: Player, reasons: str) -> list[str]:
    """The facts that do not hold, with what does; one that nobody knows how to recompute is wrong, too."""
    facts = [WAYS.sub("", fact) for fact in reasons.split("; ")]
    return [f"{fact} | {why}" for fact in facts if (why := _wrong(app, player, fact))]


def _wrong(app: App, player: Player, fact: str) -> str:
    for pattern, truth in FACTS.items():
        if found := re.fullmatch(pattern, fact):
            should = truth(app, player, found.groupdict())
            return "" if should in {fact, None} else should or ""
    return "unknown"


def _many(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def _half_up(number: float) -> int:
    return math.floor(number + 0.5)


def _last(_app: App, player: Player, said: Mapping[str, str]) -> str:
    days = player.days()
    told = f"last played {_many(player.ago(days[-1]), 'day')} ago"
    ends = [(b - a).days for a, b in pairwise(days) if player.ago(b) <= 28]
    if not ends or "," not in said["rest"]:
        return told
    if len(player.days(28)) == 1:
        return f"{told}, and {_many(ends[0], 'day')} before that"
    mean = round(fmean(ends), 2)
    often = (
        "every day" if mean == 1 else "almost every day" if mean < 1.5 else f"every {_half_up(mean)} days on average"
    )
    return f"{told}, before that {often}"


def _on(_app: App, player: Player, said: Mapping[str, str]) -> str:
    last = int(said["last"])
    return f"played on {len(player.days(last))} of the last {last} days" if player.days(last) else "nothing"


def _visits(app: App, player: Player, said: Mapping[str, str]) -> str:
    return f"{_on(app, player, {'last': '28'})}, {_many(player.visits(28), 'visit')}"


def _shorter(app: App, player: Player, said: Mapping[str, str]) -> str:
    return f"{_on(app, player, {'last': '28'})}, {len(player.days(7)) or 'none'} of the last 7"


def _idle(_app: App, player: Player, said: Mapping[str, str]) -> str | None:
    return "played" if player.days(int(said["last"])) else None


def _first(_app: App, player: Player, _said: Mapping[str, str]) -> str:
    days = player.days()
    if len(days) == 1:
        return f"played on one day only, {_many(player.ago(days[0]), 'day')} ago"
    return f"first played {_many(player.ago(days[0]), 'day')} ago, on {_many(len(days), 'day')} in all"


def _so_far(_app: App, player: Player, _said: Mapping[str, str]) -> str:
    return f"{_many(player.visits(28), 'visit')} so far" if len(player.days()) == 1 else "more than one day"


def _weekends(_app: App, player: Player, _said: Mapping[str, str]) -> str:
    days = player.days(90)
    share = 100 * sum(day.isoweekday() >= 6 for day in days) / len(days)
    told = f"{_half_up(share)} %" if share else "none"
    return f"{told} of the days with play in the last 90 were at weekends" if len(days) >= 5 else "too few days"


def _number(value: float) -> str:
    return f"{round(value, 2):g}" if value < 1e6 else f"{value:.0f}"


def _metric(app: App, label: str) -> Metric | None:
    for name, metric in app.metrics.items():
        if label in {metric.label, name.replace("_", " "), app.figured(name)}:
            return metric
    assert label == "actions", label
    return None


def _amounts(app: App, player: Player, said: Mapping[str, str]) -> str:
    metric = _metric(app, said["what"])
    month, week = (_number(player.came_to(metric, days)) for days in (28, 7))
    if month == "0":
        return f"{said['what']}: none in the last 28 days"
    week = f"{'though ' if 'though' in said['rest'] else ''}none" if week == "0" else week
    return f"{said['what']}: {month} in the last 28 days, {week} in the last 7"


def _said(amount: float) -> str:
    return _number(amount) if amount else "none"


def _before(app: App, player: Player, said: Mapping[str, str]) -> str:
    metric = _metric(app, said["what"])
    week, month = (player.came_to(metric, days) for days in (7, 28))
    return f"{said['what']}: {_said(week)} in the last 7 days, and {_said(month - week)} in the 21 before"


def _acts(_app: App, player: Player, _told: Mapping[str, str]) -> str:
    week, month = (player.came_to(None, days) for days in (7, 28))
    return f"{_many(week, 'action')} in the last 7 days, and {_said(month - week)} in the 21 before"


def _weeks(_app: App, player: Player, _said: Mapping[str, str]) -> str:
    week, month = len(player.days(7)), len(player.days(28))
    return f"played on {week or 'none'} of the last 7 days, and on {month - week or 'none'} of the 21 before"


def _unchecked(_app: App, _player: Player, _said: Mapping[str, str]) -> None:
    return None


FACTS: Mapping[str, Callable[[App, Player, Mapping[str, str]], str | None]] = {
    r"last played (?P<rest>.*)": _last,
    r"played on \d+ of the last (?P<last>\d+) days": _on,
    r"played on \d+ of the last 28 days, \d+ visits?": _visits,
    r"played on \d+ of the last 28 days, (\d+|none) of the last 7": _shorter,
    r"played on (\d+|none) of the last 7 days, and on .*": _weeks,
    r"did not play in the last (?P<last>\d+) days": _idle,
    r"(first played|played on one day only).*": _first,
    r".* so far": _so_far,
    r".* of the days with play .*": _weekends,
    r"\d+ actions? in the last 7 days.*": _acts,
    r"(?P<what>.*): .* in the 21 before": _before,
    r"(?P<what>.*): .* in the last 28 days(?P<rest>.*)": _amounts,
    r"(many|few) players who do much the same did it(, too)?": _unchecked,
    r".*(of the way|done yet).*|held by .*": _unchecked,
    r".*calendar.*|.*same weekdays.*|came to .*|.*all players' windows .*|no whole .*": _unchecked,
}

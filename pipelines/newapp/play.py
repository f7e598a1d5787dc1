"""What the sample says of play: when it was, how often people come, and thresholds that some of them have reached."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data.warehouse import Warehouse
from pipelines.newapp.metrics import Measured

_STEPS = (1, 2, 3, 5, 10, 15, 20, 25, 30, 40, 50, 75)
_LADDERS = {
    "play": (("A Good Start", "bronze", 0.4), ("Well Under Way", "silver", 0.75), ("Seasoned", "gold", 0.93)),
    "habit": (("A Familiar Face", "bronze", 0.75), ("Always Around", "silver", 0.93)),
    "strength": (("Rising", "silver", 0.75), ("Far Above", "gold", 0.93)),
}


@dataclass(frozen=True)
class Play:
    """Play in the sample, days being those of the app's zone.

    Attributes:
        events: How many; of `players`.
        by_kind: How many of each kind, the most frequent first.
        first, last: Days of the first and last event.
        gap_days: Median days between two days on which a player acts; null where nobody came twice.
        long_gap_days: What four fifths of those gaps do not exceed.
        someone: A player to look at: of those who came last, who did most.
    """

    events: int
    players: int
    by_kind: dict[str, int]
    first: dt.date
    last: dt.date
    gap_days: float | None
    long_gap_days: float | None
    someone: str = ""

    @property
    def windows(self) -> list[int]:
        """How many days a challenge may take, by how often people come."""
        gap = 30.0 if self.gap_days is None else self.gap_days
        return [1, 3, 7] if gap <= 2 else [3, 7, 14] if gap < 7 else [7, 14, 28] if gap <= 28 else [14, 28]

    @property
    def active_within_days(self) -> int:
        """After how long somebody is left alone."""
        longest = 90.0 if self.long_gap_days is None else 2 * self.long_gap_days
        return int(min(90, max(28, longest)))


def read_play(warehouse: Warehouse, zone: str) -> Play:
    """Sum up the temporary table `incoming`, which holds at least one event, by the days of a time zone."""
    days = "(SELECT DISTINCT user_id, CAST(timezone($zone, occurred_at) AS DATE) AS day FROM incoming)"
    n, players, first, last = warehouse.rows(
        f"""SELECT (SELECT count(*) FROM incoming), count(DISTINCT user_id), min(day), max(day) FROM {days}""",
        {"zone": zone},
    )[0]
    gap, long_gap = warehouse.rows(
        f"""SELECT quantile_cont(gap, 0.5), quantile_cont(gap, 0.8)
            FROM (SELECT date_diff('day', lag(day) OVER (PARTITION BY user_id ORDER BY day), day) AS gap FROM {days})
            WHERE gap IS NOT NULL""",
        {"zone": zone},
    )[0]
    kinds = warehouse.rows("SELECT event, count(*) AS n FROM incoming GROUP BY event ORDER BY n DESC, event")
    someone = warehouse.value(
        "SELECT user_id FROM incoming GROUP BY ALL ORDER BY max(occurred_at)::DATE DESC, count(*) DESC, user_id LIMIT 1"
    )
    return Play(n, players, dict(kinds), first, last, gap, long_gap, someone)


def badges_of(
    warehouse: Warehouse, metrics: Sequence[Measured], leader: Measured, zone: str
) -> dict[str, dict[str, Any]]:
    """Badges with thresholds that shares of the players in the sample have reached."""
    count = next((m for m in metrics if m.name == "actions"), metrics[0])
    days = next((m for m in metrics if m.keys.get("agg") == "days"), None)
    badges: dict[str, dict[str, Any]] = {}
    ladders = {"play": count} | ({"habit": days} if days else {})
    ladders |= {"strength": leader} if leader.adds_up and leader is not count else {}
    for category, metric in ladders.items():
        below = 1.0 if category == "habit" else 0.0  # to come once is no habit
        most = _reached(warehouse, metric, 1.0, zone)
        for title, tier, share in _LADDERS[category]:
            reached = _reached(warehouse, metric, share, zone)
            threshold = round_threshold(max(reached, below * 1.01), most)
            if threshold <= below:
                continue
            below, also = threshold, f" and {(days or count).name} >= 2" if category == "strength" else ""
            badges[f"{metric.name}_{threshold:g}".replace(".", "_")[:48]] = {
                "title": title,
                "tier": _worth(tier, threshold) if category == "play" else tier,
                "category": category,
                "when": f"{metric.name} >= {threshold:g}{also}",
            }
    return badges


def _worth(tier: str, events: float) -> str:
    """The tier, or a lower one where it would pay too much for so few events."""
    least = {"gold": 10, "silver": 4}
    while events < least.get(tier, 0):
        tier = {"gold": "silver", "silver": "bronze"}[tier]
    return tier


def _reached(warehouse: Warehouse, metric: Measured, share: float, zone: str) -> float:
    """The lifetime value that a share of the players do not exceed."""
    value = {
        "days": "count(DISTINCT CAST(timezone($zone, occurred_at) AS DATE))",
        "sum": f"sum(TRY_CAST(properties ->> '/{metric.keys.get('of')}' AS DOUBLE))",
    }.get(metric.keys.get("agg", "count"), "count(*)")
    asked = metric.keys.get("event")
    events = [asked] if isinstance(asked, str) else asked
    found = warehouse.value(
        f"""SELECT quantile_disc(v, {share}) FROM (SELECT coalesce({value}, 0) AS v FROM incoming
            WHERE $events IS NULL OR list_contains($events, event) GROUP BY user_id)""",
        {"events": events} | ({"zone": zone} if "$zone" in value else {}),
    )
    return float(found or 0)


def round_threshold(value: float, most: float) -> float:
    """The round number at or above a value: 1, 2, 3, 5, 10 … 75, 100, 200; at or below where nobody has that `most`.

    From 1 on it is a whole one: nobody has 7.5 of what is counted.
    """
    scale = 1.0
    while value > 75 * scale:
        scale *= 10
    above = next(step * scale for step in _STEPS if step * scale >= value)
    steps = [step * scale / finer for step in _STEPS for finer in (1, 10)]
    whole = [step for step in steps if step < 1 or step == int(step)]
    return above if above <= most else max(step for step in whole if step <= value)

"""Who the simulated players of the trading academy are: drawn once, from five personas with wide differences inside."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PERSONAS = ("BRUTE", "SCHOLAR", "PHANTOM", "WARDEN", "FERAL")
KINDS = ("trade_closed", "journal_entry", "lesson_completed", "drill_finished", "squad_message")
MODES = ("recon", "raid", "siege", "ambush")
EXCHANGE = ("EURUSD", "GBPUSD", "USDJPY", "AUDUSD", "USDCAD", "XAUUSD", "XAGUSD", "WTI", "SPX500", "NAS100")
ALWAYS_OPEN = ("BTCUSD", "ETHUSD")
SQUAD_SIZE = 25


@dataclass(frozen=True)
class Temper:
    """What a persona is like on average; players spread around it.

    Attributes:
        share: Share of all players.
        base: Log-odds of playing on a neutral weekday.
        weekend: Added to the log-odds at weekends.
        mood: Standard deviation of the slowly moving mood, in log-odds.
        hour, hour_spread: Local hour of the first session, and how far it strays from day to day.
        intensity: Factor on everything done in a day.
        steadiness: Gamma shape of a day's size; small is bursty.
        rates: Events on a weekday, in the order of KINDS.
        lots: Median size of a trade. stops: Share of trades with a stop-loss at no skill. breadth: Instruments used.
        growth: How much skill practice can add.
    """

    share: float
    base: float
    weekend: float
    mood: float
    hour: float
    hour_spread: float
    intensity: float
    steadiness: float
    rates: tuple[float, float, float, float, float]
    lots: float
    stops: float
    breadth: float
    growth: float


TEMPERS: dict[str, Temper] = {
    "BRUTE": Temper(0.22, -1.0, -0.7, 0.6, 16.0, 1.6, 1.35, 1.6, (4.2, 0.4, 0.4, 2.2, 0.8), 1.5, 0.45, 4.0, 0.26),
    "SCHOLAR": Temper(0.24, -1.0, -0.1, 0.5, 19.0, 1.3, 1.0, 2.5, (1.2, 1.2, 1.8, 1.5, 0.8), 0.4, 0.66, 5.0, 0.38),
    "PHANTOM": Temper(0.20, -1.2, -0.3, 0.5, 23.3, 1.1, 0.7, 2.2, (1.6, 0.6, 0.6, 1.3, 0.2), 0.3, 0.62, 2.5, 0.28),
    "WARDEN": Temper(0.20, -0.5, -0.9, 0.3, 12.0, 0.7, 0.95, 4.5, (1.8, 1.1, 0.7, 1.4, 1.3), 0.35, 0.80, 3.0, 0.27),
    "FERAL": Temper(0.14, -1.4, 0.4, 1.2, 18.0, 3.4, 1.25, 0.8, (3.0, 0.3, 0.4, 2.0, 1.0), 1.1, 0.30, 8.0, 0.22),
}
# Zone, share, main language, share of players there who use it (the others use English).
_ZONES = (
    ("America/New_York", 0.38, "en", 1.0),
    ("America/Chicago", 0.12, "en", 1.0),
    ("America/Los_Angeles", 0.10, "en", 1.0),
    ("Europe/London", 0.13, "en", 1.0),
    ("Europe/Berlin", 0.12, "de", 0.85),
    ("Europe/Paris", 0.08, "fr", 0.85),
    ("Asia/Kolkata", 0.04, "en", 1.0),
    ("Australia/Sydney", 0.03, "en", 1.0),
)
ZONES = tuple(zone for zone, *_ in _ZONES)


@dataclass(frozen=True)
class Population:
    """Fixed traits of n players, one array entry each; days count from the first simulated day."""

    user_id: NDArray[np.str_]
    persona: Ints
    zone: Ints
    language: NDArray[np.str_]
    joined_day: Ints
    base: Floats
    weekday: Floats  # (n, 7) log-odds added by day of the week, Monday first
    mood: Floats
    momentum: Floats
    hour: Floats
    hour_spread: Floats
    intensity: Floats
    steadiness: Floats
    rates: Floats  # (n, kinds)
    lots: Floats
    stops: Floats
    breadth: Floats
    instruments: Ints  # (n, 10) each player's order of preference
    mode: Ints
    skill_start: Floats
    skill_growth: Floats
    hazard: Floats
    fame: Floats

    def __len__(self) -> int:
        return len(self.user_id)


def draw_population(rng: np.random.Generator, players: int, days: int) -> Population:
    """Draw `players` players, some of them from before the first day and some joining later."""
    n = players
    persona = rng.choice(len(PERSONAS), size=n, p=[TEMPERS[name].share for name in PERSONAS])
    zone = rng.choice(len(_ZONES), size=n, p=[share for _, share, _, _ in _ZONES])
    speaks = rng.random(n) < np.array([share for *_, share in _ZONES])[zone]
    weekday = rng.normal(0, 0.35, (n, 7))
    weekday[:, 5:] += (_of("weekend", persona) + rng.normal(0, 0.6, n))[:, None]
    return Population(
        user_id=np.array([f"recruit-{number:06d}" for number in range(1, n + 1)]),
        persona=persona,
        zone=zone,
        language=np.where(speaks, np.array([language for _, _, language, _ in _ZONES])[zone], "en"),
        joined_day=_joined(rng, n, days),
        base=_of("base", persona) - 0.45 + 1.15 * rng.standard_t(6, n),
        weekday=weekday,
        mood=_of("mood", persona) * rng.lognormal(0, 0.25, n),
        momentum=np.clip(rng.normal(1.6, 0.5, n), 0, None),
        hour=_of("hour", persona) + rng.normal(0, 2.0, n),
        hour_spread=_of("hour_spread", persona) * rng.lognormal(0, 0.2, n),
        intensity=_of("intensity", persona) * rng.lognormal(-0.06, 0.35, n),
        steadiness=_of("steadiness", persona) * rng.lognormal(0, 0.2, n),
        rates=np.array([TEMPERS[name].rates for name in PERSONAS])[persona]
        * rng.lognormal(-0.08, 0.4, (n, len(KINDS))),
        lots=_of("lots", persona) * rng.lognormal(0, 0.35, n),
        stops=np.clip(_of("stops", persona) + rng.normal(0, 0.1, n), 0.02, 0.95),
        breadth=np.clip(np.round(_of("breadth", persona) + rng.normal(0, 1.2, n)), 1, len(EXCHANGE)),
        instruments=np.argsort(rng.random((n, len(EXCHANGE))) - np.linspace(0.6, 0, len(EXCHANGE)), axis=1),
        mode=rng.choice(len(MODES), size=n, p=(0.3, 0.35, 0.2, 0.15)),
        skill_start=np.clip(rng.beta(2.2, 3.6, n), 0.03, 0.9),
        skill_growth=_of("growth", persona) * rng.uniform(0.4, 1.4, n),
        hazard=0.0045 * rng.lognormal(-0.15, 0.55, n),
        fame=rng.lognormal(-1.0, 0.9, n),
    )


def squads(players: int) -> tuple[Ints, Ints, Ints]:
    """Each player's squad (from 0), the first player in it and its size; a remainder joins the last squad."""
    squad = np.minimum(np.arange(players) // SQUAD_SIZE, max(players // SQUAD_SIZE, 1) - 1)
    return squad, squad * SQUAD_SIZE, np.bincount(squad)[squad]


def player_rows(rng: np.random.Generator, people: Population, first_seen: pl.DataFrame, start: dt.date) -> pl.DataFrame:
    """The players contract: user_id, recorded_at, timezone, language, born_on, joined_at, opted_out, attributes.

    `first_seen` has user_id and first_at of those who acted; nobody acts before joining.
    """
    n = len(people)
    joined = pl.Series(people.joined_day) * 86_400_000_000 + pl.Series(rng.integers(0, 86_400_000_000, n))
    age_days = 365.25 * np.clip(rng.gamma(5.0, 4.5, n) + 17, 18, 75)
    rows = pl.DataFrame(
        {
            "user_id": people.user_id,
            "timezone": np.array(ZONES)[people.zone],
            "language": people.language,
            "joined": joined.cast(pl.Duration("us")),
            "age": pl.Series(age_days).cast(pl.Int32),
            "says_age": rng.random(n) < 0.8,
            "opted_out": rng.random(n) < 0.01,
            "squad": squads(n)[0] + 1,
            "platform": rng.choice(["mobile", "desktop", "web"], size=n, p=[0.55, 0.3, 0.15]),
        }
    )
    drawn = pl.lit(start).cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + pl.col("joined")
    joined_at = pl.min_horizontal(drawn, pl.col("first_at") - pl.duration(minutes=2))
    return rows.join(first_seen, on="user_id", how="left", maintain_order="left").select(
        "user_id",
        joined_at.alias("recorded_at"),
        "timezone",
        "language",
        pl.when("says_age").then(pl.lit(start) - pl.duration(days=pl.col("age"))).cast(pl.Date).alias("born_on"),
        joined_at.alias("joined_at"),
        "opted_out",
        pl.struct(pl.format("squad-{}", "squad").alias("squad"), "platform").struct.json_encode().alias("attributes"),
    )


def _of(trait: str, persona: Ints) -> Floats:
    values: Floats = np.array([getattr(TEMPERS[name], trait) for name in PERSONAS], dtype=np.float64)[persona]
    return values


def _joined(rng: np.random.Generator, n: int, days: int) -> Ints:
    """Two in three were there before the first day (up to two years, more of them lately); the others join evenly."""
    before = -1 - np.minimum(rng.exponential(150, n), 730).astype(np.int64)
    return np.where(rng.random(n) < 0.66, before, rng.integers(0, days, n))

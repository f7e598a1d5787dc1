"""A toy app with judged badges, and a judge that says what it is told to say."""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl

from configs.app import App
from configs.prompt import read_prompts
from data.warehouse import Warehouse
from models.language.calls import Failed, Reason, Reply, Request, Usage, Written
from models.language.offers import language_models
from pipelines.badges.judged.judge import judge_nominees, write_judgements
from pipelines.badges.judged.panel import Panel
from pipelines.badges.judged.unusual import NOBODY, Unusual
from pipelines.badges.rules.award import Cite
from pipelines.known import Known
from pipelines.pins import Night, pin_night
from pipelines.words.write import write_citations
from pipelines.words.writers.choose import Judge
from tests.factories import APP, START, event, make_app, warehouse_with

DAY = START.date()
CRITERIA = "Honours somebody who keeps solving with care, week after week."
Answer = dict[str, Any] | str | Reason
GOOD: dict[str, Any] = {
    "decision": "award",
    "citation": "Patient Hand, for care that lasts.",
    "evidence_ids": ["m2", "t1"],
    "reasons": "m2 and t1 show steady work.",
    "confidence": 0.9,
}
REFUSE = GOOD | {"decision": "refuse", "citation": "", "reasons": "t1 shows one burst."}
HOLD = GOOD | {"decision": "hold", "citation": "", "reasons": "The record is thin."}


def judged_app(**judged: Any) -> App:
    """One badge by judgement, `patient`, and one by rule, `starter`; of the latter, everything is left to be earned."""
    how = {
        "nominate_when": "solved >= 2",
        "criteria": CRITERIA,
        "per_night": 5,
        "second_opinion": 0,
        "events": ["solve"],
        **judged,
    }
    return make_app(
        metrics={name: APP["metrics"][name] for name in ("solved", "points")},  # few, so that tests are quick
        challenges={"metrics": ["solved", "points"]},
        badges={
            "patient": {"title": "Patient Hand", "tier": "gold", "category": "care", "judged": how},
            "starter": {"title": "Starter", "tier": "bronze", "category": "start", "when": "solved >= 1"},
        },
    )


class Script:
    """Answers requests by a function of the nomination; keeps what was asked, and answers the same key from memory."""

    def __init__(self, answer: Callable[[Request, dict[str, Any]], Answer] | Answer = GOOD) -> None:
        self.answer = answer if callable(answer) else lambda _request, _data: answer
        self.asked: list[Request] = []
        self.ledger: dict[str, Reply] = {}

    def __call__(self, requests: Sequence[Request]) -> list[Reply]:
        return [self._reply(request) for request in requests]

    def _reply(self, request: Request) -> Reply:
        if request.key not in self.ledger:
            self.asked.append(request)
            said = self.answer(request, nomination(request))
            if isinstance(said, str) and said.isalpha():
                return Failed(request.key, said)  # nothing of it is kept
            text = said if isinstance(said, str) else json.dumps(said)
            self.ledger[request.key] = Written(request.key, text, Usage(900, 0, 0, 120), 0.001)
        return self.ledger[request.key]

    def nominations(self) -> list[dict[str, Any]]:
        return [nomination(request) for request in self.asked]


def nomination(request: Request) -> dict[str, Any]:
    """What a request tells of the nominee."""
    return json.loads(request.user.split("<nomination>")[1].split("</nomination>")[0])


def panel(script: Script, *, both: bool = False) -> Panel:
    models, prompt = language_models(), read_prompts()["verdict"]
    names = (("openai", "gpt-5.6-luna"), ("anthropic", "claude-haiku-5-5"))[: 1 + both]
    return Panel(script, tuple(Judge(vendor, name, models.priced(name, vendor), prompt) for vendor, name in names))


def pin(warehouse: Warehouse, app: App, days: float) -> Night:
    """A night that serves the day `days` after the first, pinned at that day's start."""
    as_of = DAY + dt.timedelta(days=days)
    return pin_night(warehouse, app, "hash", as_of, dt.datetime.combine(as_of, dt.time(), dt.UTC), "code")


def judge(warehouse: Warehouse, app: App, days: float, script: Script | None = None, *, both: bool = False):
    """One night's judgements, published; returns its figures."""
    night = pin(warehouse, app, days)
    with warehouse.transaction():
        figures = judge_badges(Known(warehouse, night), panel(script, both=both) if script else None, write_citations)
    warehouse.run("UPDATE nights SET status = 'published' WHERE as_of = $d", {"d": night.as_of})
    return figures


@contextmanager
def players_who_solved(app: App, *, players: int = 1, rows: Sequence[dict[str, Any]] = ()):
    """Players 1, 2, …: each solves twice, player n crossing the line n hours after noon of the second day."""
    solved = [event(n, at, points=3) for n in range(1, players + 1) for at in (0.0, 1 + n / 24)]
    with warehouse_with(app, [*solved, *rows]) as warehouse:
        yield warehouse


def verdicts(warehouse: Warehouse, *columns: str) -> list[tuple[Any, ...]]:
    return warehouse.frame(f"SELECT {', '.join(columns)} FROM verdicts ORDER BY as_of, revision, player_key").rows()


def held_badges(warehouse: Warehouse) -> pl.DataFrame:
    return warehouse.frame("SELECT * FROM badge_ledger WHERE badge_id = 'patient' ORDER BY player_key")


def said_by_person(player: int, at: float, decision: str, badge: str = "patient") -> dict[str, Any]:
    """What a reviewer decided, as an event."""
    return event(player, at, f"nightquest.{decision}", badge_id=badge) | {"active": False}


def judge_badges(
    known: Known, panel: Panel | None, cite: Cite, unusual: Mapping[int, Unusual] = NOBODY
) -> dict[str, Any]:
    """Decide on the night's nominees and write down what was decided; see `judge_nominees` and `write_judgements`."""
    return write_judgements(known, judge_nominees(known, panel, unusual), cite)

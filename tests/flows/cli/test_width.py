"""At 80 columns every command's tables keep what they say: nothing is cut off, and headers keep their words."""

import datetime as dt
import io
import re
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console, RenderableType

from flows.cli.compare_awards import comparison_view
from flows.cli.console import figures_table
from flows.cli.ingest_view import ingest_view
from flows.cli.render import render_player
from flows.cli.views import EACH_NIGHT, nights_view, replay_view, training_view
from flows.cli.words_view import prompts_view, spending_view
from pipelines.activity.deliveries import Delivery
from pipelines.activity.ingest import IngestResult
from pipelines.publish.show import PlayerView
from pipelines.reports import NightReport, ReplayReport, TrainReport

DAY = dt.date(2026, 11, 27)


def printed(shown: RenderableType, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(shown)
    return console.file.getvalue()


def night(day: dt.date, app: str = "academy", *, unchanged: bool = False) -> NightReport:
    figures = dict.fromkeys(EACH_NIGHT, 0.12345) | {"challenges": 12345, "ended": 345, "xp_paid": 12345}
    return NightReport(day, {**figures, "badges_awarded": 45}, Path("/home") / app / str(day), unchanged)


def contest(task: str, learner: str) -> dict[str, object]:
    return {"task": task, "learner": learner, "log_loss": 0.51234567, "low": 0.49, "high": 0.53, "chosen": True}


def player() -> PlayerView:
    challenge = {
        "title": "Operation Arctic Beacon",
        "description": "Send 13 messages to your squad within the next 3 days. Keep the radio on, whoever listens.",
        "completion_probability": 0.123456,
        "probability_if_active": 0.45,
        "difficulty_level": 10,
        "rewards": {"xp": 1170},
        "estimated_minutes": 1440,
        "valid_from": DAY,
        "valid_until": DAY + dt.timedelta(days=2),
        "progress": 0.5,
        "is_new": True,
    }
    empty = ("segments", "messages", "badges", "badges_held", "badge_progress", "targets", "scores", "settlements")
    return PlayerView(
        *("academy", DAY, 1, "recruit-000252", None),
        **{name: [] for name in empty},  # type: ignore[arg-type]
        challenges=[challenge],
        xp=0,
        xp_lately=[],
    )


SPENT = {
    "app": "shop",
    "night": "2026-11-27",
    "calls": 12345,
    "answered": 12345,
    "in_flight": 0,
    "cost_usd": 12.3456,
}
SPENT |= {"reserved_usd": 0.1234, "in_flight_at_kill": 3, "resent": 12}
GROUP = {
    "metric": "trades_closed_with_a_stop",
    "challenges": 12345,
    "promised": 0.2,
    "kept": 0.2,
    "low": 0.1,
    "high": 0.3,
}
AWARDS = {"title": "Strunk & White", "ours": 12, "theirs": 12, "both": 12, "precision": 0.5, "recall": 0.5}
VIEWS = {
    "nights": nights_view([night(DAY), night(DAY + dt.timedelta(days=1))]),
    "nights of two apps": nights_view([night(DAY), night(DAY, "trading", unchanged=True)]),
    "training": training_view(
        "academy",
        TrainReport(DAY, pl.DataFrame([contest("attainment", "empirical_bayes")]), {"plays": 1}, ()),
    ),
    "replay": replay_view(
        "academy", ReplayReport({"nights": 14, "by_metric": [GROUP]}, Path("replay") / "academy" / "plot.png", Path())
    ),
    "spending": spending_view({"month_usd": 1.5, "max_cost_usd_per_month": 20.0, "nights": [SPENT]}),
    "prompts": prompts_view(
        [{"prompt": "motivational_message", "file": "14a9a6f7", "serves": "24a9a6f7", "registry_version": 12}]
    ),
    "player": render_player(player()),
    "awards": comparison_view("academy", pl.DataFrame([AWARDS | {"date_agreement": 0.25, "missed_progress": 0.5}])),
}


@pytest.mark.parametrize("view", VIEWS)
def test_at_80_columns_nothing_is_cut_off(view: str) -> None:
    narrow, wide = printed(VIEWS[view]), printed(VIEWS[view], 400)
    assert "…" not in narrow
    assert max(map(len, narrow.splitlines())) <= 80
    assert set(re.findall(r"\S*\w\S*", wide)) - set(narrow.split()) == set()


def test_what_is_asked_keeps_a_third_of_the_width() -> None:
    assert "Send 13 messages to your" in printed(VIEWS["player"])


def test_a_refused_file_is_named_whole() -> None:
    long = "/data/" + "a" * 70 + ".csv"
    told = Delivery(long, "refused", reason="the line has 1 field and the header has 7")
    shown = printed(ingest_view("academy", IngestResult((told,))))
    assert shown.count("a") >= 70
    assert "…" not in shown


def test_what_there_is_none_of_is_left_out_and_a_share_of_nothing_is_not() -> None:
    shown = printed(figures_table("A night", {"missions": 0, "kept": 0.0, "stale": False, "cost": 12345.678}))
    assert "missions" not in shown
    assert "kept" in shown
    assert "12,345.68" in shown

"""At 80 columns every command's tables keep what they say: nothing is cut off, and headers keep their words."""

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from flows.cli.compare_awards import comparison_view
from flows.cli.drawing import figures_table
from flows.cli.experiment import ExperimentView, experiment_view
from flows.cli.explain_view import explanation_view
from flows.cli.held import HeldCount, HeldNominee, HeldReport
from flows.cli.held_view import decisions_view, held_view
from flows.cli.ingest_view import ingest_view
from flows.cli.lint_view import foreseen_view
from flows.cli.models_view import leaderboard_view
from flows.cli.newapp_view import Written, newapp_view
from flows.cli.player_view import player_view
from flows.cli.preview_view import preview_view
from flows.cli.quarantine_view import quarantine_view
from flows.cli.status import AppStatus, Status
from flows.cli.status_view import status_view
from flows.cli.views import EACH_NIGHT, nights_view, replay_view, training_view
from flows.cli.words_view import prices_view, prompts_view, spending_view
from models.explain.changes import Changed
from models.policies.sequential import Ratio
from pipelines.activity.deliveries import Delivery
from pipelines.activity.ingest import IngestResult
from pipelines.activity.preview import FileColumns, Preview
from pipelines.activity.quarantine import Held, Quarantine
from pipelines.badges.foresee import Foreseen, Granted
from pipelines.badges.judged.decide import Decisions, WrongRow
from pipelines.experiments.experiment import RESULTS, ExperimentReport
from pipelines.newapp.guess import Guess
from pipelines.newapp.make import NewApp
from pipelines.newapp.play import Play
from pipelines.night.preview import Priced
from pipelines.publish.health import Fault
from pipelines.publish.show import PlayerView
from pipelines.reports import NightReport, ReplayReport, TrainReport
from pipelines.review.explain import Explanation, Second
from pipelines.review.leaderboard import Leaderboard, Seat, Waiting
from tests.printed import printed

DAY = dt.date(2026, 11, 27)
NARROW = 80


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
NOMINEE = HeldNominee(
    user_id="recruit-000252",
    badge_id="cool_head",
    title="Cool Head",
    tier="gold",
    criteria="Composure after losses: the next trades were no bigger, and the stop-loss stayed in place.",
    held_since="2026-11-24",
    held_by="anthropic",
    reasons="The record is thin, and the last two weeks tell the opposite of the ten before.",
    evidence=[
        {"id": "t4", "kind": "trend", "text": "trades closed with a stop-loss, by week: 0, 4, 5, 1, 5, 4, 0, 6, 3, 18"},
        {"id": "e1", "kind": "event", "text": "Wrote a journal entry: words 124", "when": "2026-11-24 09:59"},
    ],
    cited=["t4"],
    second_opinion={"provider": "openai", "decision": "refuse", "reasons": "Ten trades are no habit yet."},
)
HELD = HeldReport(
    "academy",
    str(DAY),
    badges=[HeldCount("strunk_and_white_editors", "Strunk & White", 12345, "2026-11-24", 1234, 1234, 123)],
    n_held=12345,
    page=1,
    pages=618,
    held=[NOMINEE],
    to_decide=["user_id,badge_id,decision", "recruit-000252,cool_head,award"],
)
WRONG = WrongRow(12345, "There is no badge 'cool_heads' in the app file; those there are: cool_head, quiet_mentor.")


def standing() -> Status:
    """An app with everything to tell, and something wrong with it."""
    moment = dt.datetime(2026, 11, 27, 9, 59, tzinfo=dt.UTC)
    app = AppStatus(
        app="trading_academy_for_recruits",
        state="stale: input is missing from 2026-11-27 on",
        busy="nightly has worked on it since 2026-11-27 04:00 UTC, process 4194304.",
        events=12_345_678,
        players=123_456,
        quarantined=12_345,
        last_event_at=moment,
        as_of=DAY,
        revision=12,
        next_as_of=DAY,
        last_run_at=moment,
        next_run_at=moment,
        undelivered=["The folder destination lacks 12 nights: No space is left on the device."],
        to_review=["attainment version 12345", "badge_odds version 12345", "engagement version 12345"],
        faults=[Fault("trading_academy_for_recruits", "pointer", "latest.json cannot be read.", "Mend it: doctor.")],
    )
    return Status(Path("home"), None, [app], [])


def experiment() -> ExperimentView:
    """Two arms that were seen, with every figure there is."""
    spans = {"mean": 0.4567, "low": 0.4321, "high": 0.4821, "difference": 0.0321, "difference_low": -0.0123}
    spans |= {"difference_high": 0.0765, "always_low": -0.0456, "always_high": 0.1098, "p": 0.04, "found_on": DAY}
    result = {"metric": "completion", "arm": "anthropic-warm", "n": 123456, "players": 12345} | spans
    arm = {"arm": "anthropic-warm", "provider": "anthropic", "prompt": "24a9a6f7", "propensity": 0.5, "players": 12345}
    arm |= {"players_shown": 12345, "issued": 123456, "shown": 123456, "own_words": 0.98}
    verdict = "Nothing is shown yet: the difference of anthropic-warm to offline lies within what chance would give."
    fair = Ratio({}, {}, 0.5, sound=True)
    report = ExperimentReport(
        *("academy", "voices", DAY, "completion", 28, True, verdict),
        *(pl.DataFrame([arm]), {"assigned": fair, "shown": fair}),
        *(pl.DataFrame([result], schema=RESULTS), pl.DataFrame()),
        pl.DataFrame([{"persona": "WANDERER"} | result]),
    )
    return ExperimentView(report, None)


def explanation() -> Explanation:
    """A player's odds with everything to tell of them."""
    odds = {"target": "strunk_and_white_editors", "horizon_days": 28, "probability": 0.123, "days": 7, "band": "medium"}
    fact = "last played 21 days ago, usually every 28 days, and on 12 of the last 28 days, 12345 visits (raises it)"
    change = Changed(fact, "strunk_and_white_editors", 28, 0.12, 0.3, enough=False)
    return Explanation(
        *("academy", "badge_odds", "How likely is it that a badge is earned within a week, two, or four?"),
        *("recruit-000252", DAY, DAY, "academy.badge_odds/123", "gamma_poisson", [odds], [odds | {"facts": [fact]}]),
        *({"how long ago they last played, against their usual pause": 0.12}, [change]),
        Second(0.5, [odds | {"facts": [fact], "differs": [f"not among its first three: {fact}"]}]),
    )


def test_a_band_that_is_of_all_horizons_stands_once():
    told = explanation()
    later = replace(told, scores=[*told.scores, {**told.scores[0], "horizon_days": 56, "probability": 0.6}])
    table = printed(explanation_view(later, {}), NARROW).split("Why")[0]
    assert (table.count("medium"), "60.0%" in table) == (1, True)


def test_where_input_was_stale_it_is_told_from_which_day_reasons_count_back():
    told = explanation()
    assert "counted back" not in printed(explanation_view(told, {}), NARROW)
    stale = replace(told, counted_from=DAY - dt.timedelta(days=3))
    assert f"Days are counted back from {DAY - dt.timedelta(days=3)}" in printed(explanation_view(stale, {}), NARROW)


def seat() -> Seat:
    """A question with everything to tell of who serves it."""
    rival = {"learner": "empirical_bayes", "loss": 0.51234567, "low": 0.49, "high": 0.53, "behind": (0.01, 0.0, 0.02)}
    return Seat(
        *("recommendations", "Which badge, challenge metric or content type suits whom next?", 123, True, DAY, DAY),
        *("gamma_poisson", "log loss", [rival, rival | {"learner": "gamma_poisson", "behind": None}]),
        gains=[{"over": "the base rate", "gain": (0.1, 0.05, 0.15)}],
        waiting=Waiting(
            124, "random_forest", "version 123 serves on: it has seen all but 12 of these rows", to_review=True
        ),
    )


def new_app() -> Written:
    """An app guessed from files that go on beyond the sample and hold rows that would be refused."""
    play = Play(12345, 1234, {"purchase": 12345}, DAY, DAY, 2.0, 9.0)
    why = "its unit is not told: minutes is a guess, and every value could be either of the two"
    made = NewApp(
        "shop", "", "", (Guess("left out", "customer_name, customer_email", why),), play, 12, {why: 12}, partly=True
    )
    return Written(Path("shop.yaml"), Path("shop.sql"), made, ("nightquest nightly shop.yaml --as-of DAY",))


def preview() -> Preview:
    """A file with a row that would go in and one that would not, and one that cannot be read."""
    good = {
        "line": 2,
        "user_id": "recruit-000252",
        "event": "purchase",
        "occurred_at": dt.datetime.combine(DAY, dt.time(12), dt.UTC),
        "raw": None,
        "reason": None,
    }
    good |= {"event_id": "purchase-0001", "value": 12.5, "properties": '{"quantity": 12345, "amount": 12.34}'}
    bad = {"line": 12345, "raw": "recruit-000253;27.11.2026;", "reason": "amount '' is not a number"}
    found = (
        FileColumns("shop.csv", {"customer id": "recruit-000252"}),
        FileColumns("empty.csv", {}, "The file is empty."),
    )
    return Preview(found, (good, bad), "Europe/Berlin", 12345, 12, {"amount '' is not a number": 12}, partly=True)


def quarantine() -> Quarantine:
    """Rows of one reason, a file refused whole, rows written out and one too long for it."""
    row = {"file": "shop.csv", "line": 12345, "raw": "recruit-000252,27.11.2026,12345"}
    held = Held("occurred_at '27.11.2026' does not say which number is the day", 12345, str(DAY), (row, row))
    return Quarantine("shop", 12345, (held,), {"empty.csv": "The file is empty."}, {"mend.jsonl": 12344}, 1)


ASKED = {"provider": "anthropic", "model": "claude-haiku-4-5-20251001", "purpose": "mission_brief", "requests": 12345}
ASKED |= {"answered_before": 12345, "input_tokens": 12345678, "likely_usd": 123.4567, "at_most_usd": 1234.5678}

VIEWS = {
    "held": held_view(HELD),
    "decisions": decisions_view(Decisions("academy", 12345, 12, (WRONG,))),
    "status": status_view(standing()),
    "experiment": experiment_view(experiment()),
    "what a night would ask": prices_view([Priced(DAY, 12345, pl.DataFrame([ASKED]), 20.0, 1.25, 123.4567, ())]),
    "nights": nights_view([night(DAY), night(DAY + dt.timedelta(days=1))]),
    "nights of two apps": nights_view([night(DAY), night(DAY, "trading", unchanged=True)]),
    "training": training_view(
        "academy",
        TrainReport(DAY, pl.DataFrame([contest("attainment", "empirical_bayes")]), {"plays": 1}, ()),
    ),
    "models": leaderboard_view(Leaderboard("academy", DAY, [seat(), Seat("plays", "Will they?", why="None serves.")])),
    "explanation": explanation_view(explanation(), {}),
    "replay": replay_view(
        "academy", ReplayReport({"nights": 14, "by_metric": [GROUP]}, Path("replay") / "academy" / "plot.png", Path())
    ),
    "a new app": newapp_view(new_app()),
    "preview": preview_view(preview()),
    "quarantine": quarantine_view(quarantine()),
    "what would be granted": foreseen_view(
        Foreseen(
            *(
                DAY,
                (
                    Granted(
                        "cool_head", "Cool Head", 12345, 1234, 13579, 123456, ("recruit-000252", "recruit-000253"), 0.5
                    ),
                ),
            ),
            *(1234, 123456, 1234, 12345, True, {"strunk_and_white_editors": 12}, ()),
        )
    ),
    "spending": spending_view({"month_usd": 1.5, "max_cost_usd_per_month": 20.0, "nights": [SPENT]}),
    "prompts": prompts_view(
        [{"prompt": "motivational_message", "file": "14a9a6f7", "serves": "24a9a6f7", "registry_version": 12}]
    ),
    "player": player_view(player()),
    "awards": comparison_view("academy", pl.DataFrame([AWARDS | {"date_agreement": 0.25, "missed_progress": 0.5}])),
}


@pytest.mark.parametrize("view", VIEWS)
def test_at_80_columns_nothing_is_cut_off(view: str) -> None:
    narrow, wide = printed(VIEWS[view], NARROW), printed(VIEWS[view], 400)
    assert "…" not in narrow
    assert max(map(len, narrow.splitlines())) <= 80
    assert set(re.findall(r"\S*\w\S*", wide)) - set(narrow.split()) == set()


def test_what_is_asked_keeps_a_third_of_the_width() -> None:
    assert "Send 13 messages to your" in printed(VIEWS["player"], NARROW)


def test_a_refused_file_is_named_whole() -> None:
    long = "/data/" + "a" * 70 + ".csv"
    told = Delivery(long, "refused", reason="the line has 1 field and the header has 7")
    shown = printed(ingest_view("academy", IngestResult((told,))), NARROW)
    assert shown.count("a") >= 70
    assert "…" not in shown


def test_what_there_is_none_of_is_left_out_and_a_share_of_nothing_is_not() -> None:
    shown = printed(figures_table("A night", {"missions": 0, "kept": 0.0, "stale": False, "cost": 12345.678}), NARROW)
    assert "missions" not in shown
    assert "kept" in shown
    assert "12,345.68" in shown

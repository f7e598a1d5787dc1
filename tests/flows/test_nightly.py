"""The flows in this process, against real DuckDB and MLflow, on a tiny app; what Prefect records is in server/."""

import datetime as dt
import shutil

import pytest
from polars.testing import assert_frame_equal

from configs.errors import NightquestError
from configs.loader import load_app
from configs.settings import Settings
from data.warehouse import open_warehouse
from flows.backfill import backfill
from flows.ingest import ingest
from flows.nightly import nightly
from flows.replay import replay
from flows.train import train
from pipelines.publish.published import published_root, read_latest
from pipelines.publish.show import gather_player
from pipelines.review.explain import explain_score
from pipelines.review.leaderboard import read_leaderboard
from pipelines.stores import open_registry
from tests.flows.world import LAST_NIGHT, PLAYERS, START, bytes_under, write_app, write_events
from tests.pipelines.nights import now

NIGHT = LAST_NIGHT - dt.timedelta(days=4)


def rows(home, table):
    with open_warehouse(home, "puzzles") as warehouse:
        return warehouse.frame(f"SELECT * FROM {table} ORDER BY ALL").to_dicts()


@pytest.fixture(name="made", scope="module")
def _made(history, tmp_path_factory):
    """(home, report) of the night, for copies."""
    app, shared = history
    home = tmp_path_factory.mktemp("made") / "home"
    shutil.copytree(shared, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTQUEST_HOME", str(home))
        return home, nightly(app=str(app), as_of=NIGHT)


@pytest.fixture(name="served")
def _served(history, made, tmp_path, monkeypatch):
    """(app file, home, report) of a test's own, with the night out."""
    home = tmp_path / "home"
    shutil.copytree(made[0], home)
    monkeypatch.setenv("NIGHTQUEST_HOME", str(home))
    return history[0], home, made[1]


def test_every_active_player_is_challenged_and_the_fallbacks_are_named(served):
    app, home, report = served
    assert not report.unchanged
    assert report.figures["players_challenged"] == PLAYERS
    assert any("too little to learn from" in note for note in report.notes)
    assert any(f"nightquest train {app}" in note for note in report.notes)
    view = gather_player(home, "puzzles", "player-3")
    assert 1 <= len(view.challenges) <= 3
    assert all(row["title"] and "{" not in row["title"] + row["description"] for row in view.challenges)
    assert view.profile is not None


def test_without_a_key_no_model_is_asked_and_no_ledger_is_made(made):
    home, _ = made
    assert set(read_latest(home, "puzzles").table("challenges")["ai_provider"]) == {"offline"}
    assert not (home / "ledger").exists()


def test_the_same_night_again_changes_no_byte_and_says_so(served):
    app, home, first = served
    before, promises = bytes_under(published_root(home, "puzzles")), rows(home, "challenges")
    again = nightly(app=str(app), as_of=NIGHT)
    assert (first.unchanged, again.unchanged) == (False, True)
    assert again.figures == first.figures
    assert bytes_under(published_root(home, "puzzles")) == before
    assert rows(home, "challenges") == promises


def test_a_night_made_from_scratch_elsewhere_has_the_same_promises_and_its_log_tells_how(
    history, made, new_home, tmp_path, caplog
):
    app, _ = history
    ours = read_latest(made[0], "puzzles").table("challenges")
    ingest(app=str(app), files=[str(write_events(tmp_path))], history=True)
    with caplog.at_level("INFO", logger="nightquest"):
        nightly(app=str(app), as_of=NIGHT)
    theirs = read_latest(new_home, "puzzles").table("challenges")
    assert_frame_equal(theirs.drop("generated_at"), ours.drop("generated_at"), rel_tol=1e-9)
    told = [record.message for record in caplog.records]
    assert any(line.startswith("settle: still open 0 (") for line in told)
    assert any(line.startswith("load champions: plays fallback") for line in told)
    assert any(line.startswith("issue and audit: challenges ") and line.endswith(" s)") for line in told)
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert any("No trained model serves yet" in line for line in warnings)


def test_past_nights_in_their_order_go_on_issuing_and_settle_what_earlier_ones_promised_and_pay_it_once(puzzles):
    app, home = puzzles
    nights = backfill(app=str(app), start=NIGHT, end=NIGHT + dt.timedelta(days=1))
    assert [night.as_of for night in nights] == [NIGHT, NIGHT + dt.timedelta(days=1)]
    assert all(night.issued for night in nights)
    assert not any("made late" in note for night in nights for note in night.notes)
    assert {row["as_of"] for row in rows(home, "challenges")} == {night.as_of for night in nights}
    settled, paid = rows(home, "settlements"), rows(home, "xp_ledger")
    assert {row["state"] for row in settled} == {"completed", "expired"}
    assert sum(row["xp"] for row in settled) == sum(
        row["xp"] for row in paid if row["entry_id"].startswith("challenge:")
    )
    again = backfill(app=str(app), start=NIGHT, end=NIGHT + dt.timedelta(days=1))
    assert all(night.unchanged for night in again)
    assert (rows(home, "settlements"), rows(home, "xp_ledger")) == (settled, paid)


def test_refresh_makes_a_new_revision_and_keeps_every_promise(served):
    app, home, _ = served
    promised = rows(home, "challenges")
    report = nightly(app=str(app), as_of=NIGHT, refresh=True)
    assert report.figures["revision"] == 2
    assert [row for row in rows(home, "challenges") if row["revision"] == 1] == promised
    assert (published_root(home, "puzzles") / str(NIGHT)).is_dir()


def test_a_night_before_any_activity_is_refused_and_leaves_nothing(puzzles):
    app, home = puzzles
    with pytest.raises(NightquestError, match="no activity of 'puzzles' before 2023-06-01") as error:
        nightly(app=str(app), as_of=dt.date(2023, 6, 1))
    assert "--as-of" in error.value.remedy
    assert rows(home, "nights") == []
    assert not published_root(home, "puzzles").exists()


@pytest.mark.parametrize("day", [dt.date(1800, 1, 1), dt.date(2999, 1, 1)])
def test_a_day_that_no_night_can_serve_is_refused(puzzles, day):
    with pytest.raises(NightquestError, match="cannot be served"):
        nightly(app=str(puzzles[0]), as_of=day)


def test_a_span_turned_round_is_refused_before_any_night_runs(puzzles):
    app, home = puzzles
    with pytest.raises(NightquestError, match="Turn them round"):
        backfill(app=str(app), start=NIGHT, end=NIGHT - dt.timedelta(days=1))
    assert rows(home, "nights") == []


def test_training_on_too_few_players_registers_nothing_and_says_why_wherever_one_looks_for_a_model(puzzles):
    app, home = puzzles
    report = train(app=str(app), as_of=LAST_NIGHT)
    assert report.versions == {}
    assert report.contests.filter("chosen").is_empty()
    assert any("too little to learn from" in note for note in report.notes)
    settings, loaded = Settings(home=home), load_app(str(app))
    seats = {seat.task: seat.why for seat in read_leaderboard(settings, loaded.app, LAST_NIGHT).seats}
    why = f"since the training as of {LAST_NIGHT} made none: "
    assert all(why in told for told in seats.values())
    assert f"{why}there was too little to learn from: " in seats["churn"]
    assert "snapshots of players on past days (it takes 300)" in seats["churn"]
    assert f"{why}{PLAYERS} players, " in seats["segments"]
    night = nightly(app=str(app), as_of=LAST_NIGHT)
    for model in ("No trained model serves", "No segment model serves"):
        (note,) = [note for note in night.notes if note.startswith(model)]
        assert f"the training as of {LAST_NIGHT} made none: " in note
        assert "serves yet" not in note
    with pytest.raises(NightquestError, match="No model of churn serves, since the training as of"):
        explain_score(settings, loaded, "player-3", "churn", now())
    tracked = open_registry(settings).tracking.client
    (run,) = tracked.search_runs([tracked.get_experiment_by_name("puzzles/churn").experiment_id])
    assert "too little to learn from" in run.data.tags["mlflow.note.content"]


def test_a_delivery_taken_twice_counts_once(puzzles, tmp_path):
    app, home = puzzles
    before = rows(home, "events")
    result = ingest(app=str(app), files=[str(write_events(tmp_path))], history=True)
    assert result.taken == 0
    assert rows(home, "events") == before


def test_replay_compares_promised_with_kept_and_leaves_no_trace(puzzles):
    app, home = puzzles
    report = replay(app=str(app), start=START + dt.timedelta(days=25), end=START + dt.timedelta(days=27))
    assert {"challenges", "promised", "kept", "calibration_error", "calibration_floor", "log_loss"} <= set(
        report.figures
    )
    assert report.figures["challenges"] > 0
    assert report.plot.stat().st_size > 10_000
    assert rows(home, "challenges") == rows(home, "nights") == []


def test_an_app_is_known_by_its_file_and_by_nothing_else(puzzles, tmp_path):
    other = write_app(tmp_path, app="riddles")
    assert load_app(other).app.app == "riddles"
    with pytest.raises(NightquestError, match="no activity of 'riddles'"):
        nightly(app=str(other), as_of=NIGHT)

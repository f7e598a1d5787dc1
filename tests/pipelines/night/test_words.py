"""Whole nights written by OpenAI and Anthropic, spoken to over HTTP on the loopback."""

import datetime as dt
import json
from collections import Counter

import polars as pl
import pytest

from configs.errors import NightquestError
from configs.prompt import Prompt, read_prompts
from models.language.ledger import Run, open_ledger
from pipelines.night import preview
from pipelines.night import words as writing
from pipelines.stores import open_prompts, open_registry
from pipelines.words.wishes import Wishes
from pipelines.words.writers.session import collect_answers
from tests.pipelines.night.written import (
    TONIGHT,
    bills,
    kept_texts,
    providers,
    sum_of,
    texts,
)
from tests.pipelines.nights import context_of, now, serve_night

pytestmark = pytest.mark.slow


def test_two_keys_write_for_half_the_players_each_and_the_row_says_who(written):
    assert set(providers(written.settings)) == {"openai", "anthropic"}
    for row in texts(written.settings).iter_rows(named=True):
        told = json.loads(row["metadata"])
        assert told["arm"] == told["written"] == row["ai_provider"]
        assert "{" not in row["description"]
    assert written.report.figures["writing"]["cost_usd"] == pytest.approx(sum_of(written.bills), abs=1e-6)


def test_the_same_night_again_costs_nothing_and_changes_nothing(after, language_server):
    loaded, settings = after
    again = serve_night(settings, loaded, TONIGHT)
    refreshed = serve_night(settings, loaded, TONIGHT, refresh=True, record=True)
    assert again.unchanged
    assert refreshed.figures["writing"]["paid_now_usd"] == 0
    assert bills(language_server) == []
    assert refreshed.figures["revision"] == 2
    client = open_registry(settings).tracking.client
    experiment = client.get_experiment_by_name("puzzles/writing")
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 2
    assert all(run.data.metrics["cost_usd"] > 0 for run in runs), "a rerun tells what its night has cost"


def test_last_nights_texts_serve_again_and_nobody_reads_one_twice(world, language_server):
    loaded, settings = world
    read: dict[str, set[str]] = {}
    paid = []
    for day in range(3):
        serve_night(settings, loaded, TONIGHT - dt.timedelta(days=2 - day))
        paid.append(len(bills(language_server)))
        new = texts(settings).filter("is_new")  # what is still open stands there with the text it was issued with
        for user, variant in new.select("user_id", "variant").iter_rows():
            assert variant not in read.setdefault(user, set())
            read[user].add(variant)
    assert paid[-1] - paid[-2] < paid[0] / 3


def test_a_night_through_batches_is_billed_as_batches_and_never_live(world, language_server):
    loaded, settings = world
    report = serve_night(settings, loaded, TONIGHT, Wishes(mode="batch"))
    assert set(providers(settings)) == {"openai", "anthropic"}
    assert {bill["batch"] is not None for bill in bills(language_server)} == {True}
    assert report.figures["writing"]["without_an_answer"] == 0
    counts = Counter(bill["question"] for bill in bills(language_server))
    assert max(counts.values()) == 1


def test_what_was_sent_ahead_in_the_evening_is_read_in_the_night(world, language_server):
    loaded, settings = world
    wishes = Wishes(mode="batch")
    with preview.look_ahead(loaded, TONIGHT, now(), context_of(settings, wishes)) as tonight:
        sent = preview.submit_ahead(tonight)
    assert len(sent.batches) == 2
    language_server.control.idle()
    collected = collect_answers(settings, now)
    assert collected["collected"] == 2
    billed = len(bills(language_server))
    report = serve_night(settings, loaded, TONIGHT, wishes)
    assert len(bills(language_server)) == billed == sent.requests
    assert report.figures["writing"]["paid_now_usd"] == 0  # paid in the evening
    assert report.figures["writing"]["cost_usd"] > 0
    assert set(providers(settings)) == {"openai", "anthropic"}


def test_a_batch_that_does_not_end_in_time_is_canceled_and_the_night_goes_live(world, language_server):
    loaded, settings = world
    language_server.control.settings(batch_s=120)  # its first line is not done before the night has canceled it
    settings = settings.model_copy(update={"batch_wait_s": 0.5})
    serve_night(settings, loaded, TONIGHT, Wishes(mode="batch"))
    assert set(providers(settings)) == {"openai", "anthropic"}
    assert {bill["batch"] for bill in bills(language_server)} == {None}


def test_both_write_and_the_losers_stay_candidates_at_no_more_than_a_dry_run_priced_judging_included(
    world, language_server
):
    loaded, settings = world
    wishes = Wishes(provider="both", types=("daily_challenge", "motivational_message"))
    with preview.look_ahead(loaded, TONIGHT, now(), context_of(settings, wishes)) as tonight:
        priced = preview.price_night(tonight).rows
    report = serve_night(settings, loaded, TONIGHT, wishes)
    rows = kept_texts(settings, loaded)
    assert set(rows["ai_provider"]) == {"openai", "anthropic"}
    losers = rows.filter(~pl.col("serves"))
    assert losers.height > rows.height / 4
    judged = json.loads(losers["metadata"][0])["judged"]
    assert judged["won"] is False
    assert "score" in judged
    assert report.figures["writing"]["texts_openai"] > 0

    with open_ledger(settings.home, now) as ledger:
        lines = ledger.report(Run(loaded.app.app, str(TONIGHT), ""), whole_night=True).lines
    asked = sum(line.calls for line in lines if line.purpose.startswith("judge "))
    shown = texts(settings, "content_performance")["cost_usd"].sum()
    words = sum(line.cost_usd for line in lines if line.purpose not in {"verdict", "badge_citation"})
    assert shown == pytest.approx(words)  # with judging, and with answers of which nothing was usable
    assert 0 < asked <= priced.filter(pl.col("purpose").str.starts_with("judge "))["requests"].sum()
    assert sum_of(bills(language_server)) <= priced["at_most_usd"].sum()


def test_a_dry_run_tells_the_price_asks_nothing_and_pins_nothing(world, written, language_server):
    loaded, settings = world
    with preview.look_ahead(loaded, TONIGHT, now(), context_of(settings)) as tonight:
        priced = preview.price_night(tonight)
        assert tonight.known.value("SELECT count(*) FROM nights") == 0
    assert bills(language_server) == []
    assert priced.rows["requests"].sum() == len(written.bills)
    assert sum_of(written.bills) <= priced.rows["at_most_usd"].sum()


def test_one_players_texts_by_hand_are_booked_apart_and_issue_nothing(world, language_server):
    loaded, settings = world
    wishes = Wishes(provider="anthropic", types=("daily_challenge",))
    context = context_of(settings, wishes)
    with preview.look_ahead(loaded, TONIGHT, now(), context) as tonight:
        rows = preview.write_by_hand(tonight, "player-1")
        assert tonight.known.value("SELECT count(*) FROM challenges") == 0
    assert {row["ai_provider"] for row in rows} == {"anthropic"}
    assert {row["content_type"] for row in rows} == {"daily_challenge"}
    assert {bill["provider"] for bill in bills(language_server)} == {"anthropic"}
    tonight_alone = serve_night(settings, loaded, TONIGHT, wishes)
    assert tonight_alone.figures["writing"]["texts_anthropic"] == texts(settings).height
    with (
        preview.look_ahead(loaded, TONIGHT, now(), context) as tonight,
        pytest.raises(NightquestError, match="does not serve a player 'nobody'"),
    ):
        preview.write_by_hand(tonight, "nobody")


def test_an_edited_prompt_waits_as_a_candidate_until_a_person_promotes_it(after, monkeypatch):
    loaded, settings = after
    files = read_prompts()
    old = files["daily_challenge"]
    new = Prompt(old.name, old.system.replace("You write", "You carefully write"), old.user)
    monkeypatch.setattr(writing, "read_prompts", lambda: {**files, old.name: new})
    report = serve_night(settings, loaded, TONIGHT, refresh=True)
    assert set(texts(settings).filter(pl.col("content_type") == "daily_challenge")["prompt_version"]) == {old.version}
    assert any("daily_challenge" in note for note in report.notes)
    open_prompts(settings).promote("daily_challenge", 2)
    serve_night(settings, loaded, TONIGHT + dt.timedelta(days=1))
    assert set(texts(settings).filter("is_new")["prompt_version"]) == {new.version}

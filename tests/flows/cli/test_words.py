"""The commands about words, as a person types them, with both providers on the loopback."""

import datetime as dt

import pytest

from flows.cli.words_view import submitted_view
from tests.flows.world import LAST_NIGHT, json_of, run_command
from tests.printed import printed

pytestmark = pytest.mark.slow


@pytest.fixture(name="keys")
def _keys(language_server):
    """Both providers' keys."""
    language_server.control.settings(limits={"*": {"requests": 100_000, "tokens": 100_000_000}})
    return language_server.environment


def test_the_evening_the_morning_the_night_and_a_look_behind_it(puzzles, keys, language_server):
    app, home = puzzles
    night = ["--as-of", str(LAST_NIGHT)]

    def run(*arguments: object) -> object:
        status, out, err = run_command(*arguments, "--json", home=home, **keys)
        assert status == 0, err
        return json_of(out)

    (price,) = run("nightly", app, *night, "--dry-run")
    assert language_server.control.bills()["n"] == 0
    sent = run("submit", app, *night)
    assert sent["requests"] == sum(row["requests"] for row in price["rows"])
    language_server.control.idle()
    assert run("collect")["collected"] == len(sent["batches"]) == 2
    billed = language_server.control.bills()["n"]
    (report,) = run("nightly", app, *night)
    assert report["figures"]["writing"]["texts_openai"] > 0
    assert report["figures"]["writing"]["texts_anthropic"] > 0
    assert report["figures"]["writing"]["answers_known_before"] == sent["requests"]
    assert report["figures"]["writing"]["paid_now_usd"] == 0
    assert language_server.control.bills()["n"] == billed == sent["requests"]

    spent = run("spending")
    assert [(row["night"], row["answered"]) for row in spent["nights"]] == [(str(LAST_NIGHT), billed)]
    assert spent["nights"][0]["cost_usd"] > 0
    assert spent["month_usd"] == pytest.approx(spent["nights"][0]["cost_usd"])

    for why in run("show", app, "player-1", "--why"):
        assert why["call"]["mode"] == "batch"
        assert why["template"] in why["call"]["raw"].replace("\\\\", "\\").replace('\\"', '"')
        assert f'"content_type":"{why["content_type"]}"' in why["call"]["user"].replace(" ", "")

    by_hand = ["--type", "daily_challenge", "--provider", "openai", "--max-cost-usd", "0.5"]
    texts = run("write", app, "player-1", "--as-of", str(LAST_NIGHT + dt.timedelta(days=1)), *by_hand)
    assert {(text["content_type"], text["ai_provider"]) for text in texts} == {("daily_challenge", "openai")}
    prompts = {row["prompt"]: row for row in run("prompts")}
    assert all(row["file"] == row["serves"] and row["registry_version"] == 1 for row in prompts.values())
    assert {"daily_challenge", "judge", "verdict"} <= prompts.keys()


@pytest.mark.parametrize(
    ("batches", "requests", "told"),
    [(["k"], 3, "reads what has come back"), ([], 3, "Nothing was sent"), ([], 0, "nothing to send")],
)
def test_what_was_sent_ahead_or_why_nothing_is_told(batches, requests, told):
    sent = {"as_of": LAST_NIGHT, "batches": batches, "requests": requests, "notes": ["A prompt waits."]}
    shown = printed(submitted_view("puzzles", sent), width=200)
    assert told in shown
    assert "A prompt waits." in shown


def test_past_nights_buy_no_words_unless_a_person_says_who_writes(puzzles, keys, language_server):
    app, home = puzzles
    span = ("--from", str(LAST_NIGHT - dt.timedelta(days=1)), "--to", str(LAST_NIGHT - dt.timedelta(days=1)))
    status, _, err = run_command("backfill", app, *span, home=home, **keys)
    assert status == 0, err
    assert language_server.control.bills()["n"] == 0
    span = ("--from", str(LAST_NIGHT), "--to", str(LAST_NIGHT))
    run_command("backfill", app, *span, "--provider", "openai", home=home, **keys)
    assert {bill["provider"] for bill in language_server.control.bills()["bills"]} == {"openai"}


def test_a_key_that_is_asked_for_and_missing_is_told_before_anything_runs(puzzles):
    app, home = puzzles
    status, _, err = run_command("nightly", app, "--as-of", LAST_NIGHT, "--provider", "openai", home=home)
    assert status == 2
    assert "NIGHTQUEST_OPENAI_API_KEY" in err


def test_a_prompt_without_a_version_is_told_what_it_needs(puzzles):
    _, home = puzzles
    status, _, err = run_command("prompts", "daily_challenge", home=home)
    assert status == 2
    assert "prompts NAME VERSION" in err

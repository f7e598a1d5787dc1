"""Whole nights in which providers, ledgers, registries or answers fail, and what they are written by instead."""

import contextlib
import datetime as dt
import json
import sqlite3
from collections import Counter
from dataclasses import replace

import pytest
from pydantic import SecretStr

from configs.errors import NightquestError
from pipelines.night.open_night import open_night
from pipelines.night.words import hire_writers
from pipelines.words.briefs import Brief
from pipelines.words.wishes import Wishes
from pipelines.words.writers.answers import read_answer
from pipelines.words.writers.jobs import Job
from pipelines.words.writers.session import open_session
from tests.once import tracked_home
from tests.pipelines.night.written import (
    NO_LIMITS,
    TONIGHT,
    bills,
    kept_texts,
    providers,
    sum_of,
    texts,
    with_only,
)
from tests.pipelines.nights import context_of, now, serve_night

pytestmark = pytest.mark.slow


AGAIN = ("wrong_slots", "invented_numbers", "injected", "wrong_language", "refusal", "truncation", "malformed")


def test_a_text_that_fails_is_asked_again_once_with_the_reason_and_the_row_says_so(world, language_server):
    loaded, settings = world
    settings = settings.model_copy(update={"writing_concurrency": 1})  # so that no second ask comes before a first one
    language_server.control.faults(*({"what": what, "times": 1, "after": i} for i, what in enumerate(AGAIN)))
    report = serve_night(settings, loaded, TONIGHT)
    told = [json.loads(row) for row in kept_texts(settings, loaded)["metadata"]]
    reasons = {row["reason"] for row in told if row.get("asked_again")}
    assert len(reasons) >= len(AGAIN) - 1  # slots and numbers may share a sentence
    assert {rule["hits"] for rule in language_server.control.rules()} == {1}
    assert set(providers(settings)) == {"openai", "anthropic"}
    assert report.figures["writing"]["texts_refused"] > 0
    assert any("refused" in note and "most often" in note for note in report.notes)


@pytest.mark.parametrize("what", ["wrong_slots", "timeout"])
def test_what_one_provider_cannot_write_the_other_does_and_the_row_says_why(world, language_server, what):
    loaded, settings = world
    settings = settings.model_copy(update={"answer_timeout_s": 15 if what == "timeout" else 120})
    language_server.control.faults({"what": what, "provider": "openai"})
    serve_night(settings, loaded, TONIGHT, Wishes(types=("daily_challenge",)))
    told = [json.loads(row) for row in kept_texts(settings, loaded)["metadata"]]
    instead = [row for row in told if row.get("instead_of") == "openai"]
    assert instead
    assert all(row["reason"] for row in instead)
    assert set(providers(settings)) == {"anthropic"}


def test_a_brief_whose_answers_were_all_refused_is_asked_anew_on_a_few_later_nights_and_no_more(world, language_server):
    loaded, settings = world
    wishes = Wishes(types=("motivational_message",), provider="openai")
    settings = with_only(settings, "openai")
    language_server.control.faults({"what": "invented_numbers"})
    for night in range(4):
        report = serve_night(settings, loaded, TONIGHT + dt.timedelta(days=night), wishes)
        assert set(texts(settings, "messages")["ai_provider"]) == {"offline"}
        if night == 0:
            again = serve_night(settings, loaded, TONIGHT + dt.timedelta(days=night), wishes, refresh=True)
            assert again.figures["writing"]["answers_paid"] == report.figures["writing"]["answers_paid"]
    turns = Counter()
    with contextlib.closing(sqlite3.connect(settings.home / "ledger" / "language.sqlite")) as ledger:
        for (user,) in ledger.execute("SELECT user FROM attempt"):
            brief = json.loads(user[user.index("{") : user.rindex("}") + 1])
            turns[brief.pop("turn"), json.dumps(brief | {"again": 0, "avoid": 0}, sort_keys=True)] += 1
    assert set(turns.values()) == {2}  # once, and once more with the reason
    assert {turn for turn, _ in turns} == {1, 2, 3}


def test_a_brief_whose_answers_were_all_refused_is_written_when_the_next_answers_are_good(world, language_server):
    loaded, settings = world
    wishes = Wishes(types=("motivational_message",))
    language_server.control.faults({"what": "invented_numbers"})
    serve_night(settings, loaded, TONIGHT, wishes)
    language_server.control.reset(limits=NO_LIMITS)
    serve_night(settings, loaded, TONIGHT + dt.timedelta(days=1), wishes)
    assert set(texts(settings, "messages")["ai_provider"]) == {"openai", "anthropic"}


def test_both_providers_dead_all_night_leave_a_finished_night_on_offline_words(world, language_server):
    loaded, settings = world
    settings = settings.model_copy(update={"writing_deadline_s": 2.0})
    dead = {"openai": "wrong_key", "anthropic": "529"}
    language_server.control.faults(*({"what": what, "provider": provider} for provider, what in dead.items()))
    report = serve_night(settings, loaded, TONIGHT)
    assert set(providers(settings)) == {"offline"}
    assert report.figures["writing"]["briefs_offline"] > 0
    assert any("offline writer" in note for note in report.notes)
    assert bills(language_server) == []


def test_a_ledger_that_cannot_be_opened_leaves_a_finished_night_on_offline_words(world, language_server):
    loaded, settings = world
    (settings.home / "ledger").mkdir()
    (settings.home / "ledger" / "language.sqlite").write_bytes(b"no database" * 1000)
    report = serve_night(settings, loaded, TONIGHT, record=True)
    assert set(report.figures["models"]) == {"plays", "attainment", "segments", "recalibration"}
    assert all(report.figures["models"].values())
    assert set(providers(settings)) == {"offline"}
    assert any("damaged" in note for note in report.notes)
    assert bills(language_server) == []


def test_a_prompt_registry_that_cannot_be_written_leaves_the_files_prompts_and_a_mistake_costs_one_brief_its_words(
    world, monkeypatch, tmp_path_factory
):
    def down(*_):
        raise NightquestError("The prompt registry cannot be used.")

    calls = iter(range(10_000))

    def read(*args, **kwargs):
        if next(calls) == 0:
            raise UnicodeError("a text that nobody thought of")
        return read_answer(*args, **kwargs)

    loaded, settings = world
    tracked_home(tmp_path_factory, settings.home)  # one that has no prompts yet
    monkeypatch.setattr("models.tracking.prompts.PromptRegistry.register", down)
    monkeypatch.setattr("pipelines.words.writers.models.read_answer", read)
    report = serve_night(settings, loaded, TONIGHT, Wishes(types=("daily_challenge",)))
    assert set(providers(settings)) >= {"openai", "anthropic"}
    assert any("registry cannot be used" in note for note in report.notes)
    assert report.figures["writing"]["briefs_offline"] == 1
    assert any("UnicodeError" in note for note in report.notes)


def test_all_the_words_of_a_night_share_one_wait_for_batches(world, language_server):
    loaded, settings = world
    language_server.control.settings(batch_s=120)
    settings = settings.model_copy(update={"batch_wait_s": 2.0})
    context = context_of(settings, Wishes(mode="batch"))
    with open_night(loaded, TONIGHT, now(), context) as tonight:
        crew = hire_writers(tonight)
        with open_session(tonight.night, context, crew) as session:
            jobs = [one_job(crew, number) for number in range(2)]
            batches = [written_in_batches(session, job, language_server) for job in jobs]
    assert batches == [1, 1], "the second has no patience left to send one"
    assert session.account.canceled == 1


def written_in_batches(session, job, language_server) -> int:
    """Batches begun at the server once the job is written."""
    assert session.write([job])[0]
    counts = language_server.control.requests()["counts"]
    return sum(n for what, n in counts.items() if " create " in what)


def one_job(crew, number: int) -> Job:
    team = next(iter(crew.teams.values()))
    brief = Brief(f"b{number}", "daily_challenge", "SCHOLAR", "solved", "fair", "en", "", variants=3, writer="w")
    return Job(replace(brief, persona=("SCHOLAR", "BRUTE")[number]), team, missing=3)


def test_a_server_that_is_not_there_leaves_offline_words(world):
    loaded, settings = world
    nowhere = {f"{name}_base_url": SecretStr("http://127.0.0.1:9/v1") for name in ("openai", "anthropic")}
    settings = settings.model_copy(update={**nowhere, "writing_deadline_s": 2.0})
    report = serve_night(settings, loaded, TONIGHT)
    assert set(providers(settings)) == {"offline"}
    assert any("openai: late" in note or "openai: unreachable" in note for note in report.notes)


@pytest.mark.parametrize(("most", "some"), [(0.0, False), (0.002, True)])
def test_the_budget_is_a_hard_stop_and_the_night_finishes_offline(world, language_server, most, some):
    loaded, settings = world
    report = serve_night(settings, loaded, TONIGHT, Wishes(max_cost_usd=most))
    assert sum_of(bills(language_server)) <= most
    assert bool(bills(language_server)) == some
    assert providers(settings)["offline"] > 0
    assert any("budget" in note for note in report.notes)


def test_an_unknown_model_and_a_model_without_a_price_are_told_before_anything_is_asked(world, language_server):
    loaded, settings = world
    priceless = settings.model_copy(update={"openai_model": SecretStr("gpt-9")})
    with pytest.raises(NightquestError, match="no price"):
        serve_night(priceless, loaded, TONIGHT)
    other = settings.model_copy(update={"openai_model": SecretStr("claude-haiku-5-5")})
    with pytest.raises(NightquestError, match="one of anthropic"):
        serve_night(other, loaded, TONIGHT)
    language_server.control.settings(models={})
    report = serve_night(settings, loaded, TONIGHT)
    assert set(providers(settings)) == {"offline"}
    assert any("model" in note for note in report.notes)


def test_a_provider_that_is_asked_for_without_a_key_is_an_error_that_names_the_variable(world):
    loaded, settings = world
    with pytest.raises(NightquestError, match="anthropic") as caught:
        serve_night(with_only(settings, "openai"), loaded, TONIGHT, Wishes(provider="anthropic"))
    assert "NIGHTQUEST_ANTHROPIC_API_KEY" in caught.value.remedy

"""Whole nights written by OpenAI and Anthropic, spoken to over HTTP on the loopback."""

import contextlib
import datetime as dt
import json
import shutil
import sqlite3
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest
from pydantic import SecretStr

from configs.errors import NightquestError
from configs.loader import load_app
from configs.prompt import Prompt, read_prompts
from configs.settings import Settings
from models.language.calls import Usage
from models.language.ledger import Run, open_ledger
from models.language.offers import language_models
from pipelines.activity.job import run_ingest
from pipelines.night import preview
from pipelines.night import words as writing
from pipelines.night.open_night import open_night
from pipelines.night.words import hire_writers
from pipelines.publish.published import read_latest
from pipelines.reports import NightReport
from pipelines.stores import open_app, open_prompts, open_registry
from pipelines.words.briefs import Brief
from pipelines.words.wishes import Wishes
from pipelines.words.writers.answers import read_answer
from pipelines.words.writers.jobs import Job
from pipelines.words.writers.session import collect_answers, open_session
from tests.flows.world import LAST_NIGHT, write_app, write_events
from tests.language_server.client import LanguageServer
from tests.language_server.fixture import cleaned
from tests.once import tracked_home
from tests.pipelines.nights import context_of, now, serve_night

pytestmark = pytest.mark.slow
TONIGHT = LAST_NIGHT
NO_LIMITS = {"*": {"requests": 100_000, "tokens": 100_000_000}}


@pytest.fixture(name="history", scope="module")
def _history(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    path = write_app(folder, content={"variants": 6, "individual": {"sample": 0.2}})
    loaded, settings = load_app(str(path)), Settings(home=folder / "home")
    run_ingest(settings, loaded, [write_events(folder)], history=True, players=False, now=now())
    tracked_home(tmp_path_factory, settings.home)
    return loaded, settings.home


def two_keys(home: Path, server: LanguageServer) -> Settings:
    """With both providers' keys, and a server that lets everything through."""
    server.control.settings(limits=NO_LIMITS)
    return Settings(
        home=home,
        openai_api_key=SecretStr(server.openai_key),
        openai_base_url=server.openai_url,
        anthropic_api_key=SecretStr(server.anthropic_key),
        anthropic_base_url=server.anthropic_url,
        answer_timeout_s=120,
        batch_wait_s=120,
    )


@pytest.fixture(name="world")
def _world(history, tmp_path, language_server):
    """(loaded app, settings) of a test's own."""
    loaded, shared = history
    shutil.copytree(shared, tmp_path / "home")
    return loaded, two_keys(tmp_path / "home", language_server)


@dataclass(frozen=True)
class Written:
    """A night that both providers have written, to be looked at and not to be changed."""

    settings: Settings
    report: NightReport
    bills: list[dict]


@pytest.fixture(name="written", scope="module")
def _written(history, tmp_path_factory, language_server_process):
    loaded, shared = history
    home = tmp_path_factory.mktemp("written") / "home"
    shutil.copytree(shared, home)
    server = cleaned(language_server_process)
    settings = two_keys(home, server)
    report = serve_night(settings, loaded, TONIGHT, record=True)
    return Written(settings, report, bills(server))


@pytest.fixture(name="after")
def _after(history, written, tmp_path, language_server):
    """(loaded app, settings) of a test's own after the night of `written`, of which the server knows nothing more."""
    shutil.copytree(written.settings.home, tmp_path / "home")
    return history[0], two_keys(tmp_path / "home", language_server)


def texts(settings: Settings, table: str = "challenges") -> pl.DataFrame:
    return read_latest(settings.home, "puzzles").table(table)


def providers(settings: Settings) -> Counter:
    return Counter(texts(settings)["ai_provider"].to_list())


def bills(language_server) -> list[dict]:
    return language_server.control.bills()["bills"]


def with_only(settings: Settings, provider: str) -> Settings:
    other = {"openai": "anthropic_api_key", "anthropic": "openai_api_key"}[provider]
    return settings.model_copy(update={other: None})


def test_two_keys_write_for_half_the_players_each_and_the_row_says_who(written):
    assert set(providers(written.settings)) == {"openai", "anthropic"}
    for row in texts(written.settings).iter_rows(named=True):
        told = json.loads(row["metadata"])
        assert told["arm"] == told["written"] == row["ai_provider"]
        assert "{" not in row["description"]
    assert written.report.figures["writing"]["cost_usd"] == pytest.approx(sum_of(written.bills), abs=1e-6)


def sum_of(billed: list[dict]) -> float:
    """What the server's bills come to at the configured prices."""
    total = 0.0
    for bill in billed:
        usage = Usage(bill["input"], bill["cached"], bill["cache_write"], bill["output"])
        total += usage.cost_usd(language_models().models[bill["model"]], batch=bill["batch"] is not None)
    return total


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
    for day in range(4):
        serve_night(settings, loaded, TONIGHT - dt.timedelta(days=3 - day))
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


def test_both_write_and_the_losers_stay_candidates(world, language_server):
    loaded, settings = world
    report = serve_night(settings, loaded, TONIGHT, Wishes(provider="both"))
    rows = kept_texts(settings, loaded)
    assert set(rows["ai_provider"]) == {"openai", "anthropic"}
    losers = rows.filter(~pl.col("serves"))
    assert losers.height > rows.height / 4
    judged = json.loads(losers["metadata"][0])["judged"]
    assert judged["won"] is False
    assert "score" in judged
    assert report.figures["writing"]["texts_openai"] > 0


def kept_texts(settings, loaded) -> pl.DataFrame:
    with open_app(settings, loaded) as warehouse:
        return warehouse.frame("SELECT * FROM texts ORDER BY brief_id, place")


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
        if night in {0, 3}:
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


def test_a_prompt_registry_that_cannot_be_written_leaves_the_files_prompts_to_serve(world, monkeypatch):
    def down(*_):
        raise NightquestError("The prompt registry cannot be used.")

    loaded, settings = world
    monkeypatch.setattr("models.tracking.prompts.PromptRegistry.register", down)
    report = serve_night(settings, loaded, TONIGHT, Wishes(types=("daily_challenge",)))
    assert set(providers(settings)) == {"openai", "anthropic"}
    assert any("registry cannot be used" in note for note in report.notes)


def test_a_mistake_over_one_answer_costs_that_brief_its_words_and_no_other(world, monkeypatch):
    calls = iter(range(10_000))

    def read(*args, **kwargs):
        if next(calls) == 0:
            raise UnicodeError("a text that nobody thought of")
        return read_answer(*args, **kwargs)

    loaded, settings = world
    monkeypatch.setattr("pipelines.words.writers.models.read_answer", read)
    report = serve_night(settings, loaded, TONIGHT, Wishes(types=("daily_challenge",)))
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


@pytest.mark.parametrize(("most", "some"), [(0.0, False), (0.005, True)])
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


def test_without_a_key_nothing_is_asked_and_no_ledger_is_made(world, language_server):
    loaded, settings = world
    settings = settings.model_copy(update={"openai_api_key": None, "anthropic_api_key": None})
    serve_night(settings, loaded, TONIGHT)
    assert set(providers(settings)) == {"offline"}
    assert not (settings.home / "ledger").exists()
    assert bills(language_server) == []


def test_a_dry_run_tells_the_price_asks_nothing_and_pins_nothing(world, written, language_server):
    loaded, settings = world
    with preview.look_ahead(loaded, TONIGHT, now(), context_of(settings)) as tonight:
        priced = preview.price_night(tonight)
        assert tonight.known.value("SELECT count(*) FROM nights") == 0
    assert bills(language_server) == []
    assert priced.rows["requests"].sum() == len(written.bills)
    assert sum_of(written.bills) <= priced.rows["at_most_usd"].sum()


def test_a_dry_run_prices_the_judging_between_two_providers(world, language_server):
    loaded, settings = world
    wishes = Wishes(provider="both", types=("daily_challenge", "motivational_message"))
    with preview.look_ahead(loaded, TONIGHT, now(), context_of(settings, wishes)) as tonight:
        priced = preview.price_night(tonight).rows
    serve_night(settings, loaded, TONIGHT, wishes)
    with open_ledger(settings.home, now) as ledger:
        lines = ledger.report(Run(loaded.app.app, str(TONIGHT), ""), whole_night=True).lines
    asked = sum(line.calls for line in lines if line.purpose.startswith("judge "))
    shown = texts(settings, "content_performance")["cost_usd"].sum()
    words = sum(line.cost_usd for line in lines if line.purpose not in {"verdict", "badge_citation"})
    assert shown == pytest.approx(words)  # with judging, and with answers of which nothing was usable
    assert 0 < asked <= priced.filter(pl.col("purpose").str.starts_with("judge "))["requests"].sum()
    assert sum_of(bills(language_server)) <= priced["at_most_usd"].sum()


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

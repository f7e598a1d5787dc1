"""A provider is one new file: hired for a night, it writes, is charged in the ledger, and its batches are collected."""

import shutil
import sys
from collections import Counter

import pytest
from pydantic import SecretStr

from configs.errors import AppFileError, NightquestError
from configs.loader import load_app
from configs.settings import Settings
from flows.cli.check import check_app
from models.language import providers
from models.language.ledger import Run, open_ledger
from pipelines.night import preview
from pipelines.publish.published import read_latest
from pipelines.words.wishes import Wishes
from pipelines.words.writers.session import collect_answers
from tests.flows.world import LAST_NIGHT, write_app
from tests.pipelines.nights import context_of, now, serve_night

ACME = """
from models.language.providers.openai import OpenAI


class Acme(OpenAI):  # it speaks as OpenAI does
    name = "acme"
"""
PRICES = """
model: acme-1
models:
  acme-1: {input_usd: 1, output_usd: 2, batch_share: 0.5, tokens_per_minute: 9000000}
"""


@pytest.fixture(name="folder")
def _folder(tmp_path, monkeypatch):
    """A folder whose files are among those of the providers, with Acme and its price list."""
    (tmp_path / "providers").mkdir()
    (tmp_path / "providers" / "acme.py").write_text(ACME)
    (tmp_path / "providers" / "acme.yaml").write_text(PRICES)
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path / "providers")])
    yield tmp_path
    for path in (tmp_path / "providers").glob("*.py"):
        sys.modules.pop(f"{providers.__name__}.{path.stem}", None)


def played(folder, history, **content):
    """The app with its past taken in, and its settings."""
    path = write_app(folder, content={"variants": 6} | content)
    return load_app(str(path)), Settings(home=shutil.copytree(history[1], folder / "home"))


def hired(settings, server, *names):
    """With keys of these providers, all of which the test server plays."""
    server.control.settings(limits={"*": {"requests": 100_000, "tokens": 100_000_000}})
    server.control.settings(models={"acme-1": "openai", "gpt-5.6-luna": "openai"})
    told = {"answer_timeout_s": 60, "batch_wait_s": 60}
    for name in names:
        told |= {f"{name}_api_key": SecretStr(server.openai_key), f"{name}_base_url": SecretStr(server.openai_url)}
    return settings.model_copy(update=told)


def written_by(settings):
    return Counter(read_latest(settings.home, "puzzles").table("challenges")["ai_provider"].to_list())


def charged(settings):
    with open_ledger(settings.home, now) as ledger:
        (app_night,) = ledger.nights()
        lines = ledger.paid_for(*app_night, app_night[1])
        return {provider: sum(cost for _, other, _, cost in lines if other == provider) for _, provider, _, _ in lines}


@pytest.mark.slow
def test_a_new_file_is_hired_writes_and_is_charged(folder, history, language_server):
    loaded, settings = played(folder, history)
    settings = hired(settings, language_server, "acme")
    report = serve_night(settings, loaded, LAST_NIGHT)
    assert set(written_by(settings)) == {"acme"}
    paid = charged(settings)
    assert paid["acme"] == pytest.approx(report.figures["writing"]["cost_usd"], abs=1e-6)
    assert paid["acme"] > 0
    serve_night(settings, loaded, LAST_NIGHT, refresh=True)
    assert charged(settings) == paid


@pytest.mark.slow
def test_it_shares_the_players_with_the_others_and_writes_with_one_of_them(folder, history, language_server):
    loaded, settings = played(folder, history)
    settings = hired(settings, language_server, "openai", "acme")
    serve_night(settings, loaded, LAST_NIGHT)
    assert set(written_by(settings)) == {"openai", "acme"}
    report = serve_night(settings, loaded, LAST_NIGHT, Wishes(provider="both"), refresh=True)
    assert set(charged(settings)) == {"openai", "acme"}
    assert not [note for note in report.notes if "key" in note]


@pytest.mark.slow
def test_its_batches_are_collected(folder, history, language_server):
    loaded, settings = played(folder, history, mode="batch", provider="acme")
    settings = hired(settings, language_server, "acme")
    with preview.look_ahead(loaded, LAST_NIGHT, now(), context_of(settings)) as tonight:
        assert preview.submit_ahead(tonight).batches
    serve_night(settings, loaded, LAST_NIGHT)
    assert collect_answers(settings, now)["unreachable"] == 0
    assert set(written_by(settings)) == {"acme"}
    with open_ledger(settings.home, now) as ledger:
        report = ledger.report(Run("puzzles", str(LAST_NIGHT), ""), whole_night=True)
    assert {(line.provider, line.mode) for line in report.lines if line.cost_usd} >= {("acme", "batch")}


@pytest.mark.slow
def test_one_that_cannot_be_loaded_is_named_in_the_notes_and_the_night_goes_out(folder, history, language_server):
    (folder / "providers" / "acme.py").write_text("1 / 0")
    loaded, settings = played(folder, history)
    settings = hired(settings, language_server, "openai", "acme")
    report = serve_night(settings, loaded, LAST_NIGHT)
    assert set(written_by(settings)) == {"openai"}
    (note,) = [note for note in report.notes if "acme" in note]
    assert "ZeroDivisionError" in note
    assert "providers/acme.py" in note
    with pytest.raises(NightquestError, match="The provider acme cannot be hired: ZeroDivisionError"):
        serve_night(settings, loaded, LAST_NIGHT, Wishes(provider="acme"), refresh=True)


def test_check_refuses_a_writer_that_there_is_none_of_and_names_those_there_are(folder):
    arms = {"plain": {"provider": "acme"}, "odd": {"provider": "acne"}}
    for content, key in (
        ({"provider": "acne"}, "content.provider"),
        ({"experiment": {"name": "spring", "arms": arms}}, "content.experiment.arms.odd.provider"),
    ):
        path = write_app(folder, content=content)
        with pytest.raises(
            AppFileError, match=rf"{key}: 'acne' is no writer\. Use (auto, )?offline, acme, anthropic, openai, both"
        ):
            check_app(folder / "home", str(path))
    check_app(folder / "home", str(write_app(folder, content={"provider": "acme"})))


def test_a_night_refuses_a_writer_that_there_is_none_of(folder, history):
    loaded, settings = played(folder, history, provider="acne")
    with pytest.raises(NightquestError, match=r"content\.provider: 'acne' is no writer") as said:
        serve_night(settings, loaded, LAST_NIGHT)
    assert "acme, anthropic, openai" in str(said.value)


def test_a_price_of_a_provider_that_there_is_none_of_is_refused(folder, history):
    loaded, settings = played(folder, history, prices={"a-1": {"provider": "acne", "input_usd": 1, "output_usd": 1}})
    with pytest.raises(NightquestError, match="'a-1' is one of 'acne', which is no provider"):
        serve_night(settings, loaded, LAST_NIGHT)
    with pytest.raises(AppFileError, match=r"content\.prices\.a-1\.provider: 'acne' is no provider"):
        check_app(settings.home, str(loaded.path))

"""A provider is one new file in a folder: found by its name, asked, billed and settled without a word elsewhere."""

import asyncio
import datetime as dt
import logging
import sys

import pytest

from configs.errors import NightquestError
from configs.settings import Settings
from models.language import providers
from models.language.batches import Batches
from models.language.calls import Failed, Written
from models.language.client import Client
from models.language.ledger import Budget, Run, open_ledger
from models.language.offers import (
    chosen_models,
    find_offer,
    names_with_key,
    open_providers,
    priced_models,
)
from models.language.pacing import Limits
from models.language.providers import provider_names
from tests.models.language.asking import ask
from tests.models.language.providers import listening

ACME = '''
"""Acme: one question at a time, no batches."""

import httpx2

from models.language.calls import Usage
from models.language.providers.provider import Provider, Sent


class Acme(Provider):
    """Acme."""

    name = "acme"

    def body(self, request):
        return {"ask": request.system + request.user}

    def usage(self, answer):
        return Usage(answer["in"], output=answer["out"])

    def text(self, answer):
        return answer["said"]

    async def send(self, request):
        async with httpx2.AsyncClient(headers={"key": self._key}) as http:
            got = await http.post(self._base_url, json=self.body(request))
        return Sent(got.status_code, got.headers, got.content, 0.1)
'''
PRICES = "model: acme-1\nmodels: {acme-1: {input_usd: 1, output_usd: 2, requests_per_minute: 600}}"
RUN, PLENTY = Run("test", "2024-03-01", "a run"), Budget(9, 9)


@pytest.fixture
def housed(tmp_path, monkeypatch):
    """A folder whose files are among those of the providers, with Acme in it."""
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    (tmp_path / "acme.py").write_text(ACME)
    (tmp_path / "acme.yaml").write_text(PRICES)
    yield tmp_path
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(f"{providers.__name__}.{path.stem}", None)


def now():
    return dt.datetime.now(dt.UTC)


async def answer(reader, writer):
    while head := await reader.readuntil(b"\r\n\r\n"):
        assert b"key: ac-1" in head.lower()
        size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(size)
        body = b'{"in": 100, "out": 50, "said": "{}"}'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


def test_a_new_file_is_asked_billed_and_never_asked_twice(housed, tmp_path):
    asked = [ask(n, provider="acme", model="acme-1") for n in range(3)]

    async def work():
        async with listening(answer) as url:
            settings = Settings(acme_api_key="ac-1", acme_base_url=url)
            opened, prices = open_providers(settings), priced_models(settings)
            assert list(opened) == ["acme"]
            assert await Batches(ledger, opened).submit("acme", RUN, PLENTY, asked, prices.models) == []
            async with Client(ledger, opened, RUN, PLENTY, Limits(), now) as client:
                first = [await client.ask(request) for request in asked]
                return first, [await client.ask(request) for request in asked], client.figures.sent

    with open_ledger(tmp_path, now) as ledger:
        first, again, sent = asyncio.run(work())
        (line,) = ledger.report(RUN).lines
    assert all(isinstance(reply, Written) for reply in first + again)
    assert [reply.paid_now for reply in first + again] == [True] * 3 + [False] * 3
    assert sent == 3
    assert (line.provider, line.answered, line.cost_usd) == ("acme", 3, pytest.approx(3 * 200e-6))


BROKEN = {
    "raising": ("1 / 0", "ZeroDivisionError"),
    "importing": ("import nothing_of_that_name", "ModuleNotFoundError"),
    "of_another_name": (ACME, "its file holds acme"),
    "empty": ("", "nothing of its own name"),
    "priceless": (ACME.replace('"acme"', '"priceless"'), "no price list"),
}


@pytest.mark.parametrize(("name", "text", "why"), [(name, *told) for name, told in BROKEN.items()])
def test_a_file_that_cannot_be_used_is_named_and_the_others_serve(housed, caplog, name, text, why):
    (housed / f"{name}.py").write_text(text)
    if name != "priceless":
        (housed / f"{name}.yaml").write_text(PRICES)
    settings = Settings(**{"acme_api_key": "ac-1", "acme_base_url": "http://127.0.0.1:9", f"{name}_api_key": "br-1"})
    assert provider_names() == sorted(["acme", "anthropic", "openai", name])
    with caplog.at_level(logging.WARNING):
        assert list(open_providers(settings)) == ["acme"]
    assert f"provider {name} " in caplog.text
    with pytest.raises(NightquestError, match=f"provider {name} .*{why}"):
        open_providers(settings, [name])


@pytest.mark.parametrize(
    ("text", "why"),
    [("model: [", "broken.yaml"), ("model: a-1\nmodels: {b-1: {input_usd: 1, output_usd: 1}}", "'a-1' is not one of")],
)
def test_a_price_list_that_cannot_be_read_is_named_and_the_others_serve(housed, caplog, text, why):
    (housed / "broken.py").write_text(ACME.replace('"acme"', '"broken"'))
    (housed / "broken.yaml").write_text(text)
    settings = Settings(acme_api_key="ac-1", broken_api_key="br-1", acme_base_url="http://127.0.0.1:9")
    with caplog.at_level(logging.WARNING):
        assert list(open_providers(settings)) == ["acme"]
    assert why in caplog.text
    assert "broken" not in chosen_models(settings)


def test_without_a_key_a_file_is_not_even_loaded(housed, tmp_path):
    (housed / "broken.py").write_text("raise SystemExit")
    assert open_providers(Settings()) == {}
    with open_ledger(tmp_path, now) as ledger:
        client = Client(ledger, {}, RUN, PLENTY, Limits(), now)
        (reply,) = client.ask_all([ask()])
    assert isinstance(reply, Failed)
    assert reply.reason == "key"


def test_a_price_list_is_read_without_loading_its_providers_file(housed):
    (housed / "acme.yaml").write_text("model: acme-2\nplace: 0\nmodels: {acme-2: {input_usd: 3, output_usd: 4}}")
    settings = Settings(acme_api_key="ac-1", openai_api_key="sk-1")
    assert names_with_key(settings) == ("acme", "openai")
    assert chosen_models(settings)["acme"] == "acme-2"
    assert priced_models(settings).priced("acme-2", "acme").input_usd == 3
    assert f"{providers.__name__}.acme" not in sys.modules


def test_two_of_one_name_are_refused_with_both_their_places(housed):
    (housed / "openai.py").write_text(ACME)
    with pytest.raises(NightquestError, match=r"Two files have the name openai: .*openai\.py and .*openai\.py"):
        open_providers(Settings())


def test_the_providers_that_ship_are_those_of_the_folder_each_with_a_price_list():
    assert provider_names() == ["anthropic", "openai"]
    assert {name: find_offer(name).place for name in provider_names()} == {"openai": 1, "anthropic": 2}

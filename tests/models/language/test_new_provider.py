"""A provider is one new file in a folder: found by its name, asked, billed and settled without a word elsewhere."""

import asyncio
import datetime as dt
import logging

import pytest
from pydantic import SecretStr

from configs.errors import NightquestError
from configs.settings import Settings
from models.language.batches import submit_batches
from models.language.calls import Failed, Written
from models.language.client import Client
from models.language.ledger import Budget, Run, open_ledger
from models.language.pacing import Limits
from models.language.providers import open_providers, provider_names
from tests.models.language.asking import ask
from tests.models.language.providers import listening

ACME = '''
"""Acme: one question at a time, no batches."""

import httpx2

from configs.language import LanguageModel
from models.language.calls import Usage
from models.language.providers.provider import Provider, Sent


class Acme(Provider):
    """Acme."""

    name = "acme"
    prices = {"acme-1": LanguageModel(provider="acme", input_usd=1, output_usd=2, requests_per_minute=600)}

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
RUN, PLENTY = Run("test", "2024-03-01", "a run"), Budget(9, 9)


class WithAcme(Settings):
    acme_api_key: SecretStr | None = None
    acme_base_url: str | None = None
    broken_api_key: SecretStr | None = None


@pytest.fixture
def housed(tmp_path, monkeypatch, request):
    """A package of its own with Acme in it."""
    name = f"housed_{abs(hash(request.node.name))}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / name / "acme.py").write_text(ACME)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / name


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
            settings = WithAcme(acme_api_key="ac-1", acme_base_url=url)
            providers = open_providers(settings, package=housed.name)
            assert list(providers) == ["acme"]
            assert await submit_batches(ledger, providers["acme"], RUN, PLENTY, asked, providers["acme"].prices) == []
            async with Client(ledger, providers, RUN, PLENTY, Limits(), now) as client:
                first = [await client.ask(request) for request in asked]
                return first, [await client.ask(request) for request in asked], client.figures.sent

    with open_ledger(tmp_path, now) as ledger:
        first, again, sent = asyncio.run(work())
        (line,) = ledger.report(RUN).lines
    assert all(isinstance(reply, Written) for reply in first + again)
    assert [reply.paid_now for reply in first + again] == [True] * 3 + [False] * 3
    assert sent == 3
    assert (line.provider, line.answered, line.cost_usd) == ("acme", 3, pytest.approx(3 * 200e-6))


def test_a_file_that_cannot_be_loaded_is_named_and_the_others_serve(housed, caplog):
    (housed / "broken.py").write_text("import nothing_of_that_name")
    settings = WithAcme(acme_api_key="ac-1", acme_base_url="http://127.0.0.1:9", broken_api_key="br-1")
    assert provider_names(housed.name) == ["acme", "broken"]
    with caplog.at_level(logging.WARNING):
        assert list(open_providers(settings, package=housed.name)) == ["acme"]
    assert "broken" in caplog.text
    with pytest.raises(NightquestError, match="provider broken cannot be loaded: ModuleNotFoundError"):
        open_providers(settings, ["broken"], package=housed.name)


def test_a_file_without_a_provider_of_its_name_says_so(housed):
    (housed / "broken.py").write_text('"""Nothing."""')
    with pytest.raises(NightquestError, match="no provider of the name broken"):
        open_providers(WithAcme(broken_api_key="br-1"), ["broken"], package=housed.name)


def test_without_a_key_a_file_is_not_even_loaded(housed, tmp_path):
    (housed / "broken.py").write_text("raise SystemExit")
    assert open_providers(WithAcme(), package=housed.name) == {}
    with open_ledger(tmp_path, now) as ledger:
        client = Client(ledger, {}, RUN, PLENTY, Limits(), now)
        (reply,) = client.ask_all([ask()])
    assert isinstance(reply, Failed)
    assert reply.reason == "key"


def test_the_providers_that_ship_are_those_of_the_folder():
    assert provider_names() == ["anthropic", "openai"]

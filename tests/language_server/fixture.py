"""Pytest fixtures: one server process for a whole test run, clean for every test."""

from collections.abc import Iterator

import pytest

from tests.language_server.client import LanguageServer, start_server
from tests.language_server.options import Options


@pytest.fixture(scope="session")
def language_server_process() -> Iterator[LanguageServer]:
    """One server for all tests; take `language_server` instead."""
    with start_server() as server:
        yield server


@pytest.fixture
def language_server(language_server_process: LanguageServer) -> LanguageServer:
    """A server without bills, batches, faults and limits, with the usual settings."""
    settings = Options()
    language_server_process.control.reset(**{name: getattr(settings, name) for name in vars(settings)})
    return language_server_process

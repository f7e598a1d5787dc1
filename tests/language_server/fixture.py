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
    return cleaned(language_server_process)


def cleaned(server: LanguageServer) -> LanguageServer:
    """The server as if it had just been started."""
    server.control.reset(**vars(Options()))
    return server

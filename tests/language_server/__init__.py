"""A server for tests that speaks the protocols of OpenAI and Anthropic, keeps the books on what it bills, and fails on demand."""

from tests.language_server.client import Control, LanguageServer, start_server

__all__ = ["Control", "LanguageServer", "start_server"]

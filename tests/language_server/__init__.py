"""A server for tests: it speaks OpenAI's and Anthropic's protocols, keeps books on what it bills and fails on demand.

`start_server(**settings)` or the fixture `language_server` gives its addresses and a `Control`; settings are those of
options.py, faults those of faults.py. By hand: `python -m tests.language_server --port 8090`.
"""

from tests.language_server.client import Control, LanguageServer, start_server

__all__ = ["Control", "LanguageServer", "start_server"]

"""What requests have in common, stored once: provider, model, system text, schema and parameters."""

import hashlib
import json
from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any

from models.language.calls import Request

MOST_HELD = 4096


class Forms:
    """Remembers which row of the ledger holds a request's form, so that most requests need no look-up."""

    def __init__(self) -> None:
        self._ids: dict[tuple[object, ...], tuple[int, Mapping[str, Any]]] = {}

    def id(self, connection: Connection, request: Request) -> int:
        """The row of `form` for a request, written when new."""
        # The schema is known by identity; holding it keeps another from taking its place in memory.
        known = (*_parts(request), request.system, id(request.schema))
        held = self._ids.get(known)
        if held is not None:
            return held[0]
        if len(self._ids) >= MOST_HELD:
            self.forget()
        found = _stored(connection, request)
        self._ids[known] = (found, request.schema)
        return found

    def forget(self) -> None:
        """After a transaction that did not happen: what it wrote is not there."""
        self._ids.clear()


def _parts(request: Request) -> tuple[object, ...]:
    return (
        request.provider,
        request.model,
        request.schema_name,
        request.max_tokens,
        request.effort,
        request.purpose,
        request.prompt_version,
    )


def _stored(connection: Connection, request: Request) -> int:
    schema = json.dumps(request.schema, ensure_ascii=False, separators=(",", ":"))
    parts = json.dumps([*_parts(request), request.system, schema])
    form = hashlib.sha256(parts.encode()).digest()
    row = connection.execute("SELECT id FROM form WHERE hash = ?", (form,)).fetchone()
    if row is None:
        system_id, schema_id = _text(connection, request.system), _text(connection, schema)
        row = connection.execute(
            "INSERT INTO form (hash, system_id, schema_id, provider, model, schema_name, max_tokens, effort, purpose,"
            " prompt_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (form, system_id, schema_id, *_parts(request)),
        ).fetchone()
    return int(row[0])


def _text(connection: Connection, body: str) -> int:
    digest = hashlib.sha256(body.encode()).digest()
    row = connection.execute("SELECT id FROM text WHERE hash = ?", (digest,)).fetchone()
    if row is None:
        row = connection.execute("INSERT INTO text (hash, body) VALUES (?, ?) RETURNING id", (digest, body)).fetchone()
    return int(row[0])

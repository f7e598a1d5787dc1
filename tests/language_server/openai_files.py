"""OpenAI's files: uploaded in parts onto disk, read back, deleted."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web

from tests.language_server.asked import ApiError
from tests.language_server.state import State

LARGEST = 512_000_000
_PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")


@dataclass
class Stored:
    """One file."""

    id: str
    path: Path
    filename: str
    purpose: str
    size: int
    created_at: int

    def body(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "object": "file",
            "id": self.id,
            "purpose": self.purpose,
            "filename": self.filename,
            "bytes": self.size,
            "created_at": self.created_at,
            "expires_at": None,
            "status": "processed",
            "status_details": None,
        }


class Files:
    """Every file that is not deleted."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.stored: dict[str, Stored] = {}

    def keep(self, path: Path, filename: str, purpose: str) -> Stored:
        """Take a file of the server's own into the list."""
        stored = Stored(f"file-{self._state.number()}", path, filename, purpose, path.stat().st_size, int(time.time()))
        self.stored[stored.id] = stored
        return stored

    def find(self, ident: str) -> Stored:
        """A file by its id.

        Raises:
            ApiError: 404.
        """
        if ident not in self.stored:
            raise ApiError(404, "invalid_request_error", f"No such File object: {ident}", param="id")
        return self.stored[ident]

    async def create(self, request: web.BaseRequest) -> dict[str, Any]:
        """POST /v1/files.

        Raises:
            ApiError: 400 or 413.
        """
        if not request.content_type.startswith("multipart/"):
            raise ApiError(400, "invalid_request_error", "'file' is a required property")
        path, purpose, filename, size = self._state.folder / f"upload-{self._state.number()}", "", "", -1
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            if part.name == "purpose":
                purpose = await part.text()
            elif part.name == "file":
                filename, size = part.filename or "upload", await _save(part, path)
            else:
                await part.read()
        self._check(purpose, filename, size)
        return self.keep(path, filename, purpose).body()

    def _check(self, purpose: str, filename: str, size: int) -> None:
        if size < 0:
            raise _bad("'file' is a required property")
        if purpose not in _PURPOSES:
            raise _bad(f"'{purpose}' is not one of {list(_PURPOSES)} - 'purpose'")
        if purpose == "batch" and not filename.endswith(".jsonl"):
            raise _bad(f"Invalid file format for Batch API. Must be .jsonl, got {filename}")
        if size == 0:
            raise _bad("The file is empty.")
        most = self._state.options.batch_bytes["openai"] if purpose == "batch" else LARGEST
        if size > most:
            raise ApiError(
                413, "invalid_request_error", f"The file has {size} bytes, more than the {most} that are allowed.",
                code="file_too_large",
            )  # fmt: skip

    def delete(self, ident: str) -> dict[str, Any]:
        """DELETE /v1/files/{id}."""
        stored = self.find(ident)
        stored.path.unlink(missing_ok=True)
        del self.stored[ident]
        return {"id": ident, "object": "file", "deleted": True}

    def listed(self) -> dict[str, Any]:
        """GET /v1/files, newest first."""
        found = [stored.body() for stored in reversed(self.stored.values())]
        ends = {"first_id": found[0]["id"], "last_id": found[-1]["id"]} if found else {}
        return {"object": "list", "data": found, "has_more": False, **ends}


async def _save(part: BodyPartReader, path: Path) -> int:
    size = 0
    with path.open("wb") as file:
        while chunk := await part.read_chunk(1 << 18):
            size += file.write(chunk)
    return size


def _bad(message: str) -> ApiError:
    return ApiError(400, "invalid_request_error", message)

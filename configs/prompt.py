"""Prompt files: `configs/prompts/<name>.md`, each with a system and a user part whose slots look like {{voice}}.

What stands above the system part is for people and is not sent.
"""

import difflib
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from configs.errors import NightquestError

PROMPTS = Path(__file__).parent / "prompts"
RULES = "rules"  # rules.md is no prompt; the others take it in where {{rules}} stands
# The slots of each part; the first of the user part must stand in it.
SYSTEM_SLOTS = ("voice",)
USER_SLOTS: Mapping[str, tuple[str, ...]] = {"judge": ("pairs",), "verdict": ("nomination",)}
WRITING_SLOTS = ("brief",)

_SLOT = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_PART = re.compile(r"^# (System|User)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Prompt:
    """A prompt with its slots not yet filled.

    Attributes:
        name: A content type, `judge` or `verdict`.
    """

    name: str
    system: str
    user: str

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of what is sent, 64 hex digits; the same for the same text wherever it is kept."""
        return hashlib.sha256(f"{self.system}\0{self.user}".encode()).hexdigest()

    @property
    def version(self) -> str:
        """The first 8 hex digits of the content hash."""
        return self.content_hash[:8]


def writing_prompts() -> list[str]:
    """The names of the prompts that texts are written with, in order of name; none is read."""
    return sorted({path.stem for path in PROMPTS.glob("*.md")} - {RULES, *USER_SLOTS})


def read_prompts(folder: Path | None = None) -> dict[str, Prompt]:
    """Every prompt of a folder by name, with the shared rules taken in.

    Args:
        folder: None is configs/prompts.

    Raises:
        NightquestError: A file cannot be read, lacks a part, or has a slot that nothing fills.
    """
    folder = folder or PROMPTS
    paths = sorted(path for path in folder.glob("*.md") if path.stem != RULES)
    if not paths:
        raise NightquestError(f"There are no prompt files in {folder}.", "Restore configs/prompts.")
    shared = _parts(folder / f"{RULES}.md", ("System",))["System"] if (folder / f"{RULES}.md").exists() else None
    return {path.stem: _read(path, shared) for path in paths}


def check_prompt(prompt: Prompt, where: str) -> Prompt:
    """The prompt, if every slot of it is known and none that it needs is missing.

    Args:
        prompt: From a file or from the registry.
        where: What a person calls the place it came from.

    Raises:
        NightquestError: Naming the place, the slot and the slots there are.
    """
    users = USER_SLOTS.get(prompt.name, WRITING_SLOTS)
    for part, text, known in (("system", prompt.system, SYSTEM_SLOTS), ("user", prompt.user, users)):
        if not text.strip():
            raise NightquestError(f"The {part} part of {where} is empty.", "Write one; docs/content.md shows how.")
        for slot in prompt_slots(text):
            if slot not in known:
                raise NightquestError(*_unknown(slot, part, where, known))
        if times := [slot for slot in known if prompt_slots(text).count(slot) != 1]:
            raise NightquestError(
                f"The {part} part of {where} has the slot {{{{{times[0]}}}}} not exactly once.",
                f"Put {{{{{times[0]}}}}} where it belongs, once.",
            )
    return prompt


def prompt_slots(text: str) -> list[str]:
    """The names of a text's slots, in order."""
    return _SLOT.findall(text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values into a text's slots, all at once: what a value says is never read as a slot.

    Raises:
        KeyError: A slot has no value.
    """
    return _SLOT.sub(lambda found: values[found[1]], text)


def _read(path: Path, shared: str | None) -> Prompt:
    parts = _parts(path, ("System", "User"))
    system = parts["System"]
    if RULES in prompt_slots(system):
        if shared is None:
            raise NightquestError(f"{path} refers to {{{{{RULES}}}}}, but there is no {RULES}.md beside it.", "Add it.")
        system = _SLOT.sub(lambda found: shared if found[1] == RULES else found[0], system)
    return check_prompt(Prompt(path.stem, system, parts["User"]), str(path))


def _parts(path: Path, wanted: Collection[str]) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NightquestError(f"The prompt file {path} cannot be read: {error}.", "Restore it as UTF-8 text.") from None
    pieces = _PART.split(text)[1:]
    parts = dict(_pairs(pieces))
    for part in wanted:
        if pieces[::2].count(part) != 1:
            raise NightquestError(
                f"The prompt file {path} has {pieces[::2].count(part)} parts '# {part}' instead of one.",
                f"Put a line '# {part}' above what is sent as the {part.lower()} part.",
            )
    return parts


def _pairs(pieces: list[str]) -> Iterator[tuple[str, str]]:
    for name, text in zip(pieces[::2], pieces[1::2], strict=True):
        yield name, text.strip()


def _unknown(slot: str, part: str, where: str, known: Collection[str]) -> tuple[str, str]:
    near = difflib.get_close_matches(slot, known, n=1)
    hint = f" Did you mean {{{{{near[0]}}}}}?" if near else ""
    there = ", ".join(f"{{{{{name}}}}}" for name in known)
    if part == "system" and slot in {*WRITING_SLOTS, *(name for names in USER_SLOTS.values() for name in names)}:
        hint = " What players may have typed stays out of the system part."
    return f"The {part} part of {where} has the slot {{{{{slot}}}}}, which nothing fills.{hint}", f"Known: {there}."

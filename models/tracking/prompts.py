"""Prompts in MLflow's prompt registry: each text kept once, reviewed there, served by the version that holds an alias.

A prompt is registered as a chat of a system and a user message, its content hash as a tag. It is never rendered with
MLflow's own `PromptVersion.format`, which fills one slot after another, so that a value could smuggle in a slot.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from configs.commands import command
from configs.errors import NightquestError
from configs.prompt import Prompt, check_prompt
from models.tracking.store import Tracking, first_line

PRODUCTION, CANDIDATE = "production", "candidate"
PREFIX = "nightquest-"  # no app's name has a hyphen, so that no model of an app can be called like a prompt
HASH = "content_sha256"
_IS_PROMPT = "tag.`mlflow.prompt.is_prompt` = 'true'"
_TEXT = "mlflow.prompt.text"
_MOST = 1000
_LINKS = "link_prompt_to_experiment_thread"  # MLflow's own threads, which write after a registration


@dataclass(frozen=True)
class Registered:
    """What registering the prompt files came to.

    Attributes:
        new: Versions made, by prompt.
        notes: What a person should know, a sentence each.
    """

    new: Mapping[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Serving:
    """The prompts that serve.

    Attributes:
        prompts: By name; every prompt that there is a file for.
        versions: The registry's version by name; a prompt that is served from its file has none.
        notes: Why prompts are served from their files, a sentence each.
    """

    prompts: Mapping[str, Prompt]
    versions: Mapping[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Kept:
    """What the registry has of one prompt: versions by content hash, and versions by alias."""

    by_hash: Mapping[str, int]
    aliases: Mapping[str, int]


class PromptRegistry:
    """The prompt registry of one home.

    Args:
        tracking: Its store.
    """

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking
        self._client = tracking.client

    def register(self, prompts: Mapping[str, Prompt]) -> Registered:
        """Keep every prompt whose text the registry has not got; where all are there, nothing is written.

        The first version of a prompt gets the alias `production`. A later one gets `candidate`, and `production` stays
        where it is until a person moves it, here or in MLflow.

        Raises:
            NightquestError: The registry cannot be read or written.
        """
        try:
            kept = self._kept()
            if any(prompt.content_hash not in _of(kept, name).by_hash for name, prompt in prompts.items()):
                with self._tracking.alone():
                    kept = self._kept()  # somebody else may have been first
                    new = {name: v for name, p in prompts.items() if (v := self._keep(p, _of(kept, name)))}
                    _join_links()
                kept = self._kept()
            else:
                new = {}
        except Exception as error:
            raise _unreachable(self._tracking.uri, error) from error
        return Registered(new, tuple(_note(p, _of(kept, n)) for n, p in prompts.items() if _differs(p, _of(kept, n))))

    def fetch(self, prompts: Mapping[str, Prompt], alias: str = PRODUCTION) -> Serving:
        """The versions that hold an alias; a prompt that cannot be had from the registry is served from its file.

        Args:
            prompts: The prompts of the files.
            alias: `production`, or another that a person has given.
        """
        try:
            aliases = {model.name.removeprefix(PREFIX): model.aliases for model in self._search_models()}
            found = self._versions()
        except Exception as error:  # noqa: BLE001 (a registry that is down must not stop a night)
            note = f"The prompt registry cannot be reached ({first_line(error)}); the prompt files serve."
            return Serving(dict(prompts), {}, (note,))
        serving, versions, notes = dict(prompts), {}, []
        for name in prompts:
            version = aliases.get(name, {}).get(alias)
            if version is None:
                notes.append(f"No version of the prompt {name} holds the alias {alias}; its file serves.")
                continue
            try:
                serving[name] = _checked(name, int(version), found.get((name, int(version))))
                versions[name] = int(version)
            except NightquestError as error:
                notes.append(f"Version {version} of the prompt {name} cannot serve, so its file does: {error.message}")
        return Serving(serving, versions, tuple(notes))

    def promote(self, name: str, version: int) -> None:
        """Let a version of a prompt serve.

        Raises:
            NightquestError: There is no such version, it cannot be used, or the registry cannot be written.
        """
        try:
            _checked(name, version, self._versions().get((name, version)))
            self._client.set_prompt_alias(PREFIX + name, PRODUCTION, version)
        except NightquestError:
            raise
        except Exception as error:
            raise NightquestError(
                f"Version {version} of the prompt {name} cannot be made to serve: {first_line(error)}.",
                f"Look up its versions under Prompts in MLflow (start it: {command('serve')}).",
            ) from error

    def _keep(self, prompt: Prompt, kept: _Kept) -> int:
        """Register a text that is not there yet: its version, or 0."""
        if prompt.content_hash in kept.by_hash:
            return 0
        first = not kept.by_hash and PRODUCTION not in kept.aliases
        made = self._client.register_prompt(
            PREFIX + prompt.name,
            [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
            commit_message="First version." if first else f"From the file {prompt.name}.md as it was changed.",
            tags={HASH: prompt.content_hash},
        )
        self._client.set_prompt_alias(PREFIX + prompt.name, PRODUCTION if first else CANDIDATE, int(made.version))
        return int(made.version)

    def _kept(self) -> dict[str, _Kept]:
        """What the registry has, by prompt name, in two queries."""
        by_hash: dict[str, dict[str, int]] = {}
        for (name, version), found in self._versions().items():
            known = by_hash.setdefault(name, {})
            text_hash = _hash_of(found) or f"version {version}"
            known[text_hash] = max(version, known.get(text_hash, 0))
        aliases = {model.name.removeprefix(PREFIX): model.aliases for model in self._search_models()}
        return {
            name: _Kept(by_hash.get(name, {}), {alias: int(v) for alias, v in held.items()})
            for name, held in aliases.items()
        }

    def _search_models(self) -> list[Any]:
        return list(self._client.search_registered_models(f"name LIKE '{PREFIX}%' AND {_IS_PROMPT}", max_results=_MOST))

    def _versions(self) -> dict[tuple[str, int], Any]:
        """Every version of every prompt with its text, by name and number, in one query: one for each takes seconds."""
        found = self._client.search_model_versions(f"name LIKE '{PREFIX}%' AND {_IS_PROMPT}", max_results=10 * _MOST)
        return {(each.name.removeprefix(PREFIX), int(each.version)): each for each in found}


def _checked(name: str, version: int, found: Any) -> Prompt:
    """A version, checked like a file; None for one that was not found.

    Raises:
        NightquestError: It is no chat of a system and a user message, or has an unknown slot.
    """
    where = f"version {version} of the prompt {name} in MLflow"
    prompt = _text_of(found) if found else None
    if prompt is None:
        problem = "is not a chat of a system and a user message" if found else "does not exist"
        raise NightquestError(f"V{where[1:]} {problem}.", "Look it up under Prompts in MLflow.")
    return check_prompt(prompt, where)


def _text_of(found: Any) -> Prompt | None:
    """The prompt of a version, or None when it is not a system and a user message."""
    try:
        return _read(found.name.removeprefix(PREFIX), json.loads(found.tags[_TEXT]))
    except (KeyError, ValueError, AttributeError):
        return None


def _read(name: str, template: object) -> Prompt | None:
    """A prompt from MLflow's template, or None when it is not a system and a user message."""
    parts = [(m.get("role"), m.get("content")) for m in template] if isinstance(template, list) else []
    return Prompt(name, str(parts[0][1]), str(parts[1][1])) if [r for r, _ in parts] == ["system", "user"] else None


def _hash_of(found: Any) -> str:
    """The hash of a version's text; its tag may have been copied from another when it was made by hand."""
    prompt = _text_of(found)
    return prompt.content_hash if prompt else str(found.tags.get(HASH, ""))


def _of(kept: Mapping[str, _Kept], name: str) -> _Kept:
    return kept.get(name) or _Kept({}, {})


def _differs(prompt: Prompt, kept: _Kept) -> bool:
    return kept.by_hash.get(prompt.content_hash) != kept.aliases.get(PRODUCTION)


def _note(prompt: Prompt, kept: _Kept) -> str:
    file, serves = kept.by_hash.get(prompt.content_hash), kept.aliases.get(PRODUCTION)
    held = f"version {serves} serves" if serves else "no version serves"
    return (
        f"The file of the prompt {prompt.name} is version {file}, while {held}; move the alias {PRODUCTION} in MLflow."
    )


def _join_links() -> None:
    """Wait for what MLflow writes behind the scenes, so that nothing is written once the lock is let go."""
    for thread in threading.enumerate():
        if thread.name.startswith(_LINKS):
            thread.join(timeout=10)


def _unreachable(uri: str, error: Exception) -> NightquestError:
    return NightquestError(
        f"The prompt registry at {uri} cannot be used: {first_line(error)}.",
        "Check that the folder can be written, or that the tracking server runs.",
        exit_code=3,
    )

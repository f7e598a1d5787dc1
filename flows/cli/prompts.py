"""The prompts that serve."""

from typing import Any

from configs.errors import NightquestError
from configs.prompt import read_prompts
from configs.settings import Settings
from pipelines.stores import open_prompts


def list_prompts(settings: Settings) -> list[dict[str, Any]]:
    """Every prompt: the version of its file, and which version serves."""
    files, registry = read_prompts(), open_prompts(settings)
    registered = registry.register(files)
    serving = registry.fetch(files)
    return [
        {
            "prompt": name,
            "file": prompt.version,
            "serves": serving.prompts[name].version,
            "registry_version": serving.versions.get(name),
            "new_version": registered.new.get(name),
        }
        for name, prompt in sorted(files.items())
    ]


def promote_prompt(settings: Settings, name: str, version: int) -> None:
    """Let a version of a prompt serve.

    Raises:
        NightquestError: There is no such prompt or version.
    """
    if name not in (known := read_prompts()):
        raise NightquestError(f"There is no prompt '{name}'.", f"There are {', '.join(sorted(known))}.")
    open_prompts(settings).promote(name, version)

"""How messages spell commands, in tests."""

import pytest

from configs import commands


def spell_anew(patch: pytest.MonkeyPatch) -> None:
    """Let commands be spelled for the app and home of what runs next, not of what ran before it."""
    patch.setattr(commands, "_apps", {})
    patch.setattr(commands, "_home", [commands.DEFAULT_HOME])
    patch.setattr(commands, "_program", ["nightquest"])

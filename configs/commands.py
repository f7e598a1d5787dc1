"""How a command is spelled for whoever is to run it: with the app as they gave it, and the home they chose.

Messages are made far from the command line, in steps that know an app by its name. So what was asked for is remembered
here, once, when app and settings are loaded.
"""

import shlex
from pathlib import Path

from configs.shipped import APPS

DEFAULT_HOME = Path(".nightquest")
UNKNOWN = "APP"  # an app that is not shipped and whose file nobody named
_apps: dict[str, str] = {}
_home = [DEFAULT_HOME]
_program = ["nightquest"]


def remember_app(name: str, given: str) -> None:
    """From now on this app is spelled as it was given: a shipped app's name, or the path of a file."""
    _apps[name] = given


def remember_home(home: Path) -> None:
    """From now on commands are for this home."""
    _home[0] = home


def chosen_home() -> Path:
    """The home that commands are for."""
    return _home[0]


def remember_program(program: str) -> None:
    """From now on commands start like this."""
    _program[0] = program


def command(name: str, *words: object, app: str = "") -> str:
    """A command line that works in a shell, where it was asked for.

    Args:
        name: The command.
        words: What follows the app; one in capitals stands for what a person fills in.
        app: The app's name.
    """
    apps = [_spelled(app)] if app else []
    return " ".join([_program[0], name, *(shlex.quote(str(word)) for word in (*apps, *words)), *_home_option()])


def _spelled(app: str) -> str:
    known = _apps.get(app)
    return known or (app if (APPS / f"{app}.yaml").is_file() else UNKNOWN)


def _home_option() -> list[str]:
    home = _home[0].absolute()
    if home == DEFAULT_HOME.absolute():
        return []
    shown = home.relative_to(Path.cwd()) if home.is_relative_to(Path.cwd()) else home
    return ["--home", shlex.quote(str(shown))]

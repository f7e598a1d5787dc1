"""The destinations of a night beside its home, found by the files of this folder: `<name>.py` holds the one so named.

A new destination is one new file with `deliver(night, options) -> receipt`, OPTIONS (what it is to be told, by name:
what for) and, where there are such, OPTIONAL (what it may be told besides) and SECRETS (names of either that never
stand in a message). `deliver` may be asked for the same night again, after a run that was killed before the receipt
was written down, and then changes nothing; `night.key` is the same each time. One that must tell the time takes a third
argument `clock`. `probe(options)`, where there is one, raises what would keep a night from being delivered, for
`nightquest doctor`. `erase(app, user_id, nights, options) -> receipt`, where there is one, takes a person out of what
was delivered, with the nights as they lie now, and lets whoever reads there know; asked again it ends the same.
Whatever `deliver` raises means that the night is still to be delivered. NIGHTQUEST_SINKS says which are used.
"""

import datetime as dt
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from pydantic import SecretStr

from configs.rooms import Room, load_room
from pipelines.publish.published import Published

APPS = "apps"  # the option of every destination: for which apps, separated by commas; all when left out
Options = Mapping[str, str]
Clock = Callable[[], dt.datetime]


@dataclass(frozen=True)
class Sink:
    """A destination.

    Attributes:
        deliver: Brings a whole night there and returns what proves it.
        options: What it must be told, by name: what for.
        optional: What it may be told besides.
        secrets: Which of these never stand in a message.
        probe: Raises what would keep a night from being delivered, and changes nothing.
        erase: Takes a person of an app out of what lies there, and returns what proves it.
    """

    name: str
    deliver: Callable[[Published, Options, Clock], str]
    options: Mapping[str, str]
    optional: Mapping[str, str]
    secrets: frozenset[str]
    probe: Callable[[Options], None] | None
    erase: Callable[[str, str, Sequence[Published], Options, Clock], str] | None = None


def sinks() -> Mapping[str, Sink]:
    """Every destination by name; one whose file cannot be used is left out, with a warning in the log.

    Raises:
        NightquestError: Two have the same name.
    """
    return _find(tuple(__path__)).by_name


def chosen_for(app: str, chosen: Mapping[str, Mapping[str, SecretStr]]) -> dict[str, dict[str, str]]:
    """The destinations of an app with their options, in order of name.

    Args:
        app: Its name.
        chosen: The setting NIGHTQUEST_SINKS.
    """
    told = {name: {key: value.get_secret_value() for key, value in chosen[name].items()} for name in sorted(chosen)}
    apps = {name: {each.strip() for each in options.pop(APPS, app).split(",")} for name, options in told.items()}
    return {name: options for name, options in told.items() if app in apps[name]}


def sink_problem(name: str, options: Mapping[str, object]) -> str | None:
    """What keeps a destination from being used: unknown, broken, told too little or what it does not know."""
    known = sinks()
    if name not in known:
        faults = (fault.rstrip(".") for fault in _find(tuple(__path__)).faults)
        there = f"the destination {name} is not known; there are {', '.join(known) or 'none'}"
        return next((fault for fault in faults if fault.startswith(f"The destination {name} ")), there)
    wanted, may = known[name].options, known[name].optional
    missing = [f"'{key}' ({what})" for key, what in wanted.items() if not options.get(key)]
    strange = [f"'{key}'" for key in options if key not in {*wanted, *may, APPS}]
    if missing or strange:
        return f"the destination {name} " + " and ".join(_told(missing, strange))
    return None


def _told(missing: list[str], strange: list[str]) -> Iterator[str]:
    if missing:
        yield f"is not told {', '.join(missing)}"
    if strange:
        yield f"knows no {', '.join(strange)}"


@cache
def _find(_folders: tuple[str, ...]) -> Room[Sink]:
    return load_room(__name__, _read, kind="destination", lost="cannot be used")


def _read(name: str, module: ModuleType) -> Sink:
    secrets = frozenset(getattr(module, "SECRETS", ()))
    optional = dict(getattr(module, "OPTIONAL", {}))
    erase = getattr(module, "erase", None)
    return Sink(
        name,
        _timed(module.deliver),
        dict(module.OPTIONS),
        optional,
        secrets,
        getattr(module, "probe", None),
        erase and _timed(erase),
    )


def _timed(work: Callable[..., str]) -> Callable[..., str]:
    """What a destination does, given the clock as the last argument whether it asks for one or not."""
    if "clock" in inspect.signature(work).parameters:
        return work
    return lambda *told: work(*told[:-1])

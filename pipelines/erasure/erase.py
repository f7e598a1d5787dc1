"""Erase a person: first looked at, then done; killed anywhere and run again with the same id it ends the same."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from configs.errors import NightquestError
from configs.loader import LoadedApp
from configs.settings import Settings
from data.compaction import compact_warehouse
from data.warehouse import Warehouse
from models.language.ledger import LEDGER_FILE, open_ledger
from pipelines.activity.erased import person_of
from pipelines.activity.source import Source, read_source
from pipelines.erasure.files import count_in_replays, count_in_texts, files_with, mask_in_texts, take_out_of_replays
from pipelines.erasure.owned import call_keys, cells_left, count_owned, key_of, take_out_owned
from pipelines.publish.erase_nights import count_published, take_out_published
from pipelines.publish.published import Published, published_nights, published_root, read_manifest
from pipelines.publish.sinks import chosen_for, sink_problem, sinks
from pipelines.stores import open_app

Clock = Callable[[], dt.datetime]


@dataclass(frozen=True)
class Erasure:
    """What is, or was, a person's.

    Attributes:
        done: Whether it went, everywhere; otherwise it is there still, or some destination lacks it.
        warehouse: Rows by table.
        published: Rows by night.
        replays: Rows of what replays promised.
        asked: Questions that language models were asked about the person.
        named: How often logs, and notes still to be recorded, name the person.
        destinations: What each said of it, by name.
        failed: A sentence for each destination that could not be told.
        left: What under home still holds the id: files by their path, and texts of other players by table and column.
        comes_back: Whether later deliveries of the person are taken again.
    """

    app: str
    done: bool
    warehouse: Mapping[str, int]
    published: Mapping[str, int]
    replays: int
    asked: int
    named: int
    destinations: Mapping[str, str] = field(default_factory=dict)
    failed: Sequence[str] = ()
    left: Mapping[str, int] = field(default_factory=dict)
    comes_back: bool = False


def look_at_person(settings: Settings, loaded: LoadedApp, user_id: str) -> Erasure:
    """What would go; changes nothing.

    Raises:
        NightquestError: Nothing is known of such a person.
        BusyError: Another process is working on the app.
    """
    with open_app(settings, loaded) as warehouse:
        found = _look(settings, loaded, warehouse, user_id)
        begun = warehouse.value(
            "SELECT count(*) FROM erased, erasure_key WHERE person = sha256(key || $u)", {"u": user_id}
        )
    if not (found.warehouse or found.published or begun):
        raise NightquestError(
            f"'{found.app}' has no player {user_id!r}, and no night tells of one.",
            "Write the id as the app's own data has it.",
        )
    return found


def erase_person(
    settings: Settings, loaded: LoadedApp, user_id: str, clock: Clock, *, allow_back: bool = False
) -> Erasure:
    """Take a person out of the warehouse, every night that is out, the destinations, and what else lies under home.

    From the beginning on deliveries with rows of the person leave them out; with `allow_back` only until it is done.

    Raises:
        NightquestError: Nothing is known of such a person, or a disk is full; what was done stays done.
        BusyError: Another process is working on the app.
    """
    look_at_person(settings, loaded, user_id)
    home, app = settings.home, loaded.app.app
    with open_app(settings, loaded) as warehouse:
        found = _look(settings, loaded, warehouse, user_id)
        person = _begin(warehouse, user_id, clock())
        take_out_published(published_root(home, app), user_id)
        take_out_of_replays(home, app, key_of(warehouse, user_id))
        _forget_questions(home, call_keys(warehouse, user_id), clock)
        mask_in_texts(home, app, user_id)
        with warehouse.transaction():
            take_out_owned(warehouse, user_id, _sources(loaded))
        told, failed = _tell_destinations(settings, app, user_id, clock)
        cells = cells_left(warehouse, user_id) if len(user_id) > 3 else {}
        if not failed:
            _end(warehouse, person, clock(), allow_back=allow_back)
    compact_warehouse(home, app, settings.wait_for_lock_s)
    return Erasure(
        **{name: getattr(found, name) for name in ("app", "warehouse", "published", "replays", "asked", "named")},
        done=not failed,
        destinations=told,
        failed=failed,
        left=dict.fromkeys(files_with(home, user_id), 1) | cells,
        comes_back=allow_back,
    )


def _look(settings: Settings, loaded: LoadedApp, warehouse: Warehouse, user_id: str) -> Erasure:
    home, app = settings.home, loaded.app.app
    return Erasure(
        app=app,
        done=False,
        warehouse=count_owned(warehouse, user_id, _sources(loaded)),
        published=count_published(published_root(home, app), user_id),
        replays=count_in_replays(home, app, key_of(warehouse, user_id)),
        asked=len(call_keys(warehouse, user_id)),
        named=count_in_texts(home, app, user_id),
    )


def _sources(loaded: LoadedApp) -> list[Source]:
    return [read_source(sql) for sql in (loaded.source_sql, loaded.players_sql) if sql is not None]


def _begin(warehouse: Warehouse, user_id: str, now: dt.datetime) -> str:
    with warehouse.transaction():
        person = person_of(warehouse, user_id)
        warehouse.run(
            """INSERT INTO erased (person, asked_at) VALUES ($p, $now)
               ON CONFLICT DO UPDATE SET asked_at = excluded.asked_at, done_at = NULL""",
            {"p": person, "now": now},
        )
    return person


def _end(warehouse: Warehouse, person: str, now: dt.datetime, *, allow_back: bool) -> None:
    if allow_back:
        warehouse.run("DELETE FROM erased WHERE person = $p", {"p": person})
    else:
        warehouse.run("UPDATE erased SET done_at = $now WHERE person = $p", {"p": person, "now": now})


def _forget_questions(home: Path, keys: Sequence[str], clock: Clock) -> None:
    if keys and (home / LEDGER_FILE).exists():
        with open_ledger(home, clock) as ledger:
            ledger.forget(keys)


def _tell_destinations(
    settings: Settings, app: str, user_id: str, clock: Clock
) -> tuple[dict[str, str], tuple[str, ...]]:
    """What each destination answered, and why some did not; one that knows no erasing says so and is not waited for."""
    nights = [Published(folder, read_manifest(folder)) for _, _, folder in published_nights(settings.home, app)]
    told, failed = dict[str, str](), list[str]()
    for name, options in chosen_for(app, settings.sinks).items():
        if problem := sink_problem(name, options):
            failed.append(f"{name} was not told: {problem}.")
            continue
        if (erase := sinks()[name].erase) is None:
            told[name] = "it knows no erasing: take the person out of what was delivered there"
            continue
        try:
            told[name] = erase(app, user_id, nights, options, clock)
        except Exception as error:  # noqa: BLE001 (a destination's file may do anything wrong)
            failed.append(f"{name} was not told: {_without_secrets(str(error), name, options)}")
    return told, tuple(failed)


def _without_secrets(text: str, name: str, options: Mapping[str, str]) -> str:
    known = sinks()
    for secret in known[name].secrets & options.keys() if name in known else ():
        text = text.replace(options[secret] or "***", "***")
    return text

"""The stages of a night can be done anywhere, and with any number of threads: what is published is the same."""

import datetime as dt
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor

import pytest

from configs.loader import load_app
from configs.settings import Settings
from flows.clock import clock
from flows.progress import report
from pipelines.activity.job import run_ingest
from pipelines.night.champions import load_champions
from pipelines.night.issue import issue
from pipelines.night.judge import judge
from pipelines.night.open_night import open_night, run_stage
from pipelines.night.plan import plan
from pipelines.night.publish import publish
from pipelines.night.settle import settle
from pipelines.night.words import hire_writers, write
from pipelines.publish.published import read_latest
from pipelines.words.wishes import NO_WISHES, RunContext
from tests.flows.world import START, write_app, write_events
from tests.forks import FORKS
from tests.pipelines.nights import serve_night

AS_OF = START + dt.timedelta(days=20)
NEXT = AS_OF + dt.timedelta(days=1)
MADE = ["generated_at", "settled_at"]  # when the words were made


@pytest.fixture(name="begun", scope="module")
def _begun(tmp_path_factory):
    """(home, loaded) of an app with one night out."""
    folder = tmp_path_factory.mktemp("begun")
    settings, loaded = Settings(home=folder / "home"), load_app(write_app(folder))
    run_ingest(settings, loaded, [write_events(folder, days=30)], history=True, players=False, now=clock())
    serve_night(settings, loaded, AS_OF)
    return settings.home, loaded


@pytest.fixture(name="world")
def _world(begun, tmp_path):
    """(settings, loaded) in a home of its own for every call."""
    home, loaded = begun
    return lambda name: (Settings(home=shutil.copytree(home, tmp_path / name)), loaded)


@pytest.fixture(name="together", scope="module")
def _together(begun, tmp_path_factory):
    """What the next night publishes that one process makes."""
    home, loaded = begun
    settings = Settings(home=shutil.copytree(home, tmp_path_factory.mktemp("together") / "home"))
    serve_night(settings, loaded, NEXT)
    return published(settings)


def published(settings):
    """The rows of a night by table, but for the moment at which they were made."""
    night = read_latest(settings.home, "puzzles")
    assert night.manifest.as_of == NEXT
    return {name: night.table(name).drop(MADE, strict=False) for name in night.manifest.tables}


def same(one, other):
    assert one.keys() == other.keys()
    assert one["challenges"].height > 0
    return [name for name in one if not one[name].equals(other[name])] == []


def tonight_of(settings, loaded):
    context = RunContext(settings, NO_WISHES, clock, report, run_id="a run")
    return open_night(loaded, NEXT, clock(), context)


def test_how_many_threads_read_the_warehouse_changes_nothing_that_is_published(world, together):
    settings, loaded = world("threads")
    serve_night(settings.model_copy(update={"threads": 4}), loaded, NEXT)
    assert same(published(settings), together)


def test_stages_in_processes_of_their_own_publish_what_one_process_publishes(world, together):
    settings, loaded = world("apart")
    with tonight_of(settings, loaded) as opened:
        tonight = pickle.loads(pickle.dumps(opened))  # noqa: S301 (just made)
    with ProcessPoolExecutor(1, mp_context=FORKS, max_tasks_per_child=1) as elsewhere:

        def apart(work, *args):
            return elsewhere.submit(run_stage, work, tonight, *args).result()

        still_open = apart(settle)
        champions = apart(load_champions)
        planned = apart(plan, champions)
        crew = apart(hire_writers)
        words = apart(write, planned, crew)
        for table in words.tables.values():
            assert not {"title", table.text} & {*table.rows.columns, *table.chosen.columns}, "a text for every reader"
        judged = apart(judge, planned, crew, words)
        issued = apart(issue, planned, crew, words, judged, still_open)
        apart(publish, issued, ())
    assert same(published(settings), together)


def test_a_night_that_came_from_another_process_is_open_only_where_it_was_opened(world):
    settings, loaded = world("home")
    with tonight_of(settings, loaded) as opened:
        sent = pickle.loads(pickle.dumps(opened))  # noqa: S301 (just made)
        assert opened.known.value("SELECT count(*) FROM events") > 0
    with pytest.raises(ValueError, match="is not open in this process"):
        assert sent.known
    with sent.opened():
        assert sent.known.value("SELECT count(*) FROM known_active_days") > 0
    with pytest.raises(ValueError, match="is not open in this process"):
        assert sent.known

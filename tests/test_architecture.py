"""The house rules of ARCHITECTURE.md that can be read off the code."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.source_tree import ROOMS, ROOT, imported, name_of, nodes, sources, tree

# Who alone may know a library.
KEEPERS = {
    "prefect": ("flows/",),
    "cyclopts": ("flows/",),
    "rich": ("flows/",),
    "mlflow": ("models/tracking/store.py", "models/tracking/registry.py"),
    "optuna": ("models/tuning.py",),
    "pydantic_settings": ("configs/settings.py",),
    "openai": ("models/language/providers/openai.py",),
    "anthropic": ("models/language/providers/anthropic.py",),
    "httpx2": ("models/language/providers/sdk.py",),
    "aiohttp": ("models/language/providers/sdk.py",),
    "psycopg": ("data/postgres.py",),
    "py3langid": ("pipelines/words/checks/languages.py",),
}
# Who may read the tables of events, that is, what stands now. Whoever looks from a moment reads events_at(moment),
# which has what was taken back since, too.
OF_NOW = {
    "data/sql/activity/events_at.sql",
    "data/sql/activity/retraction_fates.sql",
    "data/sql/activity/settle_incoming.sql",
    "data/sql/activity/take_back.sql",
    "data/sql/badges/badge_touched.sql",  # whose events were taken back
    "data/sql/badges/decision_rows.sql",  # a file of decisions, as it comes
    "data/sql/badges/note_kept.sql",  # what was taken back by the cut
    "data/sql/challenges/lost_events.sql",
    "flows/cli/status.py",
    "flows/demo.py",
    "pipelines/activity/append.py",
    "pipelines/activity/freshness.py",
    "pipelines/activity/ingest.py",
    "pipelines/activity/local_days.py",
    "pipelines/activity/metric_sql.py",
    "pipelines/activity/parts.py",
    "pipelines/activity/retract.py",
    "pipelines/badges/foresee.py",
    "pipelines/challenges/settle.py",  # whether there is anything at all
    "pipelines/learning/job.py",  # of which day to learn next
    "pipelines/pins.py",  # the watermark
    "pipelines/replay/compare_awards.py",
    "pipelines/replay/replay.py",
    "pipelines/review/explain.py",
    "pipelines/taken_back.py",
}
ADAPTER = "models/tracking/store.py"  # stamps runs and sets what MLflow reads on import
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.localtime"}
ENVIRONMENT = {"os.environ", "os.getenv"}
SEEDLESS = {"random.random", "random.choice", "random.shuffle", "random.randint", "uuid.uuid4", "uuid.uuid1"}


def dotted(path: Path) -> Iterator[str]:
    """The last two names of every a.b in a file: 'dt.datetime.now' gives 'datetime.now'."""
    for node in nodes(path, ast.Attribute):
        owner = node.value
        name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", None)
        if name is not None:
            yield f"{name}.{node.attr}"


def named_in(path: Path, package: str) -> Iterator[str]:
    for node in nodes(path, ast.Import, ast.ImportFrom):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            yield from (f"{package}.{alias.name}" for alias in node.names)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room):
    to_the_left = ROOMS[: ROOMS.index(room)]
    wrong = [
        (name_of(path), name) for path in sources(room) for name in imported(path) if name.split(".")[0] in to_the_left
    ]
    assert wrong == []


@cache
def needed() -> dict[str, set[str]]:
    """Which modules each module imports; what `from package import module` takes is the module."""
    modules = {module_of(path): path for path in sources(*ROOMS)}
    return {
        name: {found for text in imported(path) for found in (text, *named_in(path, text)) if found in modules} - {name}
        for name, path in modules.items()
    }


def test_no_import_leads_back_to_where_it_began():
    assert list(TopologicalSorter(needed()).static_order())  # a circle raises CycleError and names it


def test_of_folders_beside_each_other_none_leans_on_one_that_leans_on_it():
    """Each with all that lies under it."""
    folders = {
        name: name.split(".") if (ROOT / name.replace(".", "/")).is_dir() else name.split(".")[:-1] for name in needed()
    }
    beside: dict[str, dict[str, set[str]]] = {}
    for name, others in needed().items():
        for other in others:
            pairs = list(zip(folders[name], folders[other], strict=False))
            apart = next((i for i, (mine, theirs) in enumerate(pairs) if mine != theirs), None)
            if apart is not None:
                mine, theirs = pairs[apart]
                beside.setdefault(".".join(folders[name][:apart]), {}).setdefault(mine, set()).add(theirs)
    assert "pipelines" in beside
    for needs in beside.values():
        assert list(TopologicalSorter(needs).static_order())  # a circle raises CycleError and names it


def test_nothing_that_runs_imports_the_tests():
    assert [name_of(path) for path in sources(*ROOMS) for name in imported(path) if name.split(".")[0] == "tests"] == []


def test_what_tests_share_stands_in_files_of_its_own():
    parts = [(name_of(path), name.split(".")) for path in sources("tests") for name in imported(path)]
    assert [(path, name) for path, name in parts if name[0] == "tests" and name[-1].startswith("test_")] == []


@pytest.mark.parametrize("library", KEEPERS)
def test_a_library_is_known_only_where_it_belongs(library):
    users = {name_of(path) for path in sources(*ROOMS) if library in {name.split(".")[0] for name in imported(path)}}
    assert users
    assert [user for user in sorted(users) if not user.startswith(KEEPERS[library])] == []


def test_duckdb_is_opened_in_one_place():
    wrong = [
        (name_of(path), use)
        for path in sources(*ROOMS)
        for use in dotted(path)
        if use in {"duckdb.connect", "duckdb.sql"}
    ]
    assert {name for name, _ in wrong} == {"data/connections.py"}


def test_steps_and_learners_read_neither_clock_nor_environment_nor_luck():
    refused = CLOCKS | ENVIRONMENT | SEEDLESS
    wrong = [
        (name_of(path), use)
        for path in sources("pipelines", "models", "data")
        for use in dotted(path)
        if use in refused and name_of(path) != ADAPTER
    ]
    assert wrong == []


def test_every_package_is_named_for_the_build():
    named = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in sources(*ROOMS)}
    assert named == there


def test_every_module_says_what_it_is_for():
    assert [name_of(path) for path in sources(*ROOMS) if not ast.get_docstring(tree(path))] == []


def test_nothing_is_left_to_do_later():
    marks = ("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")
    wrong = [(name_of(path), mark) for path in sources(*ROOMS, "tests") for mark in marks if mark in path.read_text()]
    assert wrong == []


def test_the_lock_holds_exact_versions_without_addresses():
    lines = (ROOT / "requirements.lock").read_text().split()
    assert [line for line in lines if "==" not in line or "/" in line or "@" in line] == []


def test_the_lock_holds_every_declared_dependency_and_prefects_two_pins():
    locked = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().split())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = [text.split("<")[0].split(">")[0].strip() for text in declared]
    assert [name for name in names if name not in locked] == []
    assert tuple(map(int, locked["fastapi"].split(".")[:2])) < (0, 155)
    assert tuple(map(int, locked["sqlalchemy"].lower().split(".")[:2])) < (2, 1)


def test_every_module_can_be_loaded():
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sources(*ROOMS)]
    assert [importlib.import_module(name).__name__ for name in names] == names


def test_help_loads_no_heavy_library():
    heavy = ["prefect", "mlflow", "duckdb", "polars", "sklearn", "numpy"]
    code = f"import sys, flows.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_only_these_read_events_other_than_as_known_at_a_moment() -> None:
    """A reader that forgets what was taken back since would let a past night see other things than it saw."""
    table = re.compile(r"""\b(FROM|JOIN|INTO|UPDATE)\s+(retracted_)?events\b(?!_at)|"events", "retracted_events\"""")
    files = [*sources("flows", "pipelines", "models"), *(ROOT / "data" / "sql").rglob("*.sql")]
    assert {str(path.relative_to(ROOT)) for path in files if table.search(path.read_text(encoding="utf-8"))} == OF_NOW

"""A delivery through a source: clicks of an open university by `oulad.sql`, beside a straight script of the same joins.

    python -m tests.benchmarks source

takes the two real courses of `../shared/data/oulad` (737,471 clicks). The figures are held for 5.6 million and more: so
many come of every student once more under new ids, eight times in all.
"""

import sys
from pathlib import Path

import duckdb

from tests.benchmarks.bench import PYTHON, ROOT, STRAIGHT
from tests.benchmarks.processes import run_alone

DATA = ROOT.parent / "shared" / "data" / "oulad"
TIMES = 8
MOST_RATIO, MOST_GB = 3.0, 3.0
OF_STUDENTS = ("studentVle", "studentAssessment", "studentRegistration")
TABLES = (*OF_STUDENTS, "vle", "assessments", "courses")


def measure(folder: Path, times: int = TIMES) -> dict[str, float]:
    """Seconds, memory, their ratios and whether they hold.

    Raises:
        SystemExit: The tables are not there.
    """
    if not DATA.exists():
        sys.exit(f"There is no {DATA}; it holds two courses of the Open University, as Parquet.")
    tables, home, store = folder / "tables", folder / "home", folder / "courses.duckdb"
    # Each in a process of its own: what this one holds would count as theirs.
    run_alone([PYTHON, "-m", "tests.benchmarks.source", str(tables), str(times)], ROOT)
    nightquest = str(Path(PYTHON).with_name("nightquest"))
    own = run_alone([nightquest, "ingest", "oulad", "--history", "--home", str(home), str(tables)], ROOT)
    beside = run_alone([PYTHON, "-m", f"{STRAIGHT}.clicks", str(store), str(tables)], ROOT)
    ratio = own.cpu_s / beside.cpu_s
    return {
        **{f"own_{name}": value for name, value in vars(own).items()},
        **{f"straight_{name}": value for name, value in vars(beside).items()}, "cpu_ratio": ratio,
        "held": float(ratio <= MOST_RATIO and own.peak_gb <= MOST_GB),
    }  # fmt: skip


def write_tables(folder: Path, times: int, students: int = 1_000_000) -> None:
    """The tables, with every student, or the first so many of them, so many times under ids of their own."""
    folder.mkdir(parents=True)
    chosen = f"SELECT DISTINCT id_student FROM read_parquet('{DATA}/studentInfo.parquet') ORDER BY 1 LIMIT {students}"
    with duckdb.connect(":memory:") as con:
        for name in TABLES:
            again = (
                f"SELECT t.* REPLACE (t.id_student + copies.i * 100_000_000 AS id_student) "
                f"FROM read_parquet('{DATA}/{name}.parquet') AS t, range({times}) AS copies(i) "
                f"WHERE id_student IN ({chosen})"
                if name in OF_STUDENTS
                else f"FROM read_parquet('{DATA}/{name}.parquet')"
            )
            con.execute(f"COPY ({again}) TO '{folder}/{name}.parquet'")


if __name__ == "__main__":
    write_tables(Path(sys.argv[1]), int(sys.argv[2]))

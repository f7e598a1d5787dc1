import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from configs.errors import NightquestError
from pipelines.known import Known
from pipelines.publish.published import previous_night, read_latest
from pipelines.publish.shrinkage import AuditLimits
from tests.pipelines.publish.night_rows import AS_OF, PLAYERS, award, make_frames, settlement
from tests.pipelines.publish.nights import (
    NIGHT,
    YESTERDAY,
    audit_tables,
    audited,
    collect,
    issue,
    make_night,
    played_warehouse,
    publish_tables,
    put,
)

LONG_AGO = AS_OF - dt.timedelta(days=9)
NO_ONE = {"player_key": pl.Int64, "user_id": pl.String, "served": pl.Boolean, "reason": pl.String}


@pytest.fixture(name="tables", scope="module")
def _tables():
    with played_warehouse() as warehouse:
        issue(warehouse, YESTERDAY)
        put(warehouse, "settlements", *(settlement(player, 1, AS_OF, None) for player in PLAYERS[:-1]))
        issue(warehouse)
        put(warehouse, "badge_ledger", award(1, AS_OF))
        yield collect(Known(warehouse, NIGHT), make_frames())


def audit(tables, *, previous=None, served=None, **options):
    return audit_tables(tables, previous, NIGHT, pl.DataFrame(schema=NO_ONE) if served is None else served, **options)


def failures(tables, **options) -> dict[str, str]:
    return {check.name: check.detail for check in audit(tables, **options).checks if not check.passed}


def test_a_sound_night_passes_every_check(tables):
    assert audit(tables).ok


FIRST = pl.int_range(pl.len()) == 0


def first(value) -> pl.Expr:
    """`value` in the first row, the column as it is elsewhere."""
    return pl.when(FIRST).then(pl.lit(value))


DEFECTS = [
    ("challenges", lambda frame: frame.drop("title"), "contracts", "title"),
    ("challenges", lambda frame: frame.with_columns(secret=pl.lit(1)), "contracts", "secret"),
    (
        "challenges",
        lambda frame: frame.with_columns(pl.col("difficulty_level").cast(pl.Int64)),
        "contracts",
        "difficulty",
    ),
    ("challenges", lambda frame: frame.with_columns(difficulty_level=pl.lit(11, pl.Int32)), "contracts", "difficulty"),
    ("profiles", lambda frame: frame.with_columns(user_id=pl.lit(None, pl.String)), "contracts", "user_id"),
    ("profiles", lambda frame: pl.concat([frame, frame.head(1)]), "unique keys", "profiles has 1 row with"),
    ("xp_ledger", lambda frame: pl.concat([frame, frame.head(1)]), "unique keys", "entry_id"),
    ("messages", lambda frame: frame.with_columns(as_of=pl.lit(YESTERDAY)), "one night", "messages has 1 row of"),
    ("scores", lambda frame: frame.with_columns(app=pl.lit("other")), "one night", "scores"),
    (
        "challenges",
        lambda frame: frame.with_columns(completion_probability=first(1.2).otherwise("completion_probability")),
        "probabilities",
        "completion_probability is outside 0 to 1 in 1 row",
    ),
    ("scores", lambda frame: frame.with_columns(probability=pl.lit(float("nan"))), "probabilities", "5 rows"),
    (
        "profiles",
        lambda frame: frame.with_columns(completion_rate=first(float("nan")).otherwise("completion_rate")),
        "probabilities",
        "completion_rate",
    ),
    ("targets", lambda frame: frame.with_columns(value=pl.lit(float("inf"))), "probabilities", "not a finite number"),
    (
        "challenges",
        lambda frame: frame.with_columns(valid_from=pl.lit(YESTERDAY)),
        "dates",
        "new challenges that start before",
    ),
    (
        "challenges",
        lambda frame: frame.with_columns(valid_until=pl.lit(YESTERDAY)),
        "dates",
        "end before they start",
    ),
    ("challenges", lambda frame: frame.with_columns(valid_until=pl.lit(LONG_AGO)), "dates", "were over before"),
    (
        "challenges",
        lambda frame: frame.with_columns(title=first("Post {goal_1}").otherwise("title")),
        "texts",
        "unfilled slot in 1 row",
    ),
    ("messages", lambda frame: frame.with_columns(body=pl.lit("  ")), "texts", "blank"),
    ("badges", lambda frame: frame.with_columns(citation=pl.lit("{who}")), "texts", "badges.citation"),
]


@pytest.mark.parametrize(("table", "spoil", "check", "words"), DEFECTS, ids=[f"{d[0]}-{d[2]}-{d[3]}" for d in DEFECTS])
def test_each_defect_is_caught_by_its_check_and_named(tables, table, spoil, check, words):
    found = failures({**tables, table: spoil(tables[table])})
    assert words in found[check]


def test_a_missing_table_and_one_without_a_contract_are_refused(tables):
    found = failures({"extra" if name == "messages" else name: frame for name, frame in tables.items()})
    assert "table messages is missing" in found["contracts"]
    assert "table extra has no contract" in found["contracts"]


def test_one_id_for_a_challenge_and_a_message_is_refused(tables):
    twin = tables["messages"].with_columns(content_id=pl.lit(tables["challenges"]["content_id"][0]))
    assert "content_id" in failures({**tables, "messages": twin})["unique keys"]


def test_a_finding_never_quotes_a_players_row(tables):
    spoiled = tables["challenges"].with_columns(title=pl.lit(""), completion_probability=pl.lit(7.0))
    report = audit({**tables, "challenges": spoiled})
    for user_id in tables["challenges"]["user_id"]:
        assert all(user_id not in check.detail for check in report.checks)


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_an_active_player_left_out_without_a_reason_is_refused(tables, reason):
    served = pl.DataFrame([(3, "someone", False, reason)], schema=NO_ONE, orient="row")
    assert "player_key 3" in failures(tables, served=served)["every active player served"]


def test_a_player_said_to_be_served_who_gets_nothing_is_refused(tables):
    served = pl.DataFrame([(3, "someone", True, None)], schema=NO_ONE, orient="row")
    assert "get nothing" in failures(tables, served=served)["every active player served"]


def test_players_left_out_with_a_reason_are_counted_by_it(tables):
    rows = [(1, tables["challenges"]["user_id"][0], True, None), *((key, "x", False, "opted out") for key in (2, 3))]
    report = audit(tables, served=pl.DataFrame(rows, schema=NO_ONE, orient="row"))
    detail = {check.name: check.detail for check in report.checks}["every active player served"]
    assert report.ok
    assert detail == "1 of 3 active players; 2 opted out"


@pytest.fixture(name="home")
def _home(tmp_path):
    """Yesterday's night is out."""
    with played_warehouse() as warehouse:
        issue(warehouse, YESTERDAY)
        night = make_night(YESTERDAY)
        publish_tables(*_in_order(audited(warehouse, night, tmp_path), night, tmp_path))
    return tmp_path


def _in_order(result, night, home):
    tables, report = result
    return tables, night, home, report


def test_ids_of_the_night_before_may_not_come_back(tables, home):
    previous = previous_night(home, "toy", AS_OF)
    assert "promises" not in failures(tables, previous=previous)
    again = {name: previous.table(name).with_columns(as_of=pl.lit(AS_OF)) for name in ("challenges", "messages")}
    assert "new challenges that carry" in failures({**tables, **again}, previous=previous)["promises"]


def test_what_the_night_before_asked_is_here_as_it_was_or_settled(tables, tmp_path):
    with played_warehouse() as warehouse:
        issue(warehouse, YESTERDAY)
        warehouse.run("UPDATE challenges SET valid_until = $day", {"day": AS_OF + dt.timedelta(days=3)})
        night = make_night(YESTERDAY)
        publish_tables(*_in_order(audited(warehouse, night, tmp_path), night, tmp_path))
    previous = previous_night(tmp_path, "toy", AS_OF)
    open_ones = previous.table("challenges").with_columns(as_of=pl.lit(AS_OF), is_new=pl.lit(value=False))
    unsettled = {**tables, "settlements": tables["settlements"].clear()}
    kept = pl.concat([tables["challenges"], open_ones])
    assert "promises" not in failures({**unsettled, "challenges": kept}, previous=previous)
    dearer = open_ones.with_columns(rewards=pl.struct(xp=pl.lit(1, pl.Int32)))
    changed = {**tables, "challenges": pl.concat([tables["challenges"], dearer])}
    assert "challenges that are not what they were of the night of" in failures(changed, previous=previous)["promises"]
    assert "neither open nor settled: 4" in failures(unsettled, previous=previous)["promises"]
    to_look_at = replace(previous, manifest=previous.manifest.model_copy(update={"issued": False}))
    assert "promises" not in failures(unsettled, previous=to_look_at)
    late = audit_tables(unsettled, previous, replace(NIGHT, late=True), pl.DataFrame(schema=NO_ONE))
    assert late.ok


ACTIVE = pl.DataFrame([(n, "x", False, "opted out") for n in PLAYERS], schema=NO_ONE, orient="row")


@pytest.mark.parametrize(("kept", "refused"), [(3, False), (2, True), (0, True)])
def test_a_fall_for_each_active_player_beyond_the_limit_is_refused_unless_accepted(tables, home, kept, refused):
    previous = previous_night(home, "toy", AS_OF)
    smaller = {**tables, "segments": tables["segments"].head(kept)}
    options = {"previous": previous, "limits": AuditLimits(max_fall=0.4, min_rows=len(PLAYERS)), "served": ACTIVE}
    assert ("row counts" in failures(smaller, **options)) is refused
    assert audit(smaller, **options, accept=True).ok
    free = replace(options["limits"], free=frozenset({"segments"}))
    assert audit(smaller, **{**options, "limits": free}).ok
    if refused:
        report = audit(smaller, **options)
        with pytest.raises(NightquestError, match=rf"segments fell to {kept} rows.*No key fits.*--accept"):
            report.require(["No key fits."])


def test_fewer_active_players_are_no_fall(tables, home):
    fewer = {
        name: frame.head(1) if name in ("profiles", "segments", "scores") else frame for name, frame in tables.items()
    }
    options = {"previous": previous_night(home, "toy", AS_OF), "limits": AuditLimits(max_fall=0.4, min_rows=1)}
    assert audit(fewer, **options, served=ACTIVE.head(1)).ok


@pytest.mark.parametrize("name", ["challenges", "messages"])
def test_a_planner_that_issues_nothing_is_refused_though_what_is_open_fills_the_table(tables, home, name, monkeypatch):
    monkeypatch.setattr("pipelines.publish.shrinkage.PLENTY", 1)
    past = [previous_night(home, "toy", AS_OF)] * 3
    nothing = {**tables, name: tables[name].with_columns(is_new=pl.lit(value=False))}
    assert f"no new {name}" in failures(nothing, past=past)["row counts"]
    assert "row counts" not in failures(nothing, past=past[:2])
    assert "row counts" not in failures(tables, past=past)


def test_players_who_have_as_many_challenges_as_the_app_allows_need_no_new_one(tables, home, monkeypatch):
    monkeypatch.setattr("pipelines.publish.shrinkage.PLENTY", 1)
    past = [previous_night(home, "toy", AS_OF)] * 3
    nothing = {**tables, "challenges": tables["challenges"].with_columns(is_new=pl.lit(value=False))}
    most = nothing["challenges"].group_by("user_id").len()["len"].min()
    full = dict(NIGHT.app.challenges) | {"most_open": most}
    app = NIGHT.app.model_copy(update={"challenges": NIGHT.app.challenges.model_validate(full)})
    report = audit_tables(nothing, past[0], replace(NIGHT, app=app), ACTIVE, past=past)
    assert next(check for check in report.checks if check.name == "row counts").passed


def test_acceptance_covers_row_counts_and_nothing_else(tables):
    assert not audit({**tables, "messages": tables["messages"].with_columns(body=pl.lit("{x}"))}, accept=True).ok


def test_small_tables_and_those_that_come_and_go_may_fall(tables, home):
    options = {"previous": previous_night(home, "toy", AS_OF), "served": ACTIVE}
    emptied = {**tables, "segments": tables["segments"].clear()}
    assert audit(emptied, **options, limits=AuditLimits(max_fall=0.1, min_rows=6)).ok
    without_badges = {**tables, "badges": tables["badges"].clear()}
    assert audit(without_badges, **options, limits=AuditLimits(max_fall=0.1, min_rows=1)).ok


def test_a_night_that_failed_its_audit_is_not_published_and_the_one_before_stays(tables, home):
    bad = {**tables, "messages": tables["messages"].with_columns(body=pl.lit("Reach {goal}"))}
    with pytest.raises(NightquestError, match=r"texts: messages\.body has an unfilled slot in 1 row") as error:
        publish_tables(bad, NIGHT, home, audit(bad))
    assert "--as-of 2024-01-10 --refresh" in error.value.remedy
    assert read_latest(home, "toy").manifest.as_of == YESTERDAY
    assert sorted(path.name for path in (home / "published" / "toy").iterdir()) == ["2024-01-09", "latest.json"]

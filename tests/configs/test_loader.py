import json
from typing import Any

import jsonschema
import pytest
import yaml

from configs.errors import AppFileError
from configs.loader import SCHEMA, export_schema, load_app
from configs.shipped import shipped_apps
from tests.configs.toy import TOY, line_of, load, problems
from tests.factories import APP


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("unit: puzzle", "unti: puzzle", "metrics.solved.unti", ["Did you mean 'unit'?"]),
        ("agg: distinct", "agg: distinkt", "metrics.topics.agg", ["'distinkt'", "'distinct'", "Correct the value."]),
        ("topic: text", "topic: txt", "events.solve.properties.topic", ["'txt'", "'text'"]),
        ("score: points", "score: pionts", "segments.score", ["'pionts' is not one of the metrics", "points"]),
        ("  theme: puzzles", "  theme: 3", "voice.theme", ["3 does not fit", "string"]),
        ("app: toy", "app: Toy!", "app", ["lower-case"]),
        (
            "    unit: puzzle",
            "    plural: [puzzle]",
            "metrics.solved.plural",
            ["what stands there does not fit", "string"],
        ),
        ("app: toy", "app: toy\nquiet_hours: [1]", "quiet_hours", ["should be keys with values, a line each"]),
        ("event: liked", "event: likd", "metrics.famous.event", ["'likd' is not one of the events"]),
    ],
)
def test_fault_is_one_sentence_with_file_line_key_and_remedy(tmp_path, old, new, key, words):
    text = TOY.replace(old, new)
    sentences = problems(tmp_path, text)
    line = line_of(text, new.strip())
    assert any(s.startswith(f"{tmp_path}/toy.yaml:{line}: {key}: ") for s in sentences), sentences
    assert all(any(word in s for s in sentences) for word in words), sentences


def test_every_fault_of_a_file_is_told_at_once(tmp_path):
    text = TOY.replace("unit: puzzle", "unti: puzzle").replace("agg: distinct", "agg: distinkt")
    assert len(problems(tmp_path, text)) == 2


def test_missing_key_is_named(tmp_path):
    (sentence,) = problems(tmp_path, TOY.replace("title: Toy\n", ""))
    assert ": title: is missing." in sentence


def test_key_that_stands_twice_is_refused_with_both_lines(tmp_path):
    (sentence,) = problems(tmp_path, TOY + "title: Again\n")
    assert "'title' stands twice here, first on line 2" in sentence


@pytest.mark.parametrize(
    "rule",
    [
        *(
            "read_csv('/etc/passwd') > 1",
            "solved > read_text('../../secret')",
            "getenv('HOME') = 'x'",
            "abs(solved) > 1",
        ),
        *("solvd > 3", "last(solvd, 7) > 3", "solved > (SELECT 1)", "solved IN (SELECT 1)", "last(solved, 0) > 1"),
        *("solved >", "1 = 1", "solved > 1; DROP TABLE events", "solved > 'x'", "(" * 900 + "solved > 1" + ")" * 900),
        *("solved > 1 -- " + "x" * 2000, "events.solved > 1", "solved > now()", "CAST(solved AS TEXT) = '1'"),
    ],
)
def test_badge_rule_that_is_not_allowed_is_refused_with_its_key(tmp_path, rule):
    badge = {"x": {"title": "X", "tier": "gold", "category": "c", "when": rule}}
    text = TOY + yaml.safe_dump({"badges": badge}, width=5000)
    (sentence,) = problems(tmp_path, text)
    assert sentence.startswith(f"{tmp_path}/toy.yaml:{line_of(text, 'when: ')}: badges.x.when: ")
    assert sentence.endswith("A condition compares and calculates only; docs/apps.md lists what it may say.")


@pytest.mark.parametrize(
    "where",
    [
        *(
            "topc = 'maths'",
            "getenv('HOME') = 'x'",
            "points > (SELECT 1)",
            "EXISTS (SELECT 1)",
            "points IN (TABLE events)",
        ),
        *("topic = read_text('../../secret')", "points > 1 UNION SELECT 1", "points >= last(points, 7)"),
    ],
)
def test_metric_condition_that_is_not_allowed_is_refused_with_its_key(tmp_path, where):
    (sentence,) = problems(tmp_path, TOY.replace("    unit: puzzle\n", f"    unit: puzzle\n    where: {where}\n"))
    assert ": metrics.solved.where: " in sentence


def test_unknown_metric_is_told_with_those_that_are_known(tmp_path):
    badge = {"x": {"title": "X", "tier": "gold", "category": "c", "when": "solvd > 3"}}
    (sentence,) = problems(tmp_path, TOY + yaml.safe_dump({"badges": badge}))
    assert "'solvd' is not a metric; known are average, best" in sentence


def bomb(kind: str) -> str:
    """A small file that anchors would make huge."""
    items = {"list": "[{}]", "merge": "{{<<: [{}]}}"}[kind]
    first = {"list": "[x]", "merge": "{a: 1}"}[kind]
    levels = [f"- &b{i} " + items.format(", ".join([f"*b{i - 1}"] * 10)) for i in range(1, 10)]
    return TOY + f"calendar:\n- &b0 {first}\n" + "\n".join(levels)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (bomb("list"), "is more than 100,000 parts once its anchors are followed. Use fewer anchors."),
        (bomb("merge"), "is more than 100,000 parts once its anchors are followed. Use fewer anchors."),
        (TOY + "engagement: &e\n  levels: *e\n", "a part holds itself through its anchor. Write it out."),
        (TOY + "engagement: &e\n  <<: *e\n", "a part holds itself through its anchor. Write it out."),
        (TOY + "engagement: " + "[" * 3000 + "]" * 3000, "is nested too deeply. An app file is a few levels deep."),
        (TOY + "# " + "x" * 1_000_000, "is longer than 1,000,000 bytes. An app file is a few hundred lines."),
        (TOY.replace("reaches: 2", "reaches: " + "9" * 5000), "holds a value that cannot be read"),
    ],
    ids=["list", "merge", "itself", "merges itself", "deep", "long", "digits"],
)
def test_file_made_to_do_harm_is_refused_before_it_is_followed(tmp_path, text, words):
    (sentence,) = problems(tmp_path, text)
    assert sentence.startswith(f"{tmp_path}/toy.yaml:")
    assert words in sentence


def test_number_without_bounds_is_refused(tmp_path):
    (sentence,) = problems(tmp_path, TOY.replace("reaches: 2", "reaches: 1e999"))
    assert ": metrics.famous.reaches: inf does not fit: input should be a finite number" in sentence


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a b"])
def test_source_is_a_name_and_no_path(tmp_path, name):
    (sentence,) = problems(tmp_path, TOY + f"source: {name}\n")
    assert ": source: " in sentence


@pytest.mark.parametrize(
    "text", ["", "- 1\n", "a: [1\n", "\tapp: toy\n", "app: !!python/object:os.system x\n", "a: \0\n"]
)
def test_what_is_no_mapping_is_refused_in_a_sentence(tmp_path, text):
    (sentence,) = problems(tmp_path, text)
    assert sentence.startswith(f"{tmp_path}/toy.yaml")


def test_file_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "toy.yaml"
    path.write_bytes(TOY.replace("Toy", "T\xf6y").encode("latin-1"))
    with pytest.raises(AppFileError, match="not UTF-8"):
        load_app(path)


def test_unquoted_words_and_times_mean_what_they_say(tmp_path):
    calendar: dict[str, Any] = {"calendar": [{"title": "no", "kind": "exam", "on": "2024-05-01"}]}
    text = TOY + "day_starts_at: 04:00\n" + yaml.safe_dump(calendar).replace("'no'", "no").replace("'on'", "on")
    app = load(tmp_path, text).app
    assert (app.day_starts_at.hour, app.day_starts_at.minute) == (4, 0)
    assert (app.calendar[0].title, app.calendar[0].on.isoformat()) == ("no", "2024-05-01")


def test_bare_number_is_no_time_of_day(tmp_path):
    (sentence,) = problems(tmp_path, TOY + "day_starts_at: 4\n")
    assert "day_starts_at: a time of day is written with its minutes" in sentence


def test_hash_follows_the_meaning_and_not_the_comments(tmp_path):
    plain = load(tmp_path, TOY).hash
    assert load(tmp_path, "# a comment\n" + TOY).hash == plain
    assert load(tmp_path, TOY.replace("title: Toy", "title: Toys")).hash != plain


def test_source_is_found_beside_the_app_file_and_is_part_of_the_hash(tmp_path):
    (tmp_path / "raw.sql").write_text("SELECT 1")
    first = load(tmp_path, TOY + "source: raw\n")
    (tmp_path / "raw.sql").write_text("SELECT 2")
    second = load(tmp_path, TOY + "source: raw\n")
    assert (first.source_sql, second.source_sql) == ("SELECT 1", "SELECT 2")
    assert first.hash != second.hash


def test_missing_source_says_where_to_write_it(tmp_path):
    (sentence,) = problems(tmp_path, TOY + "source: raw\n")
    assert f"Write its SELECT to {tmp_path}/raw.sql" in sentence


def test_app_has_the_five_personas_only_when_it_asks_for_them(tmp_path):
    assert load(tmp_path, TOY).app.personas == {}
    asking = load(tmp_path, f"{TOY}personas: standard\n").app.personas
    assert set(asking) == {"BRUTE", "SCHOLAR", "PHANTOM", "WARDEN", "FERAL"}
    with pytest.raises(AppFileError, match="rite standard, or each persona with its traits"):
        load(tmp_path, f"{TOY}personas: five\n")


def test_what_a_profile_is_to_tell_must_be_there(tmp_path):
    profile = {
        "styles": {"FAST": {"traits": {"speed": 1}}},
        "social": ["chats"],
        "preferences": {"when": {"event": "rest", "of": "hour"}, "what": {"event": "solve", "of": "hue"}},
    }
    with pytest.raises(AppFileError) as error:
        load(tmp_path, yaml.safe_dump({**APP, "profile": profile}))
    for place in ("profile.styles.FAST.traits", "profile.social", "preferences.when.event", "preferences.what.of"):
        assert place in str(error.value), place


@pytest.mark.parametrize("name", ["tradin", "stackexchnge"])
def test_unknown_app_suggests_the_nearest(name):
    with pytest.raises(AppFileError, match="Did you mean"):
        load_app(name)


@pytest.mark.parametrize("name", shipped_apps())
def test_shipped_app_loads_and_points_editors_at_the_schema(name):
    loaded = load_app(name)
    assert loaded.app.app == name
    assert loaded.path.read_text().startswith("# yaml-language-server: $schema=../apps.schema.json\n")


def test_schema_file_is_current():
    current = json.loads(SCHEMA.read_text())
    assert current == export_schema(), "run: make schema"


def test_schema_accepts_the_short_form_and_refuses_a_typo():
    check = jsonschema.Draft202012Validator(export_schema())
    assert check.is_valid(yaml.safe_load(TOY))
    assert not check.is_valid(yaml.safe_load(TOY.replace("unit: puzzle", "unti: puzzle")))


def test_a_persona_with_an_unknown_trait_is_told_which_there_are(tmp_path):
    text = TOY + "personas:\n  OWL:\n    risk_tolerance: 0.5\n    traits: {nigth: 1.0}\n"
    (sentence,) = problems(tmp_path, text)
    assert "'nigth' is neither a trait (intensity," in sentence


def test_selects_of_players_and_calendar_are_found_beside_the_source(tmp_path):
    (tmp_path / "raw.sql").write_text("SELECT 1")
    alone = load(tmp_path, TOY + "source: raw\n")
    assert (alone.players_sql, alone.calendar_sql) == (None, None)
    (tmp_path / "raw_players.sql").write_text("SELECT 3")
    (tmp_path / "raw_calendar.sql").write_text("SELECT 4")
    both = load(tmp_path, TOY + "source: raw\n")
    assert (both.players_sql, both.calendar_sql) == ("SELECT 3", "SELECT 4")

"""Prompt files and what is asked: slots filled once, the system part stable, the brief as data."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import NightquestError
from configs.kinds import content_type_names
from configs.loader import load_app
from configs.prompt import PROMPTS, RULES, Prompt, check_prompt, fill, read_prompts
from configs.shipped import shipped_apps
from models.language.offers import language_models
from pipelines.words.briefs import Brief
from pipelines.words.checks.cleaning import as_json, clean, clean_data, clean_profile
from pipelines.words.checks.safety import canary_of
from pipelines.words.types import content_type as type_of
from pipelines.words.writers.answers import Draft, answer_schema, check, read_drafts
from pipelines.words.writers.prompts import load_prompts, render_request, system_part
from pipelines.words.writers.telling import brief_data
from tests.factories import make_app

MODELS = language_models().models
LUNA, HAIKU = MODELS["gpt-5.6-luna"], MODELS["claude-haiku-4-5"]
TYPES = content_type_names()
APPS = {name: load_app(name).app for name in shipped_apps()}
FILES = load_prompts()
BETWEEN = re.compile(r"<brief>\n(.*)\n</brief>", re.DOTALL)


def brief(content_type="daily_challenge", app=APPS["trading"], **changes):
    metric = next(iter(app.badges)) if content_type == "badge_citation" else app.challenges.metrics[0]
    occasion = {"motivational_message": "target", "badge_citation": "shown", "custom_achievement": "gold"}
    fields = {
        "brief_id": "b",
        "content_type": content_type,
        "persona": "SCHOLAR",
        "metric": "" if content_type == "come_back_message" else metric,
        "difficulty": "fair" if content_type == "daily_challenge" else "",
        "language": "en",
        "occasion": "weeks" if content_type == "come_back_message" else occasion.get(content_type, ""),
        "variants": 64,
    }
    return Brief(**fields | changes)


def ask(of=None, app=APPS["trading"], **options):
    of = of or brief()
    wanted = {"provider": "openai", "model": "gpt-5.6-luna", "pricing": LUNA, "variants": 10} | options
    return render_request(app, of, FILES[of.content_type], **wanted)


def told(request):
    return json.loads(BETWEEN.search(request.user)[1])


def write(folder, text, name="daily_challenge"):
    (folder / f"{name}.md").write_text(text)
    return folder


def test_there_is_a_prompt_for_every_content_type_and_for_judge_and_verdict():
    assert set(FILES) == {*TYPES, "judge", "verdict"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "# System\n{{voice}} {{brif}}\n# User\n{{brief}}",
            r"system part .*daily_challenge.md.*\{\{brif\}\}.*Known: \{\{voice\}\}",
        ),
        ("# System\n{{voice}}\n# User\n{{breif}}", r"\{\{breif\}\}.*Did you mean \{\{brief\}\}"),
        ("# System\n{{voice}} {{brief}}\n# User\n{{brief}}", r"\{\{brief\}\}.*stays out of the system part"),
        ("# System\n{{voice}}\n# User\nHello", r"user part .* has the slot \{\{brief\}\} not exactly once"),
        ("# System\nHello\n# User\n{{brief}}", r"system part .* has the slot \{\{voice\}\} not exactly once"),
        ("# System\n{{voice}}", r"0 parts '# User'"),
        ("# User\n{{brief}}", r"0 parts '# System'"),
        ("# System\n{{voice}}\n# User\n{{brief}}\n# User\n{{brief}}", r"2 parts '# User'"),
        ("# System\n\n# User\n{{brief}}", r"system part .* is empty"),
        ("# System\n{{rules}} {{voice}}\n# User\n{{brief}}", r"no rules.md"),
        ("", r"0 parts"),
    ],
)
def test_a_broken_prompt_file_is_named_with_its_slot_and_the_known_ones(tmp_path, text, says):
    with pytest.raises(NightquestError, match=f"(?s){says}"):
        read_prompts(write(tmp_path, text))


def test_a_prompt_file_that_is_no_text_and_a_folder_without_any_are_told(tmp_path):
    with pytest.raises(NightquestError, match="no prompt files"):
        read_prompts(tmp_path)
    (tmp_path / "judge.md").write_bytes(b"\xff\xfe# System")
    with pytest.raises(NightquestError, match=r"judge\.md cannot be read"):
        read_prompts(tmp_path)


def test_the_shared_rules_are_part_of_every_writing_prompt_and_of_its_version(tmp_path):
    for path in PROMPTS.glob("*.md"):
        write(tmp_path, path.read_text(), path.stem)
    same = read_prompts(tmp_path)
    assert {name: one.version for name, one in same.items()} == {name: one.version for name, one in FILES.items()}
    write(tmp_path, (PROMPTS / "rules.md").read_text() + "\nBe kind.", RULES)
    changed = {name for name, one in read_prompts(tmp_path).items() if one.version != FILES[name].version}
    assert changed == set(TYPES)


def test_what_stands_above_the_system_part_is_for_people_and_makes_no_version(tmp_path):
    one = read_prompts(write(tmp_path, "# A\n\nNotes.\n\n# System\n{{voice}}\n# User\n{{brief}}"))["daily_challenge"]
    two = read_prompts(write(tmp_path, "# B\n\nOther {{notes}}.\n\n# System\n{{voice}}\n\n# User\n{{brief}}\n"))
    assert one == two["daily_challenge"]
    assert re.fullmatch(r"[0-9a-f]{8}", one.version)
    assert "Notes" not in one.system


@given(st.text(), st.text())
def test_values_are_filled_in_once_and_never_read_again(one, two):
    assert fill("a {{x}} b {{ y }}", {"x": one, "y": two}) == f"a {one} b {two}"


def test_a_value_cannot_smuggle_in_a_slot():
    assert fill("{{x}}|{{y}}", {"x": "{{y}}", "y": "{{x}}"}) == "{{y}}|{{x}}"


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize("content_type", TYPES)
def test_every_content_type_of_every_app_can_be_asked_for(name, content_type):
    app = APPS[name]
    request = ask(brief(content_type, app, persona=next(iter(app.personas))), app)
    data = told(request)
    assert data["content_type"] == request.schema_name == request.purpose == content_type
    assert data["variants"] == 10
    assert "{{" not in request.system + request.user
    assert request.prompt_version == FILES[content_type].version
    assert set(data["slots"]) == {slot for group in data["one_of"] for slot in group}
    assert data["max_chars"]["text"] <= type_of(content_type).form.length
    assert 2048 < request.max_tokens <= 20_000
    if data["task"]:
        assert data["task"].count("{goal_1}") == 1


@pytest.mark.parametrize("content_type", TYPES)
def test_the_system_part_and_the_schema_are_the_same_for_all_briefs_of_a_type(content_type):
    app = APPS["trading"]
    metrics = list(app.badges)[:3] if content_type == "badge_citation" else app.challenges.metrics[:3]
    asked = [
        ask(brief(content_type, persona=persona, metric=metric), variants=n, turn=n, avoid=["A"] * n, again=["b"] * n)
        for n, (persona, metric) in enumerate(zip(app.personas, metrics, strict=False), start=1)
    ]
    asked.append(ask(brief(content_type, profile='{"likes": "tea"}')))
    assert len({one.system for one in asked}) == 1
    assert len({json.dumps(one.schema) for one in asked}) == 1
    assert len({one.key for one in asked}) == len(asked)


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize("prompt", FILES)
def test_a_system_part_is_long_enough_for_caches_and_begins_alike(name, prompt):
    system = system_part(APPS[name], FILES[prompt])
    assert len(system) > 4.35 * 1024  # English has 4.2 to 4.5 characters a token; OpenAI caches from 1,024 tokens on
    assert system == system_part(APPS[name].model_copy(), FILES[prompt])
    if prompt in TYPES:
        assert system.startswith(FILES["tutorial"].system[:4000])


def test_the_system_part_tells_the_voice_and_carries_the_apps_mark():
    app = APPS["trading"]
    system = system_part(app, FILES["daily_challenge"])
    assert all(phrase in system for phrase in app.voice.forbidden)
    assert "the enemy is one's own haste" in system
    assert any(line in system for line in app.voice.lexicon["opening_BRUTE"])
    assert canary_of("trading") in system
    assert canary_of("trading") != canary_of("oulad")
    assert canary_of("trading").isalpha()


def test_the_persona_comes_with_what_moves_it_and_nobody_with_nothing():
    assert "Trusts what can be understood" in told(ask())["persona"]["psychology"]
    assert told(ask(brief(persona="")))["persona"] is None


def test_the_brief_says_what_a_slot_becomes_in_the_language_of_the_text():
    assert "'3 trades' or 'one trade'" in told(ask())["slots"]["goal_1"]
    assert "bis Sonntag, 3. Mai" in told(ask(brief(language="de")))["slots"]["window"]
    assert "die Tage bis Sonntag, 3. Mai" in told(ask(brief(language="de")))["slots"]["period"]
    amount = told(ask(brief("motivational_message", metric="best_drill_score")))["slots"]["amount"]
    assert "best drill score of 610 points" in amount


def test_no_slots_are_asked_for_where_the_occasion_is_none():
    for content_type in ("motivational_message", "badge_citation", "social_prompt"):
        data = told(ask(brief(content_type, occasion="none")))
        assert (data["slots"], data["one_of"], data["task"]) == ({}, [], None)


def test_what_went_wrong_and_what_is_there_already_is_told_and_capped():
    data = told(
        ask(avoid=[f"Title {i}" for i in range(500)], again=["a" * 900, "b", "b"] + [f"r{i}" for i in range(50)])
    )
    assert len(data["avoid"]) <= 60
    assert data["avoid"][-1] == "Title 499"
    assert len(data["again"]["reasons"]) <= 8
    assert len(data["again"]["reasons"][0]) <= 200
    assert data["again"]["reasons"][1:3] == ["b", "r0"]


def test_the_answer_has_room_by_texts_and_for_thought():
    few, many = ask(variants=2), ask(variants=20)
    assert many.max_tokens > few.max_tokens + 18 * 130
    plain = ask(provider="anthropic", model="claude-haiku-4-5", pricing=HAIKU)
    assert plain.effort is None
    assert ask().max_tokens - plain.max_tokens == 2048
    long = "x " * 300
    assert len(json.dumps({"variants": [{"title": "x" * 60, "body": long}] * 30})) / 3.5 < 20_000


def test_a_shipped_price_list_has_room_for_thought_for_every_model():
    assert all(ask(pricing=model).max_tokens > 0 for model in MODELS.values())


def test_only_an_own_brief_has_a_profile():
    assert "profile" not in told(ask())
    assert told(ask(brief(profile='{"likes": "tea", "skill": 3}')))["profile"] == {"likes": "tea", "skill": 3}


def test_nothing_but_the_brief_and_the_app_file_is_told():
    data = brief_data(APPS["trading"], brief(brief_id="f00dfeed12345678"), variants=3)
    assert "f00dfeed" not in json.dumps(data)
    assert set(data) == {
        *("app", "content_type", "language", "variants", "turn", "theme", "tone", "player", "persona", "difficulty"),
        *("occasion", "metric", "task", "slots", "one_of", "badge", "max_chars", "avoid"),
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
    )
)
def test_any_profile_becomes_bounded_data_that_cannot_close_its_tag(value):
    text = as_json({"profile": clean_profile({"p": value})})
    assert "<" not in text
    assert ">" not in text
    assert len(text) < 2500
    assert json.loads(text)["profile"] == clean_profile({"p": value})


@given(st.text(max_size=300), st.integers(1, 90))
def test_cleaning_is_done_once_and_keeps_to_the_limit(text, limit):
    assert len(clean(text, limit)) <= limit
    assert clean(clean(text, 400), 400) == clean(text, 400)
    assert "{" not in clean(text)


def test_cleaning_keeps_what_people_write():
    for text in ("Zoë O'Brien-Łukasz", "Привет, мир", "日本語の名前", "naïve café", "مرحبا", "10 % off: yes/no?"):
        assert clean(text) == text
    assert clean("a\u200bb\u202ec\ufe0fd") == "abcd"
    assert len(clean("z" + "\u0316" * 50)) == 3
    assert clean_data({"a": {"b": {"c": {"d": 1}}}}) == {"a": {"b": {"c": "('d': 1)"}}}


GOOD = [
    (name, text)
    for name in TYPES
    for text in re.findall(r"^Good: (\{.*\})", (PROMPTS / f"{name}.md").read_text(), re.MULTILINE)
]
BAD = [
    (name, text)
    for name in TYPES
    for text in re.findall(r"^Bad: (\{.*\}|\".*?\")(?: |$)", (PROMPTS / f"{name}.md").read_text(), re.MULTILINE)
]


def example(name, text):
    """The brief that an example is for, and its text."""
    found = {"stop-loss": "protected_trades", "journal": "journal_entries", "drill": "drills", "finish": "drills"}
    metric = next((m for words, m in found.items() if words in text.lower()), "journal_entries")
    metric = "mates_helped" if "help {goal_1}" in text.lower() else metric
    metric = "squad_messages" if "send {goal_1}" in text.lower() else metric
    metric = "journal_entries" if "write {goal_1}" in text.lower() else metric
    if name == "badge_citation":
        metric = "iron_stop" if "Iron Stop" in text else "field_medic"
    occasion = {"badge_citation": "shown", "motivational_message": "target"}.get(name, "")
    of = brief(name, metric=metric, occasion="none" if "{" not in text[1:] else occasion)
    if text.startswith("{"):
        drafts, _ = read_drafts(json.dumps({"variants": [json.loads(text)]}), of)
        return of, drafts[0]
    return of, Draft("A Title" if type_of(name).form.title else "", text.strip('"'))


@pytest.mark.parametrize(("name", "text"), GOOD)
def test_every_good_example_of_a_prompt_would_go_out(name, text):
    of, draft = example(name, text)
    assert check(APPS["trading"], of, draft) == []


@pytest.mark.parametrize(("name", "text"), BAD)
def test_every_bad_example_of_a_prompt_is_refused(name, text):
    of, draft = example(name, text)
    assert check(APPS["trading"], of, draft) != []


def test_every_prompt_shows_good_and_bad_examples():
    assert {name for name, _ in GOOD} == {name for name, _ in BAD} == set(TYPES)
    assert min(sum(name == other for other, _ in GOOD) for name in TYPES) >= 1


def test_an_app_without_a_voice_of_its_own_can_be_written_for():
    app = make_app()
    request = ask(brief(app=app, persona="", metric="solved"), app)
    assert "puzzles" in request.system
    assert told(request)["task"] == "solve {goal_1}"


def test_a_schema_names_every_property_as_required_and_no_others():
    for content_type in TYPES:
        entry = answer_schema(content_type)["properties"]["variants"]["items"]
        assert entry["additionalProperties"] is False
        assert entry["required"] == list(entry["properties"])


def test_a_prompt_from_elsewhere_is_checked_alike():
    with pytest.raises(NightquestError, match="version 3"):
        check_prompt(Prompt("judge", "{{voice}}", "{{brief}}"), "version 3")

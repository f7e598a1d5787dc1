"""The page about the app file says every key, and its examples work."""

import re
from pathlib import Path

import pytest
import yaml

from configs.loader import export_schema, load_app
from configs.reference import APPS_PAGE, with_reference, write_reference
from configs.yaml_file import read_yaml
from tests.factories import APP

PAGE = APPS_PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_page_has_the_keys_of_the_schema():
    assert with_reference(PAGE, export_schema()) == PAGE, "run: make schema"


def test_page_written_twice_is_the_same(tmp_path):
    page = tmp_path / "apps.md"
    page.write_text(PAGE, encoding="utf-8")
    write_reference(page)
    write_reference(page)
    assert page.read_text(encoding="utf-8") == PAGE


def test_every_key_has_a_meaning():
    rows = [line for line in PAGE.splitlines() if re.match(r"\| `\w+` \|", line)]
    schema = export_schema()
    keys = [key for section in (schema, *schema["$defs"].values()) for key in section["properties"]]
    assert len(rows) >= len(keys)
    assert [row for row in rows if row.rstrip(" |").endswith("|")] == []


def test_smallest_file_of_the_page_is_an_app(tmp_path: Path):
    path = tmp_path / "puzzles.yaml"
    path.write_text(EXAMPLES[0], encoding="utf-8")
    assert load_app(path).app.title == "Puzzle Garden"


@pytest.mark.parametrize("text", EXAMPLES[2:], ids=lambda text: text.split(":")[0])
def test_other_examples_of_the_page_fit_into_an_app_file(tmp_path: Path, text: str):
    path = tmp_path / "toy.yaml"
    path.write_text(text, encoding="utf-8")
    part = read_yaml(path).content
    path.write_text(yaml.safe_dump(APP | part), encoding="utf-8")
    assert set(part) <= load_app(path).app.model_fields_set

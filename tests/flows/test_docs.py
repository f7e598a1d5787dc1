"""What the documents say, held against the code."""

import re

import pytest

from configs.settings import OF_PROVIDERS, PREFIX, Settings
from flows.cli.command import cli
from flows.cli.main import run_command
from models.language.offers import find_offer
from models.language.providers import provider_names
from tests.flows.world import ROOT

PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_every_place_that_the_architecture_names_exists():
    places = re.findall(r"`((?:configs|data|models|pipelines|flows|tests|docs)/[\w./*-]+)`", text_of("ARCHITECTURE.md"))
    assert len(places) > 20
    assert [place for place in places if not list(ROOT.glob(place))] == []


def test_every_setting_is_documented_and_none_besides():
    told = set(re.findall(rf"^\| `({PREFIX}\w+)`", text_of("docs/operations.md"), re.MULTILINE))
    of_all = {f"{name}_{what}" for name in provider_names() for what in OF_PROVIDERS if what != "api"}
    of_all |= {f"{name}_api" for name in provider_names() if find_offer(name).apis}
    assert told == {PREFIX + name.upper() for name in {*Settings.model_fields, *of_all}} | {"NIGHTQUEST_DEBUG"}


def test_the_readme_names_every_command():
    told = re.findall(r"^\| `([a-z-]+)", text_of("README.md"), re.MULTILINE)
    assert set(told) == {name for name in cli if not name.startswith("-")}


def test_the_readmes_app_file_is_right(tmp_path, capsys):
    path = tmp_path / "my_app.yaml"
    path.write_text(text_of("README.md").split("```yaml")[1].split("```")[0])
    assert run_command(["check", str(path)]) == 0, capsys.readouterr().err


def test_the_shops_files_of_the_page_on_ingest_go_from_its_log_to_its_warehouse(tmp_path, capsys):
    page = text_of("docs/ingest.md").split("## Sources")[1]
    for name, kind in {"purchases.csv": "csv", "shop.yaml": "yaml", "shop.sql": "sql"}.items():
        (tmp_path / name).write_text(page.split(f"```{kind}\n")[1].split("```")[0])
    shop, home = str(tmp_path / "shop.yaml"), ["--home", str(tmp_path / "home")]
    for line in (["check", shop], ["ingest", shop, str(tmp_path / "purchases.csv"), "--history", "--json"]):
        assert run_command([*line, *home]) == 0, capsys.readouterr().err
    assert '"taken": 1, "known": 0, "refused": 0' in capsys.readouterr().out


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md", "docs/ingest.md", "docs/new-app.md"])
def test_every_command_line_of_a_page_is_accepted(page):
    lines = re.findall(r"^nightquest (.+?)(?:\s+#.*)?$", text_of(page), re.MULTILINE)
    assert lines
    for line in lines:
        cli.parse_args(line.split(), exit_on_error=False, print_error=False)


def test_every_make_target_of_a_page_exists():
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    told = {target for page in PAGES for target in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE)}
    assert told
    assert told - targets == set()

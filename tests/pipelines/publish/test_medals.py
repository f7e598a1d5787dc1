"""Medals: one for each tier and category that badges have, well-formed, told apart, written only when they change."""

import itertools
import json
import re
from xml.etree import ElementTree as ET

from configs.app import App
from configs.loader import load_app, shipped_apps
from pipelines.publish.medals import draw_medals, medal_files, write_medals
from tests.factories import make_app

SVG = "{http://www.w3.org/2000/svg}"


def app_of(*kinds: tuple[str, str]) -> App:
    plain = {"when": "solved >= 1"}
    badges = {
        f"b{i}": {"title": "B", "tier": tier, "category": category, **plain} for i, (tier, category) in enumerate(kinds)
    }
    return make_app(badges=badges)


def test_every_badge_of_every_shipped_app_has_a_medal_that_tells_its_tier_and_category() -> None:
    for name in shipped_apps():
        app = load_app(name).app
        drawn, files = draw_medals(app), medal_files(app)
        assert set(files) == set(app.badges)
        assert set(files.values()) == set(drawn)
        for badge_id, file in files.items():
            root = ET.fromstring(drawn[file])  # noqa: S314 - made here
            badge = app.badges[badge_id]
            assert root.findtext(f"{SVG}title") == f"{badge.tier.title()}: {badge.category}"
            dots = [one for one in root.iter(f"{SVG}circle") if one.get("r") == "3.5"]
            assert len(dots) == 1 + ["bronze", "silver", "gold", "platinum"].index(badge.tier)


def test_categories_have_emblems_of_their_own_and_tiers_rims_of_their_own() -> None:
    categories = ["reading", "books", "odd", "", "odder", "streaks"]
    tiers = ["bronze", "silver", "gold", "platinum"]
    drawn = draw_medals(app_of(*itertools.product(tiers, categories)))
    assert len(drawn) == 24
    emblems = {name: re.findall(r'<path d="([^"]+)" transform', svg)[0] for name, svg in drawn.items()}
    rims = {name: re.findall(r'<path d="([^"]+)" fill="url\(#metal\)"', svg)[0] for name, svg in drawn.items()}
    assert len(set(emblems.values())) == 6
    assert len(set(rims.values())) == 4
    assert len({(emblems[name], rims[name]) for name in drawn}) == 24
    book = draw_medals(app_of(("gold", "other"), ("gold", "reading")))["gold-reading.svg"]
    assert emblems["gold-reading.svg"] in book, "a word of its category chooses the emblem, whatever comes first"


def test_what_a_category_says_can_neither_break_a_medal_nor_leave_its_folder() -> None:
    drawn = draw_medals(app_of(("gold", "<script>&\"'"), ("gold", "../../etc"), ("gold", "Étoile"), ("gold", "étoile")))
    assert len(drawn) == 4
    assert all(re.fullmatch(r"gold-[a-z0-9-]+\.svg", name) for name in drawn)
    assert all(ET.fromstring(svg) is not None for svg in drawn.values())  # noqa: S314 - made here


def test_medals_lie_beside_the_nights_with_an_index_and_are_written_once(tmp_path) -> None:
    app = app_of(("gold", "reading"), ("bronze", "reading"))
    folder = write_medals(tmp_path, app)
    assert folder == tmp_path / "published" / "toy" / "medals"
    told = json.loads((folder / "index.json").read_text())
    assert [row["xp"] for row in told] == [400, 50]
    index = {row["badge_id"]: row["medal"] for row in told}
    assert index == {"b0": "gold-reading.svg", "b1": "bronze-reading.svg"}
    written = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert set(written) == {"index.json", *index.values()}
    write_medals(tmp_path, app)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == written

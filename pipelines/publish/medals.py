"""Medals that an app can show from the first night on: an SVG for each tier and category of its badges.

They lie beside the nights, in `published/<app>/medals/`, with the app's catalogue of badges in `index.json`. Metal, rim
and dots tell the tier, ribbon and emblem the category. A file is written anew only when it has changed.
"""

import json
import math
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import yaml

from configs.app import App
from configs.loader import CONFIGS
from pipelines.badges.rules.award import badge_xp
from pipelines.publish.disk import Disk, write_whole
from pipelines.publish.published import published_root

FOLDER, INDEX = "medals", "index.json"
_RADIUS = 84.0
_TURN = 137.5  # degrees between the ribbons' hues, so that neighbours differ
_TIERS = ("bronze", "silver", "gold", "platinum")


def write_medals(home: Path, app: App) -> Path:
    """Write the medals of an app's badges and their index; what is there and the same is left alone."""
    disk, folder = Disk(), published_root(home, app.app) / FOLDER
    disk.make_folder(folder)
    files = {name: text.encode() for name, text in draw_medals(app).items()}
    files[INDEX] = f"{json.dumps(catalogue(app), indent=2, ensure_ascii=False)}\n".encode()
    for name, data in files.items():
        if not (folder / name).is_file() or (folder / name).read_bytes() != data:
            write_whole(disk, folder / name, data)
    return folder


def catalogue(app: App) -> list[dict[str, object]]:
    """What an app shows of each badge, the most prestigious first: its words, rank, pay and medal."""
    files = medal_files(app)
    ranked = sorted(app.badges.items(), key=lambda item: (-item[1].prestige, -_TIERS.index(item[1].tier)))
    return [
        {
            "badge_id": name,
            **badge.model_dump(include={"title", "description", "tier", "category", "prestige", "state", "hidden"}),
            "series": badge.series,
            "requires": badge.requires,
            "repeats": badge.repeat is not None,
            "xp": badge_xp(app, name),
            "medal": files[name],
        }
        for name, badge in ranked
    ]


def medal_files(app: App) -> dict[str, str]:
    """The file of each badge's medal, by badge_id."""
    slugs = _slugs(app)
    return {name: f"{badge.tier}-{slugs[badge.category]}.svg" for name, badge in app.badges.items()}


def draw_medals(app: App) -> dict[str, str]:
    """The medals of an app as SVG, by file name: one for each tier and category that its badges have."""
    emblems, slugs = _emblems(app), _slugs(app)
    places = {category: place for place, category in enumerate(slugs)}
    wanted = dict.fromkeys((badge.tier, badge.category) for badge in app.badges.values())
    return {
        f"{tier}-{slugs[category]}.svg": _draw(tier, category, emblems[category], places[category])
        for tier, category in wanted
    }


def _draw(tier: str, category: str, emblem: str, place: int) -> str:
    parts, template = _parts()
    metal, hue = parts["tiers"][tier], round(place * _TURN) % 360
    dots = _TIERS.index(tier) + 1
    pips = "".join(f'<circle cx="{12 * i - 6 * (dots - 1)}" cy="46" r="3.5"/>' for i in range(dots))
    return template.substitute(
        {name: metal[name] for name in ("light", "metal", "dark", "ink")},
        title=escape(f"{tier.title()}: {category}"),
        ribbon=f"hsl({hue} 55% 45%)",
        shade=f"hsl({hue} 55% 36%)",
        rim=_rim(metal["points"], metal["depth"]),
        emblem=emblem,
        pips=pips,
    )


def _rim(points: int, depth: float) -> str:
    """A circle, or a star of so many points."""
    if not points:
        return (
            f"M0-{_RADIUS:g}A{_RADIUS:g} {_RADIUS:g} 0 1 1 0 {_RADIUS:g} {_RADIUS:g} {_RADIUS:g} 0 1 1 0-{_RADIUS:g}Z"
        )
    corners = []
    for i in range(2 * points):
        radius, angle = _RADIUS + 6 - (depth if i % 2 else 0), math.pi * i / points
        corners.append(f"{radius * math.sin(angle):.1f} {-radius * math.cos(angle):.1f}")
    return f"M{'L'.join(corners)}Z"


def _emblems(app: App) -> dict[str, str]:
    """Each category's emblem: one with a word of it, else the next that is free; past the last they come again."""
    parts, _ = _parts()
    free = {one["name"]: one for one in parts["emblems"]}
    chosen: dict[str, str] = {}
    categories = list(_slugs(app))
    for category in categories:
        words = set(re.findall(r"\w+", category.lower()))
        words |= {word.removesuffix("s") for word in words} | {word.removesuffix("es") for word in words}
        fits = next((one for one in free.values() if words & {*one["words"], one["name"]}), None)
        if fits:
            chosen[category] = free.pop(fits["name"])["path"]
    rest = [*free.values(), *parts["emblems"]]
    others = [category for category in categories if category not in chosen]
    return chosen | {category: rest[i % len(rest)]["path"] for i, category in enumerate(others)}


def _slugs(app: App) -> dict[str, str]:
    """A word for each category that a file name can have; no two are alike."""
    slugs: dict[str, str] = {}
    for badge in app.badges.values():
        if badge.category not in slugs:
            slug = re.sub(r"[^a-z0-9]+", "-", badge.category.lower()).strip("-")[:40]
            slugs[badge.category] = slug if slug and slug not in slugs.values() else f"{slug}-{len(slugs)}".strip("-")
    return slugs


@cache
def _parts() -> tuple[Mapping[str, Any], Template]:
    parts = yaml.safe_load((CONFIGS / "medals.yaml").read_text(encoding="utf-8"))
    return parts, Template((CONFIGS / "medal.svg").read_text(encoding="utf-8"))

"""What views are made of: tables, figures and texts, as people read them on a terminal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

TIER_STYLES = {"bronze": "orange3", "silver": "grey70", "gold": "gold1", "platinum": "bright_cyan"}
BAR_CELLS = 10
_STYLE: dict[str, Any] = {
    "box": box.SIMPLE_HEAD,
    "header_style": "dim",
    "padding": (0, 1, 0, 0),
    "pad_edge": False,
}


def note(text: str, style: str = "yellow") -> Text:
    """What a person should know, on one line however long, so that a command in it can be copied."""
    return Text(text, style=style, no_wrap=True, overflow="ignore")


def literal(value: object, style: str = "") -> Text:
    """Any value as text that cannot style or move anything on a terminal."""
    text = "" if value is None else str(value)
    return Text(
        "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text), style=style
    )


def shorten(path: Path) -> Path:
    """A path as seen from here, when that is shorter."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


class Grid(Table):
    """A table that cuts nothing off: headers keep their words whole, and cells break where there is no room."""

    def __init__(self, *headers: str, **options: Any) -> None:
        super().__init__(**_STYLE | options)
        for header in headers:
            self.add_column(header)

    def add_column(self, header: RenderableType = "", *args: Any, **options: Any) -> None:
        """As rich's, with a width for the longest word of the header, and without an ellipsis."""
        longest = max(map(len, str(header).split()), default=1)
        usual: dict[str, Any] = {"overflow": "fold", "min_width": longest}
        super().add_column(header, *args, **usual | options)


def titled(title: str, *columns: tuple[str, Any]) -> Table:
    """A grid under a title; of each column its header and the side that its cells keep to."""
    table = Grid(title=title, title_justify="left", title_style="bold")
    for name, side in columns:
        table.add_column(name, justify=side)
    return table


def figures_table(title: str, figures: Mapping[str, Any]) -> RenderableType:
    """Figures by name, for people: what there is none of is left out, lists are left to tables of their own."""
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name, value in figures.items():
        inner = {f"{name}, {key}": part for key, part in value.items()} if isinstance(value, Mapping) else {name: value}
        for told, part in inner.items():
            if not isinstance(part, list) and (type(part) is not int or part):
                table.add_row(told.replace("_", " "), readable(part))
    return Group(Text(title, style="bold"), table, "")


def figure(value: float) -> str:
    """A number as people read it: thousands apart, at most two decimals (four below 1), no needless zero."""
    places = 4 if 0 < abs(value) < 1 else 2
    whole, point, rest = f"{value:,.{places}f}".partition(".")
    return whole + (point + rest).rstrip("0").rstrip(".")


def readable(value: object) -> str:
    """A figure as people read it."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    return figure(value) if isinstance(value, float) else str(value)


def part_done(share: float) -> str:
    """How far something is: what is not done is never 100 %."""
    return f"{min(share, 0.99) if share < 1 else share:.0%}"


def bar(share: float) -> Text:
    """How far it is; what is not done is never 100 %."""
    filled = int(share * BAR_CELLS)
    return Text.assemble(("━" * filled, "green"), ("─" * (BAR_CELLS - filled), "grey37"), f" {part_done(share)}")

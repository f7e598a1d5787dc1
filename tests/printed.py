"""What a person sees on a terminal."""

import io

from rich.console import Console, RenderableType


def printed(shown: RenderableType, width: int = 120) -> str:
    """The plain text of what a view draws."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(shown)
    return console.file.getvalue()  # type: ignore[attr-defined]

"""The toy app as a file, and what is wrong with a changed one."""

from pathlib import Path

import pytest
import yaml

from configs.errors import AppFileError
from configs.loader import LoadedApp, load_app
from tests.factories import APP

TOY = yaml.safe_dump(APP, sort_keys=False)


def load(folder: Path, text: str) -> LoadedApp:
    path = folder / "toy.yaml"
    path.write_text(text, encoding="utf-8")
    return load_app(path)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(AppFileError) as caught:
        load(folder, text)
    return str(caught.value).splitlines()


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part.splitlines()[-1] in line)

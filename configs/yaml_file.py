"""YAML as people expect it: `on` and `no` are words, 04:00 is a time, a key stands once, every key has a line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.cyaml import CParser
from yaml.resolver import Resolver

from configs.errors import AppFileError

MAX_BYTES = 1_000_000
MAX_PARTS = 100_000


class _Loader(Composer, CParser, SafeConstructor, Resolver):  # type: ignore[misc]  # PyYAML ships no types
    """SafeLoader with the scalars of YAML 1.2 and the merge key `<<` of 1.1.

    libyaml reads the text, in a fifth of the time; PyYAML's own Composer takes it from there, since that of the
    C parser has no end to how deeply it follows a file.
    """

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
    ("merge", r"^<<$", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), [*_first, ""])


@dataclass(frozen=True)
class YamlFile:
    """A parsed file that still knows where each key stands."""

    path: Path
    content: dict[str, Any]
    root: yaml.MappingNode

    def line(self, keys: Sequence[str | int]) -> int:
        """The 1-based line of the deepest part of a key path that exists."""
        node: yaml.Node = self.root
        line = 1
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            line, node = found
        return line


def read_yaml(path: Path) -> YamlFile:
    """Read one YAML file with a mapping at its top.

    Raises:
        AppFileError: It is missing, too long, not UTF-8, not YAML, not a mapping, has a key twice, is too deep, or
            swells by its anchors.
    """
    text = _text(path)
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise AppFileError(f"{path}: holds no mapping of keys to values.", "Start with `app: <name>`.")
        _refuse_twins(path, root)
        _refuse_swelling(path, root)
        return YamlFile(path, loader.construct_document(root), root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}" if mark else ""
        raise AppFileError(
            f"{path}{where}: is not valid YAML: {error.problem}.", "Check indentation, colons and quotes around there."
        ) from None
    except RecursionError:
        raise AppFileError(f"{path}: is nested too deeply.", "An app file is a few levels deep.") from None
    except ValueError as error:
        raise AppFileError(f"{path}: holds a value that cannot be read: {error}.", "Write a shorter one.") from None
    except yaml.YAMLError as error:
        raise AppFileError(
            f"{path}: is not valid YAML: {str(error).splitlines()[0]}.", "Save it as plain text."
        ) from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise AppFileError(f"{path}: is longer than {MAX_BYTES:,} bytes.", "An app file is a few hundred lines.")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise AppFileError(f"{path}: is not UTF-8 text (byte {error.start}).", "Save it as UTF-8.") from None
    except OSError as error:
        raise AppFileError(
            f"{path}: cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from None


def _refuse_twins(path: Path, root: yaml.Node) -> None:
    stack, seen_nodes = [root], set()
    while stack:
        node = stack.pop()
        if id(node) in seen_nodes:
            continue
        seen_nodes.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
        if isinstance(node, yaml.MappingNode):
            first: dict[str, int] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                if str(key.value) in first:
                    raise AppFileError(
                        f"{path}:{line}: '{key.value}' stands twice here, first on line {first[str(key.value)]}.",
                        "Keep one of them.",
                    )
                first[str(key.value)] = line
                stack.append(value)


def _refuse_swelling(path: Path, root: yaml.Node) -> None:
    """Refuse a small file that anchors make huge, or that holds itself, before it is built."""
    sizes: dict[int, int | None] = {}

    def size(node: yaml.Node) -> int:
        if id(node) in sizes:
            known = sizes[id(node)]
            if known is None:
                raise AppFileError(
                    f"{path}:{node.start_mark.line + 1}: a part holds itself through its anchor.", "Write it out."
                )
            return known
        sizes[id(node)] = None
        parts = node.value if isinstance(node, yaml.SequenceNode) else ()
        parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else parts
        sizes[id(node)] = total = 1 + sum(map(size, parts))
        return total

    if size(root) > MAX_PARTS:
        raise AppFileError(
            f"{path}: is more than {MAX_PARTS:,} parts once its anchors are followed.", "Use fewer anchors."
        )


def _child(node: yaml.Node, key: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in reversed(node.value):  # what `<<` merged in stands before the keys written here
            if name.value == str(key):
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key].start_mark.line + 1, node.value[key]
    return None

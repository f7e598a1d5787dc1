"""Which Nightquest this is."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

UNINSTALLED = "0"
ROOT = Path(__file__).parent.parent
PACKAGES = ("configs", "data", "flows", "models", "pipelines")
CODE = frozenset({".py", ".sql", ".yaml", ".md", ".json"})


@cache
def code_version() -> str:
    """The installed version and a hash of the code that runs, which a checkout changes: `0.1.0+3f2a9c1b`."""
    try:
        installed = version("nightquest")
    except PackageNotFoundError:
        installed = UNINSTALLED
    return f"{installed}+{code_hash(ROOT)}"


def code_hash(root: Path) -> str:
    """Eight hex digits of SHA-256 over the names and bytes of all code, SQL, prompts and shipped files under a root."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in CODE:
                data = path.read_bytes()
                digest.update(f"{path.relative_to(root).as_posix()} {len(data)}\n".encode() + data)
    return digest.hexdigest()[:8]

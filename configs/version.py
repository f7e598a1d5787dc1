"""Which Nightquest this is."""

from importlib.metadata import PackageNotFoundError, version

UNINSTALLED = "0+checkout"


def code_version() -> str:
    """The installed version; a checkout that was never installed says so."""
    try:
        return version("nightquest")
    except PackageNotFoundError:
        return UNINSTALLED

"""What comes with Nightquest: the apps in configs/apps. Light, since every command's help names them."""

from pathlib import Path

APPS = Path(__file__).parent / "apps"


def shipped_apps() -> list[str]:
    """Names of the apps in configs/apps, in order."""
    return sorted(path.stem for path in APPS.glob("*.yaml"))

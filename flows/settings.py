"""The settings, as every flow and command reads them: none is misspelt, also of those that providers are told."""

from pathlib import Path

from configs.settings import Settings, load_settings
from models.language.offers import check_settings


def read_settings(home: Path | None = None) -> Settings:
    """Read the settings; `home` wins over the environment.

    Raises:
        NightquestError: A NIGHTQUEST_ variable is unknown, its value is not allowed, or it is for no provider.
    """
    return check_settings(load_settings(home))

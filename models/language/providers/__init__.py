"""The providers of language models, found by the files of this folder: `<name>.py` holds the one of that name.

A new provider is one new file with a `Provider` (provider.py) in it, and its price list beside it, `<name>.yaml`. It is
hired once NIGHTQUEST_<NAME>_API_KEY is set; configs/settings.py has what else it is told.
"""

from configs.rooms import names_in

_SHARED = frozenset({"answers", "provider", "sdk"})  # what the files of providers have in common


def provider_names() -> list[str]:
    """The providers that there is a file for, in order of name; none is loaded.

    Raises:
        NightquestError: Two folders have a file of one name.
    """
    return names_in(__name__, _SHARED)

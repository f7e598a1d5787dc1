"""Who writes for each arm of a night: providers with a key, their models, and the prompts that serve."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from configs.app import App
from configs.errors import NightquestError
from configs.kinds import Writer
from configs.language import VENDORS, LanguageModel, LanguageModels, Vendor
from configs.prompt import Prompt
from configs.settings import Settings
from configs.written import Content
from pipelines.experiments.arms import Arm, Trial, choose_arms
from pipelines.words.writers.jobs import Pen, Team

# The prompts that hold an alias, and what a person should know of them.
PromptsOf = Callable[[str], tuple[Mapping[str, Prompt], tuple[str, ...]]]


@dataclass(frozen=True)
class Crew:
    """The arms of a night with their writers.

    Attributes:
        teams: By arm; an arm that the offline writer serves has none.
        notes: What a person should know.
    """

    trial: Trial
    teams: Mapping[str, Team]
    notes: tuple[str, ...] = ()

    def by_name(self, app: App) -> dict[str, Team]:
        """The teams by what briefs call them; see `Team.name`."""
        return {team.name(kind): team for team in self.teams.values() for kind in app.content.types}


def vendor_keys(settings: Settings) -> tuple[Vendor, ...]:
    """The providers that have a key."""
    keys = {"openai": settings.openai_api_key, "anthropic": settings.anthropic_api_key}
    return tuple(name for name in VENDORS if (key := keys[name]) and key.get_secret_value().strip())


def chosen_models(settings: Settings, models: LanguageModels) -> dict[Vendor, tuple[str, LanguageModel]]:
    """The model of each provider that has a key, by name and with its prices.

    Raises:
        NightquestError: A model has no price, or is another provider's.
    """
    keys, named = vendor_keys(settings), settings.chosen_models()
    return {vendor: (named[vendor], models.priced(named[vendor], vendor)) for vendor in keys}


def require_writers(settings: Settings, content: Content, provider: Writer | None = None) -> None:
    """Refuse what `gather_crew` would refuse, before there is anything to write.

    Args:
        settings: Keys and models.
        content: The app's section.
        provider: Who writes this time, whatever the app file says.

    Raises:
        NightquestError: A provider was asked for that has no key, or a model without a price.
    """
    choose_arms(content, chosen_models(settings, settings.priced_models(content.prices)), provider=provider)


def require_keys(settings: Settings, app: App, provider: Writer | None = None) -> None:
    """Refuse an app whose words nobody but the offline writer could write.

    Raises:
        NightquestError: No provider that would be asked has a key.
    """
    trial = choose_arms(app.content, vendor_keys(settings), provider=provider)
    if all(arm.provider == "offline" for arm in trial.arms):
        raise NightquestError(
            f"Nobody has a key to write for '{app.app}', so there is nothing to send.",
            "Set NIGHTQUEST_OPENAI_API_KEY or NIGHTQUEST_ANTHROPIC_API_KEY.",
        )


def gather_crew(settings: Settings, models: LanguageModels, trial: Trial, prompts_of: PromptsOf) -> Crew:
    """Give every arm its writers.

    Args:
        settings: Which models.
        models: Their prices.
        trial: The arms.
        prompts_of: From an alias to the prompts that hold it.

    Raises:
        NightquestError: A model has no price, or is another provider's.
    """
    chosen = chosen_models(settings, models)
    served: dict[str, Mapping[str, Prompt]] = {}
    notes: list[str] = list(trial.notes)
    notes += [
        f"{name} has no known price and counts as ${model.output_usd:g} a million tokens, the ceiling set."
        for name, model in chosen.values()
        if model.assumed
    ]
    for alias in dict.fromkeys(arm.prompt for arm in trial.arms if arm.provider != "offline"):
        served[alias], told = prompts_of(alias)
        notes += told

    def pen(vendor: Vendor, arm: Arm) -> Pen:
        return Pen(vendor, *chosen[vendor], served[arm.prompt])

    teams = {
        arm.name: Team(
            tuple(pen(vendor, arm) for vendor in VENDORS if vendor in arm.writers),
            tuple(pen(vendor, arm) for vendor in VENDORS if vendor in arm.fallback),
        )
        for arm in trial.arms
        if arm.provider != "offline"
    }
    return Crew(trial, teams, tuple(notes))

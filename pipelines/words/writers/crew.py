"""Who writes for each arm of a night: providers with a key, their models, and the prompts that serve."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from configs.app import App
from configs.content import Content
from configs.errors import NightquestError
from configs.kinds import Writer
from configs.language import LanguageModel, LanguageModels
from configs.prompt import Prompt
from configs.settings import PREFIX, Settings
from models.language.offers import chosen_models, find_faults, names_with_key, priced_models
from models.language.providers import provider_names
from pipelines.experiments.arms import OFFLINE, Arm, AvailableProviders, Trial, choose_arms
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


def find_available(settings: Settings, *, load: bool = False) -> AvailableProviders:
    """Who has a key; loaded, also who can be used. Loading takes seconds where a provider has an SDK."""
    named = names_with_key(settings)
    faults = find_faults(named) if load else {}
    return AvailableProviders(tuple(name for name in named if name not in faults), faults)


def models_of(settings: Settings, names: Iterable[str], models: LanguageModels) -> dict[str, tuple[str, LanguageModel]]:
    """The model of each of these providers, by name and with its prices.

    Raises:
        NightquestError: A model has no price, or is another provider's.
    """
    chosen = chosen_models(settings)
    return {name: (chosen[name], models.priced(chosen[name], name)) for name in names if name in chosen}


def require_writers(settings: Settings, content: Content, provider: Writer | None = None) -> None:
    """Refuse what `gather_crew` would refuse, before there is anything to write.

    Args:
        settings: Keys and models.
        content: The app's section.
        provider: Who writes this time, whatever the app file says.

    Raises:
        NightquestError: A provider was asked for that has no key, or a model without a price.
    """
    available = find_available(settings)
    models_of(settings, available.able, priced_models(settings, content.prices))
    choose_arms(content, available, provider=provider)


def require_keys(settings: Settings, app: App, provider: Writer | None = None) -> None:
    """Refuse an app whose words nobody but the offline writer could write.

    Raises:
        NightquestError: No provider that would be asked has a key.
    """
    trial = choose_arms(app.content, find_available(settings), provider=provider)
    if all(arm.provider == OFFLINE for arm in trial.arms):
        raise NightquestError(
            f"Nobody has a key to write for '{app.app}', so there is nothing to send.",
            f"Set {' or '.join(f'{PREFIX}{name.upper()}_API_KEY' for name in provider_names())}.",
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
    asked = [name for arm in trial.arms for name in (*arm.writers, *arm.fallback) if name != OFFLINE]
    chosen = models_of(settings, dict.fromkeys(asked), models)
    served: dict[str, Mapping[str, Prompt]] = {}
    notes: list[str] = list(trial.notes)
    notes += [
        f"{name} has no known price and counts as ${model.output_usd:g} a million tokens, the ceiling set."
        for name, model in chosen.values()
        if model.assumed
    ]
    for alias in dict.fromkeys(arm.prompt for arm in trial.arms if arm.provider != OFFLINE):
        served[alias], told = prompts_of(alias)
        notes += told

    def pens(names: Iterable[str], arm: Arm) -> tuple[Pen, ...]:
        return tuple(Pen(name, *chosen[name], served[arm.prompt]) for name in names if name != OFFLINE)

    teams = {
        arm.name: Team(pens(arm.writers, arm), pens(arm.fallback, arm)) for arm in trial.arms if arm.provider != OFFLINE
    }
    return Crew(trial, teams, tuple(notes))

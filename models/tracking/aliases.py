"""Who serves, who challenged last and who waits for review: aliases of a registered model, which people move, too."""

from typing import Any

from models.contest.outcome import Decision
from models.tracking.pages import ModelRun
from models.tracking.versions import PROMOTION
from models.tracking.which_serves import PROMOTED, Candidate

CHAMPION, CHALLENGER, REVIEW = "champion", "challenger", "review"
CHALLENGED = "challenged"  # tag of a version: how often others were compared with it while it served
CHOSEN = "champion_seen"  # tag of a registered model: the champion as training last left or found it


class Aliases:
    """The aliases of registered models.

    Args:
        client: MLflow's client.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def registered(self, name: str) -> Any:
        """The registered model, or None."""
        found = self._client.search_registered_models(filter_string=f"name = '{name}'", max_results=1)
        return found[0] if found else None

    def holder(self, name: str, alias: str) -> int | None:
        """The version that holds an alias, or None."""
        registered = self.registered(name)
        version = registered.aliases.get(alias) if registered else None
        return None if version is None else int(version)

    def decide(self, name: str, version: str, run: ModelRun, *, review: bool) -> tuple[Decision, bool]:
        """What becomes of a new version, which is written down, and whether it is proposed to a person.

        Args:
            name: Of the registered model.
            version: The new one.
            run: Its training, with what the contest said.
            review: A person alone moves `champion`.
        """
        later = self._before_champion(name, run)
        decision = later or (self._reviewed if review else self._unreviewed)(name, run.decision)
        if later and run.decision.promote and not review:
            self._client.set_model_version_tag(name, version, PROMOTED, "for nights before the champion's")
        proposed = review and not later and decision.promote
        decision = Decision(promote=decision.promote and not review, reason=decision.reason)
        self._client.set_model_version_tag(name, version, "reason", decision.reason)
        if run.challenges is not None:
            tried, served = str(run.challenges[1] + 1), str(run.challenges[0])
            self._client.set_model_version_tag(name, served, CHALLENGED, tried)
        return decision, proposed

    def move(self, name: str, version: str, decision: Decision, *, proposed: bool) -> None:
        """Give a new version the aliases that were decided on."""
        self._client.set_registered_model_alias(name, CHALLENGER, version)
        if proposed:
            self._client.set_registered_model_alias(name, REVIEW, version)
        elif self.holder(name, REVIEW) == self.holder(name, CHAMPION):
            self._client.delete_registered_model_alias(name, REVIEW)
        if decision.promote:
            self._client.set_registered_model_alias(name, CHAMPION, version)
            self._client.set_registered_model_tag(name, CHOSEN, version)
            self._client.set_model_version_tag(name, version, PROMOTED, "by its contest")

    def _reviewed(self, name: str, decision: Decision) -> Decision:
        """Whether a person should review a version; what they chose since the last training is written down."""
        registered = self.registered(name)
        champion, seen = str(registered.aliases.get(CHAMPION, "none")), registered.tags.get(CHOSEN, "none")
        if champion != seen:
            self._client.set_registered_model_tag(name, CHOSEN, champion)
            if champion != "none":
                self._client.set_model_version_tag(name, champion, PROMOTED, "by a person")
        if champion == "none":
            return Decision(
                promote=True, reason=f"waits for review, as none serves; the contest said: {decision.reason}"
            )
        return Decision(
            decision.promote, f"waits for review: {decision.reason}" if decision.promote else decision.reason
        )

    def _before_champion(self, name: str, run: ModelRun) -> Decision | None:
        """What becomes of a version trained as of a day before the champion's: at best it serves until then."""
        champion = self.holder(name, CHAMPION)
        if champion is None or run.first_night is None:
            return None
        since = Candidate.of(champion, self._client.get_model_version(name, str(champion)).tags).first_night
        if since is None or since <= run.first_night:
            return None
        until = f"for nights from {run.first_night} to {since}, from which on version {champion} may serve"
        return Decision(promote=False, reason=until if run.decision.promote else f"not {until}: {run.decision.reason}")

    def _unreviewed(self, name: str, decision: Decision) -> Decision:
        """What the contest says, unless this is the first version or a person has chosen."""
        registered = self.registered(name)
        champion, seen = str(registered.aliases.get(CHAMPION, "none")), registered.tags.get(CHOSEN)
        if seen is None and champion == "none":
            return Decision(promote=True, reason=f"it is the first version; the contest said: {decision.reason}")
        if registered.tags.get(PROMOTION) != "manual" and champion in (seen, None):
            return decision
        self._client.set_registered_model_tag(name, PROMOTION, "manual")
        self._client.set_registered_model_tag(name, CHOSEN, champion)
        if champion != "none":
            self._client.set_model_version_tag(name, champion, PROMOTED, "by a person")
        serving = "that no version serves" if champion == "none" else f"version {champion}"
        reason = f"A person chose {serving}; the contest said: {decision.reason}"
        return Decision(promote=False, reason=reason)

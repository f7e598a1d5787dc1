import pytest

from configs.errors import NightquestError
from configs.loader import load_app
from configs.settings import load_settings
from configs.shipped import shipped_apps
from pipelines.words.wishes import NO_WISHES, Wishes
from tests.factories import make_app


def test_without_wishes_the_app_stays_what_it_is():
    app = load_app("trading").app
    assert NO_WISHES.applied(app) is app


@pytest.mark.parametrize("name", shipped_apps())
def test_a_wish_changes_only_what_it_names(name):
    app = load_app(name).app
    changed = Wishes(mode="batch", types=("daily_challenge",)).applied(app)
    assert changed.content == app.content.model_copy(update={"mode": "batch", "types": ["daily_challenge"]})
    assert changed.model_copy(update={"content": app.content}) == app


def test_a_type_that_the_app_is_not_made_for_is_refused_with_what_it_lacks():
    with pytest.raises(NightquestError, match="social_metrics"):
        Wishes(types=("social_prompt",)).applied(make_app())


def test_a_budget_of_nothing_is_a_wish_and_not_a_missing_one():
    settings = load_settings(environ={})
    assert Wishes(max_cost_usd=0).budget_usd(settings) == 0
    assert NO_WISHES.budget_usd(settings) == settings.max_cost_usd

"""Prices of language models: from the file, from an app, from the settings, or at a stated ceiling; never guessed."""

import json
import re

import pytest

from configs.app import App
from configs.errors import NightquestError
from configs.loader import load_app
from configs.settings import Settings, load_settings
from models.language.offers import language_models, priced_models

UNKNOWN = {"openai": "gpt-omega", "anthropic": "claude-omega"}
BOTH = pytest.mark.parametrize("vendor", UNKNOWN)


def chosen(vendor, **others):
    return Settings(**{f"{vendor}_model": UNKNOWN[vendor]}, **others)


@BOTH
def test_a_chosen_model_without_a_price_is_asked_for_by_name(vendor):
    with pytest.raises(NightquestError, match=UNKNOWN[vendor]):
        priced_models(chosen(vendor)).priced(UNKNOWN[vendor], vendor)


@BOTH
def test_what_the_error_says_to_set_is_enough(vendor, monkeypatch):
    monkeypatch.setenv(f"NIGHTQUEST_{vendor.upper()}_MODEL", UNKNOWN[vendor])
    with pytest.raises(NightquestError) as said:
        priced_models(load_settings()).priced(UNKNOWN[vendor], vendor)
    ways = re.findall(r"(NIGHTQUEST_\w+)=(?:'(.*?)'|(\d+))", said.value.remedy)
    assert len(ways) == 2
    for name, quoted, plain in ways:
        with monkeypatch.context() as context:
            context.setenv(name, quoted or plain)
            assert priced_models(load_settings()).priced(UNKNOWN[vendor], vendor).provider == vendor


@BOTH
def test_a_price_can_be_given_in_the_settings_or_in_the_app_file(vendor):
    price = {UNKNOWN[vendor]: {"input_usd": 2, "output_usd": 8}}
    by_settings = priced_models(chosen(vendor, prices=price)).priced(UNKNOWN[vendor], vendor)
    told = load_app("trading").app.model_dump(mode="json", exclude_none=True)
    app = App.model_validate(told | {"content": told["content"] | {"prices": price}})
    by_app = priced_models(chosen(vendor), app.content.prices).priced(UNKNOWN[vendor], vendor)
    assert (by_settings.input_usd, by_settings.output_usd) == (2, 8)
    assert by_settings == by_app


def test_the_settings_win_over_the_app_file_and_both_over_the_shipped_prices():
    app = App.model_validate(
        load_app("trading").app.model_dump(mode="json", exclude_none=True)
        | {"content": {"prices": {"gpt-5.6-luna": {"input_usd": 3, "output_usd": 4}}}}
    )
    shipped = language_models().models["gpt-5.6-luna"]
    of_app = priced_models(Settings(), app.content.prices).models["gpt-5.6-luna"]
    settings = Settings(prices={"gpt-5.6-luna": {"input_usd": 5, "output_usd": 6}})
    of_settings = priced_models(settings, app.content.prices).models["gpt-5.6-luna"]
    assert (shipped.input_usd, of_app.input_usd, of_settings.input_usd) == (0.2, 3, 5)
    assert of_app.effort == shipped.effort
    assert of_app.cached_input_usd is None, "a discount of the old price is none of the new one"


@BOTH
def test_a_person_may_count_an_unknown_price_at_a_ceiling(vendor):
    model = priced_models(chosen(vendor, price_ceiling_usd=80)).priced(UNKNOWN[vendor], vendor)
    assert (model.input_usd, model.output_usd, model.assumed) == (80, 80, True)


def test_a_ceiling_leaves_known_prices_alone():
    assert priced_models(Settings(price_ceiling_usd=80)) == language_models()


def test_a_price_of_nobodys_model_is_asked_whose_it_is():
    with pytest.raises(NightquestError, match="gpt-omega"):
        priced_models(Settings(prices={"gpt-omega": {"input_usd": 1, "output_usd": 1}}))


@pytest.mark.parametrize(
    "value", ["{", "3", '{"gpt-4": 3}', '{"gpt-4": {"input_usd": -1, "output_usd": 1}}', '{"gpt-4": {"inputs": 1}}']
)
def test_prices_that_are_none_are_refused_with_the_variables_name(value, monkeypatch):
    monkeypatch.setenv("NIGHTQUEST_PRICES", value)
    with pytest.raises(NightquestError, match="NIGHTQUEST_PRICES"):
        load_settings()


@pytest.mark.parametrize(("vendor", "name"), [("openai", "gpt-4"), ("anthropic", "claude-3-opus-20240229")])
def test_older_models_can_be_chosen_and_are_told_the_schema_in_words(vendor, name):
    assert not language_models().priced(name, vendor).structured


def test_the_example_of_prices_in_an_error_is_json(monkeypatch):
    monkeypatch.setenv("NIGHTQUEST_PRICES", "{")
    with pytest.raises(NightquestError) as said:
        load_settings()
    assert json.loads(re.findall(r"='(.*)'", said.value.remedy)[0])

"""What the settings tell providers is held against the providers that there are, before anything is asked."""

import pytest

from configs.errors import NightquestError
from configs.settings import Settings, load_settings
from flows.settings import check_settings
from models.language import providers

BOTH = pytest.mark.parametrize("provider", ["openai", "anthropic"])


@pytest.fixture(autouse=True)
def acme(tmp_path, monkeypatch):
    """Another provider, with a price list; its file is not loaded for its settings."""
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    (tmp_path / "acme.py").write_text("raise SystemExit")
    (tmp_path / "acme.yaml").write_text("model: acme-1\nmodels: {acme-1: {input_usd: 1, output_usd: 2}}")


def test_the_variables_of_a_new_provider_are_settings_and_those_of_none_are_refused(monkeypatch):
    told = {"API_KEY": "ac-1", "BASE_URL": "http://127.0.0.1:9", "MODEL": "acme-1"}
    for name, value in told.items():
        monkeypatch.setenv(f"NIGHTQUEST_ACME_{name}", value)
    settings = check_settings(load_settings())
    assert settings.of_providers == {"acme": {name.lower(): value for name, value in told.items()}}
    monkeypatch.setenv("NIGHTQUEST_ACNE_API_KEY", "ac-1")
    with pytest.raises(
        NightquestError, match="NIGHTQUEST_ACNE_API_KEY is not a setting: there is no provider acne"
    ) as said:
        check_settings(load_settings())
    assert "acme, anthropic, openai" in said.value.remedy


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("acme_api", "chat", "acme has no such way to ask"),
        ("openai_api", "telepathy", "Set it to responses or chat"),
        ("openai_model", "", "NIGHTQUEST_OPENAI_MODEL is empty"),
        ("openai_base_url", "nowhere", "no address"),
        ("openai_api_key", "sk 1", "NIGHTQUEST_OPENAI_API_KEY holds"),
        ("engine", "spark", "NIGHTQUEST_ENGINE is 'spark', .* Use dask or local or processes"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_variables_name(setting, value, why):
    with pytest.raises(NightquestError, match=why):
        check_settings(Settings(**{setting: value}))


@pytest.mark.parametrize("key", ["sk-ü", "sk-a b", "sk-a\nb"])
def test_what_cannot_be_a_key_is_said_before_anything_is_sent(key):
    with pytest.raises(NightquestError, match="NIGHTQUEST_OPENAI_API_KEY") as said:
        check_settings(Settings(openai_api_key=key))
    assert key not in str(said.value)


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://a", "http://", "http://[::1", "http://a:99999"])
@BOTH
def test_what_cannot_be_an_address_is_said_before_anything_is_sent(provider, url):
    with pytest.raises(NightquestError, match=f"NIGHTQUEST_{provider.upper()}_BASE_URL"):
        check_settings(Settings(**{f"{provider}_api_key": "sk-x", f"{provider}_base_url": url}))

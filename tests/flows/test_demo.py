"""The demo: what a newcomer sees first."""

import pytest

import flows.demo
from configs.commands import remember_home
from configs.errors import NightquestError
from configs.settings import load_settings
from data.warehouse import open_warehouse
from flows.cli.demo_view import demo_view
from flows.demo import run_demo
from pipelines.publish.published import published_root
from tests.flows.world import bytes_under
from tests.once import tracked_home
from tests.printed import printed

pytestmark = pytest.mark.slow
PLAYERS, DAYS, NIGHTS = 40, 50, 2  # the second settles what the first promised


def shown(demo):
    remember_home(demo.home)
    return printed(demo_view(demo), width=140)


@pytest.fixture(name="demo", scope="module")
def _demo(tmp_path_factory):
    home = tracked_home(tmp_path_factory, tmp_path_factory.mktemp("demo") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTQUEST_HOME", str(home))
        patch.setattr(flows.demo, "DAYS", DAYS)
        patch.setattr(flows.demo, "NIGHTS", NIGHTS)
        yield run_demo(load_settings(), PLAYERS)


def test_the_demo_trains_runs_its_nights_and_settles_the_first(demo):
    assert set(demo.trained.versions) >= {"plays", "attainment"}
    assert [night.unchanged for night in demo.nights] == [False] * NIGHTS
    first, *_, total = demo.kept.to_dicts()
    assert 0 < first["settled"] <= total["settled"] < total["challenges"]
    assert demo.player.challenges
    assert demo.player.badges_held


def test_the_demo_tells_what_was_promised_and_kept_one_players_night_and_where_to_go_on(demo):
    text = shown(demo)
    for words in (
        f"{PLAYERS} simulated players",
        "What the nights promised, and what was kept",
        f"settled challenges the promise was {demo.kept['promised'][-1]:.1%}",
        demo.player.challenges[0]["title"],
        demo.player.badges_held[0]["title"],
        f"show trading {demo.player.user_id} --home {demo.home}",
        "serve",
        str(demo.nights[-1].as_of),
    ):
        assert words in text


def test_the_demo_again_changes_nothing_and_trains_nothing(demo, monkeypatch):
    monkeypatch.setenv("NIGHTQUEST_HOME", str(demo.home))
    before = bytes_under(published_root(demo.home, "trading"))
    again = run_demo(load_settings(), PLAYERS)
    assert again.trained is None
    assert all(night.unchanged for night in again.nights)
    assert again.kept.equals(demo.kept)
    assert again.player == demo.player
    assert bytes_under(published_root(demo.home, "trading")) == before
    assert "The models of an earlier run serve." in shown(again)


def test_the_demo_never_mixes_with_other_data(demo, tmp_path, monkeypatch):
    with pytest.raises(NightquestError, match=f"holds a demo of {PLAYERS} players already") as error:
        run_demo(load_settings(demo.home), PLAYERS + 1)
    assert "--home" in error.value.remedy
    with open_warehouse(tmp_path, "trading"):
        pass
    with pytest.raises(NightquestError, match="that is not the demo's"):
        run_demo(load_settings(tmp_path), PLAYERS)

"""The file: full disks, damage, versions, and that a commit is one."""

import sqlite3

import pytest

from configs.errors import NightquestError
from models.language.calls import Written, most_it_costs
from models.language.ledger import Attempt, open_ledger
from tests.models.language.asking import MODEL, PLENTY, PRICES, Clock, a_run, ask, asks, ledger_at, written
from tests.models.language.ledger.opened import claim_one, file_of, in_a_process


@pytest.fixture
def full_ledger(tmp_path):
    """A ledger with room for some hundred answers, then none."""
    with ledger_at(tmp_path) as ledger:
        yield ledger


def fill(ledger, pages: int = 0) -> None:
    """Let the file grow by so many pages and no more, as on a full disk."""
    (count,) = ledger.file.connection.execute("PRAGMA page_count").fetchone()
    ledger.file.connection.execute(f"PRAGMA max_page_count = {count + pages}")


def test_with_a_full_disk_nothing_is_granted_and_what_was_known_stays(full_ledger):
    attempt = claim_one(full_ledger, ask("before"))
    full_ledger.settle([written(attempt)])
    fill(full_ledger)
    requests = [ask(i, user="x" * 5000 + str(i)) for i in range(50)]
    run = a_run()
    with pytest.raises(NightquestError, match=r"file system \S+ is full: .* so nothing was sent\. Free") as caught:
        full_ledger.claim(run, PLENTY, requests, PRICES)
    assert caught.value.exit_code == 3
    assert isinstance(claim_one(full_ledger, ask("before")), Written)
    fill(full_ledger, 1000)
    assert all(isinstance(claim, Attempt) for claim in full_ledger.claim(run, PLENTY, requests, PRICES))
    assert full_ledger.report(run).calls == 50


def test_with_a_full_disk_the_answers_that_find_room_are_kept_and_the_others_stay_in_flight(full_ledger):
    run = a_run()
    claims = full_ledger.claim(run, PLENTY, asks(40), PRICES)
    fill(full_ledger, 4)
    outcomes = [written(claim, "y" * 3000) for claim in claims]
    with pytest.raises(NightquestError, match=r"is full: the spending ledger .* Not kept: \d+ of 40 answers"):
        full_ledger.settle(outcomes)
    report = full_ledger.report(run)
    assert 0 < report.answered < 40
    assert report.answered + report.in_flight == 40
    assert report.reserved_usd == pytest.approx(report.in_flight * most_it_costs(ask(), PRICES[MODEL]))
    fill(full_ledger, 1000)
    full_ledger.settle(outcomes)
    assert full_ledger.report(run).answered == 40


def test_a_transaction_that_did_not_happen_leaves_nothing_that_a_later_one_builds_on(tmp_path):
    with ledger_at(tmp_path) as ledger:
        ledger.claim(a_run(), PLENTY, [ask("before")], PRICES)
        run, long = a_run(), ask(system="z" * 50_000)
        fill(ledger)
        with pytest.raises(NightquestError, match=r"file system \S+ is full"):
            claim_one(ledger, long, run)
        fill(ledger, 1000)
        claim_one(ledger, long, run)
        assert ledger.why(long.key).request == long
        assert ledger.report(run).calls == 1


def test_a_file_that_may_not_grow_gives_an_error_in_words_and_a_sound_ledger(tmp_path):
    """A limit on the size of files is what a full disk looks like to a process."""
    body = """
        from configs.errors import NightquestError
        resource.setrlimit(resource.RLIMIT_FSIZE, (800_000, 800_000))
        granted = 0
        try:
            while granted < 1000:
                ledger.claim(a_run(), PLENTY, [ask(user="x" * 3000 + str(granted))], PRICES)
                granted += 1
        except NightquestError as error:
            print(granted, error.exit_code, error, flush=True)
        os._exit(0)
    """
    with in_a_process(tmp_path, body, before="signal.signal(signal.SIGXFSZ, signal.SIG_IGN)") as process:
        said = process.stdout.read()
    granted, code, text = said.split(" ", 2)
    assert code == "3"
    assert "so nothing was sent" in text
    with ledger_at(tmp_path) as ledger:
        assert ledger.report(a_run(), whole_night=True).in_flight_at_kill == int(granted) > 3
        assert ledger.file.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"not a database at all" * 500, id="other content"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut in half"),
        pytest.param(lambda data: data[:100] + b"\0" * (len(data) - 100), id="zeros"),
    ],
)
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path, damage):
    with ledger_at(tmp_path) as ledger:
        claims = ledger.claim(a_run(), PLENTY, asks(300), PRICES)
        ledger.settle([written(claim) for claim in claims])
    path = file_of(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with (
        pytest.raises(NightquestError, match=r"(damaged|not a spending ledger).*(Bring back|Move it away)"),
        ledger_at(tmp_path) as ledger,
    ):
        ledger.claim(a_run(), PLENTY, asks(300), PRICES)


def test_another_applications_database_is_left_alone(tmp_path):
    file_of(tmp_path).parent.mkdir()
    connection = sqlite3.connect(file_of(tmp_path))
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(NightquestError, match="is not a spending ledger"), ledger_at(tmp_path):
        pass
    connection = sqlite3.connect(file_of(tmp_path))
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    connection.close()


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_file_of_another_version_is_refused(tmp_path, version):
    with ledger_at(tmp_path):
        pass
    connection = sqlite3.connect(file_of(tmp_path))
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with (
        pytest.raises(NightquestError, match=rf"another Nightquest \(tables {version}, known 2\)"),
        ledger_at(tmp_path),
    ):
        pass


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path):
    (tmp_path / "ledger").write_text("a file where the folder should be")
    with (
        pytest.raises(NightquestError, match=r"could not be opened: .*Give Nightquest the right to write there"),
        ledger_at(tmp_path),
    ):
        pass


def test_a_ledger_held_too_long_by_another_is_busy(tmp_path, monkeypatch):
    with ledger_at(tmp_path) as ledger:
        ledger.file.connection.execute("PRAGMA busy_timeout = 50")
        other = sqlite3.connect(file_of(tmp_path), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(NightquestError, match="another process has been writing") as caught:
            claim_one(ledger, ask())
        assert caught.value.exit_code == 3
        other.execute("ROLLBACK")
        other.close()
        assert isinstance(claim_one(ledger, ask()), Attempt)


def test_an_error_inside_is_not_hidden_by_one_while_closing(tmp_path):
    def broken():
        with open_ledger(tmp_path, Clock()) as ledger:
            ledger.file.connection.close()
            raise KeyError

    with pytest.raises(KeyError):
        broken()


def test_every_commit_is_synchronous(tmp_path):
    with ledger_at(tmp_path) as ledger:
        assert ledger.file.connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert ledger.file.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_file_holds_no_text_twice(tmp_path):
    system = "A long system text. " * 200
    with ledger_at(tmp_path) as ledger:
        claims = ledger.claim(a_run(), PLENTY, asks(100, system=system), PRICES)
        ledger.settle([written(claim, f"unmistakable {claim.id} text") for claim in claims])
    data = file_of(tmp_path).read_bytes()
    assert data.count(system.encode()) <= 1
    assert data.count(b"unmistakable 7 text") == 1
    assert file_of(tmp_path).stat().st_size < 300_000

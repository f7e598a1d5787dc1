from configs.settings import Settings
from data.warehouse import open_warehouse
from flows.cli.ingest_view import ingest_view
from flows.cli.status import gather_status
from flows.cli.status_view import status_view
from tests.pipelines.activity.deliveries import AT, LEAN, as_jsonl, deliver, solve
from tests.printed import printed


def test_ingest_and_status_tell_what_was_taken_back_and_what_waits(tmp_path):
    back = [{"retracts": target, "occurred_at": AT} for target in ("e1", "e8", "e9")]
    with open_warehouse(tmp_path, "toy") as warehouse:
        rows = as_jsonl([solve(event_id="e1"), solve(event_id="e2"), *back])
        told = printed(ingest_view("toy", deliver(warehouse, LEAN, tmp_path, {"a.jsonl": rows})))
    assert "taken back" in told
    assert "2 retractions of what is not here" in told
    told = printed(status_view(gather_status(Settings(home=tmp_path))))
    assert "1 event, 2 retractions without an event yet" in told

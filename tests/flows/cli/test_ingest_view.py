from flows.cli.ingest_view import ingest_view
from pipelines.activity.deliveries import Delivery, Reason
from pipelines.activity.ingest import IngestResult
from tests.printed import printed


def test_every_file_left_out_and_every_reason_is_shown():
    result = IngestResult(
        deliveries=(
            Delivery("a.csv", "taken", rows_taken=1200),
            Delivery("b.csv", "refused", reason="The file is empty; deliver it again."),
            Delivery("c.md", "ignored", reason="is no CSV, JSON Lines or Parquet file"),
            Delivery("d.csv", "already taken"),
        ),
        taken=1200,
        refused=3,
        by_event={"solve": 1200},
        reasons=(Reason("user_id is missing", 3, "a.csv", 7),),
    )
    shown = printed(ingest_view("[bold]toy", result))
    for words in (
        "[bold]toy",
        "1,200",
        "b.csv",
        "The file is empty",
        "c.md",
        "user_id is missing",
        "a.csv:7",
        "Taken before",
    ):
        assert words in shown, words

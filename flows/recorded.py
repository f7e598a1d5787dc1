"""The flows that have deployments, as Prefect knows them: a deployment's run finds its flow here."""

from flows import backfill as _backfill
from flows import collect as _collect
from flows import ingest as _ingest
from flows import nightly as _nightly
from flows import submit as _submit
from flows import train as _train

backfill = _backfill.backfill.recorded
collect = _collect.collect.recorded
ingest = _ingest.ingest.recorded
nightly = _nightly.nightly.recorded
submit = _submit.submit.recorded
train = _train.train.recorded

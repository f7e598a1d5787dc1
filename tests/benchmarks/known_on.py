"""What a night of a day would see, for measurements that are told a day."""

import datetime as dt

from configs.app import App
from configs.errors import NightquestError
from data.warehouse import Warehouse
from pipelines.known import Known
from pipelines.pins import day_start, make_night


def known_on(warehouse: Warehouse, app: App, as_of: dt.date) -> Known:
    """What was known as the day began.

    Raises:
        SystemExit: No night can serve the day, in a sentence: nobody had played by then, or not for long.
    """
    try:
        return Known(warehouse, make_night(warehouse, app, as_of, day_start(app, as_of)))
    except NightquestError as error:
        raise SystemExit(f"{error.message} {error.remedy}") from None

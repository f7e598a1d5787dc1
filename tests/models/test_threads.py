"""Work on small matrices keeps to one thread, and leaves the others as they were."""

import numpy as np
from threadpoolctl import threadpool_info

from models.threads import one_thread


def widths() -> list[int]:
    """How many threads each library may use."""
    return [pool["num_threads"] for pool in threadpool_info()]


def test_one_thread_is_used_inside_and_as_many_as_before_afterwards() -> None:
    before = (np.eye(2) @ np.eye(2)).shape and widths()
    inside = one_thread()(widths)()
    assert set(inside) == {1}
    assert widths() == before

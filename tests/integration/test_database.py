from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from firstline.store import Database
from firstline.store.table import CONNECTION


def test_several_processes_that_start_at_once_make_the_tables_once(open_database: Callable[[], Database]) -> None:
    databases = [open_database() for _ in range(4)]
    for each in databases:
        each.read_now(lambda c: c.execute(sa.text("SELECT 1")))  # connected, so that they race
    with ThreadPoolExecutor(4) as processes:
        for made in [processes.submit(each.create) for each in databases]:
            made.result()
    assert databases[0].read_now(lambda c: c.execute(CONNECTION.select()).all()) == []

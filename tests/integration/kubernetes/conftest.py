"""One cluster for all tests of a module, each in a namespace of its own where it needs one."""

from collections.abc import Iterator

import pytest

from firstline.testing.kubernetes import World, application
from firstline.testing.loopback import serve


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def cluster_url(world: World) -> Iterator[str]:
    with serve(application(world)) as url:
        yield url

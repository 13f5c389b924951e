from collections.abc import Callable

from firstline.store import Database
from firstline.store.lease import Leases
from firstline.testing.patience import eventually


def test_a_lease_is_had_by_one(open_database: Callable[[], Database]) -> None:
    one, other = Leases(open_database()), Leases(open_database())
    assert one.take("role")
    assert one.take("role")
    assert not other.take("role")
    assert not other.is_free("role")
    one.close()
    other.close()


def test_a_lease_goes_with_who_had_it(open_database: Callable[[], Database]) -> None:
    one, other = Leases(open_database()), Leases(open_database())
    one.take("role")
    one.close()
    eventually(lambda: other.is_free("role"))  # a server may take a moment to see that a session is over
    assert other.take("role")
    other.close()


def test_who_asks_after_the_end_is_given_none(open_database: Callable[[], Database]) -> None:
    one, other = Leases(open_database()), Leases(open_database())
    one.close()
    assert not one.take("role")
    assert other.take("role")
    other.close()


def test_looking_whether_a_lease_is_free_does_not_take_it(open_database: Callable[[], Database]) -> None:
    one, other = Leases(open_database()), Leases(open_database())
    assert one.is_free("role")
    assert other.take("role")
    one.close()
    other.close()

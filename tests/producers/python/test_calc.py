import pytest

from calc import add, sign


def test_add():
    assert add(1, 2) == 3


def test_fails():
    assert add(1, 1) == 3


@pytest.mark.skip(reason="not today")
def test_skipped():
    raise AssertionError


@pytest.mark.xfail
def test_expected_to_fail():
    assert sign(-1) == "plus"


@pytest.fixture
def broken():
    raise RuntimeError("setup fails")


def test_in_error(broken):
    pass


@pytest.mark.parametrize("name", ["zażółć", "a]]>b", "\u202erevo"])
def test_names(name):
    assert name

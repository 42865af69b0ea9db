from calc import add


def test_add_again():
    assert add(2, 2) == 4

"""Coordinate descent towards budgets."""

import itertools
import math

import pytest

from dna_jax.search import descend_within
from dna_jax.spaces import Decision, Space

SPACE = Space("toy", tuple(Decision(name, (1, 2, 3)) for name in "abc"))
PRICES = {"a": (5.0, 2.0, 4.0), "b": (1.0, 3.0, 0.5), "c": (2.0, 2.0, 1.0)}


def _excess(limit):
    def excess(design):
        return math.log(sum(PRICES[name][value - 1] for name, value in design.items()) / limit)

    return excess


def test_what_adds_up_is_least_in_the_end_and_the_first_within_budgets_ends_it():
    start = {"a": 1, "b": 1, "c": 1}
    everything = [dict(zip("abc", values, strict=True)) for values in itertools.product((1, 2, 3), repeat=3)]
    least = min(map(_excess(1.0), everything))
    network, excess = descend_within(SPACE, start, _excess(1.0))
    assert network == {"a": 2, "b": 3, "c": 3}
    assert excess == pytest.approx(least)
    # Enough is enough: 5 are reached with the first decision alone.
    assert descend_within(SPACE, start, _excess(5.0)) == ({"a": 2, "b": 1, "c": 1}, pytest.approx(0.0))
    assert descend_within(SPACE, start, _excess(9.0)) == (start, pytest.approx(math.log(8 / 9)))


def test_what_is_fixed_stays_and_what_has_no_price_is_left():
    def excess(design):
        return math.inf if design["a"] == 1 else _excess(1.0)(design)

    network, least = descend_within(SPACE.fix({"b": 1}), {"a": 1, "b": 1, "c": 1}, excess)
    assert network == {"a": 2, "b": 1, "c": 3}
    assert least == pytest.approx(math.log(4.0))

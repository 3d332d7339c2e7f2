"""Spaces: cardinality, coding, fixing, joining."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dna_jax.spaces import Decision, Point, Space, expectation, nahas_edge_space, s1, s2
from dna_jax.spaces import nahas_edge as knobs


def test_published_cardinalities():
    assert s1().cardinality == 3**17 * 2**16
    assert s2().cardinality == 3**16 * 2**15
    assert nahas_edge_space().cardinality == 50_000
    assert (s1() | nahas_edge_space()).cardinality == 3**17 * 2**16 * 50_000


def test_edge_space_is_table_1():
    path = knobs.__file__.replace("dna_jax/spaces/nahas_edge.py", "third_party/nahas/table1_has_space.csv")
    with open(path) as file:
        table = dict(line.strip().split(",") for line in file if ";" in line and not line.startswith("BASELINE"))
    ours = {
        "PEs_in_x": knobs.PES_X,
        "PEs_in_y": knobs.PES_Y,
        "SIMD_units": knobs.SIMD_UNITS,
        "compute_lanes": knobs.COMPUTE_LANES,
        "register_file_KB": knobs.REGISTER_FILE_KB,
        "local_memory_MB": knobs.LOCAL_MEMORY_MB,
        "io_bandwidth_gbps": knobs.IO_BANDWIDTH_GBPS,
    }
    assert {name: tuple(map(float, options.split(";"))) for name, options in table.items()} == {
        name: tuple(map(float, decision.options)) for name, decision in ours.items()
    }


@pytest.mark.parametrize("space", [s1(), s2(), nahas_edge_space()], ids=lambda s: s.name)
def test_encode_inverts_decode(space):
    for key in jax.random.split(jax.random.key(0), 20):
        point = space.sample(key)
        design = space.decode(point)
        again = space.encode(design)
        for name, probabilities in point.items():
            np.testing.assert_array_equal(probabilities, again[name])
            assert float(probabilities.sum()) == 1
            assert float(probabilities.max()) == 1


def test_what_a_decision_may_still_be():
    space = s1()
    first, second = space.decisions[:2]
    fixed = space.fix({first.name: first.options[1]})
    assert fixed.allowed(first.name) == (first.options[1],)
    assert fixed.allowed(second.name) == second.options
    with pytest.raises(KeyError):
        space.allowed("block_99.kernel")


def test_samples_are_uniform():
    space = nahas_edge_space()
    draws = 4000
    points = jax.vmap(space.sample)(jax.random.split(jax.random.key(1), draws))
    for decision in space.decisions:
        share = np.asarray(points[decision.name]).mean(axis=0)
        expected = 1 / len(decision.options)
        # Five standard deviations of a binomial share.
        assert np.all(np.abs(share - expected) < 5 * math.sqrt(expected * (1 - expected) / draws))


def test_soft_samples_lie_on_the_simplex():
    point = s1().sample_soft(jax.random.key(0))
    for probabilities in point.values():
        assert float(probabilities.min()) >= 0
        assert float(probabilities.sum()) == pytest.approx(1, abs=1e-5)
    # Dirichlet(1) of three options: mean 1/3, variance 1/18; of two: variance 1/12.
    points = jax.vmap(s1().sample_soft)(jax.random.split(jax.random.key(1), 4000))
    for name, variance in (("block_03.kernel", 1 / 18), ("block_03.expansion", 1 / 12)):
        drawn = np.asarray(points[name])
        np.testing.assert_allclose(drawn.mean(axis=0), 1 / drawn.shape[-1], atol=0.02)
        np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.1)


def test_fixing_shrinks_and_pins():
    space = nahas_edge_space()
    fixed = space.fix({knobs.PES_X.name: 6})
    assert fixed.cardinality == 10_000
    assert all(d.name != knobs.PES_X.name for d in fixed.free)
    point = fixed.sample_soft(jax.random.key(1))
    assert fixed.decode(point)[knobs.PES_X.name] == 6
    np.testing.assert_array_equal(point[knobs.PES_X.name], [0, 0, 0, 1, 0])
    assert {fixed.decode(fixed.sample(k))[knobs.PES_X.name] for k in jax.random.split(jax.random.key(0), 8)} == {6}
    assert len(fixed.grid()) == 10_000


def test_a_point_maps_names_to_probabilities_and_gives_several_at_once():
    vectors = {"a": jnp.asarray([0.2, 0.8]), "b": jnp.asarray([0.0, 0.5, 0.5]), "c": jnp.asarray([1.0])}
    vectors["d"] = jnp.asarray([0.6, 0.4])
    point = Point.of(vectors)
    assert list(point) == list(vectors)
    assert len(point) == 4
    assert "e" not in point
    assert Point.of(point) is point
    # Evenly spaced, unevenly spaced, backwards, and one alone.
    for names in (["b", "d"], ["a", "b", "c", "d"], ["a", "b", "d"], ["d", "a"], ["c"]):
        part = point.select(names)
        assert list(part) == names
        assert part.rows.shape == (len(names), max(len(vectors[name]) for name in names))
        for name in names:
            np.testing.assert_array_equal(part[name], vectors[name])
    batch = jax.vmap(lambda scale: jax.tree.map(lambda rows: scale * rows, point))(jnp.arange(3.0))
    np.testing.assert_array_equal(batch["b"], np.arange(3)[:, None] * np.array([0.0, 0.5, 0.5]))
    np.testing.assert_array_equal(batch.select(["d", "a"])["a"], np.arange(3)[:, None] * np.asarray(vectors["a"]))


def test_grid_lists_every_design_once():
    grid = nahas_edge_space().grid()
    assert len(np.unique(grid, axis=0)) == len(grid) == 50_000


def test_expectation_is_exact_at_one_hot_points():
    space = nahas_edge_space()
    design = space.design(space.grid()[12_345])
    point = space.encode(design)
    for decision in space.decisions:
        assert float(expectation(point, decision)) == design[decision.name]


def test_objections_say_what_to_do():
    with pytest.raises(ValueError, match="choose one of"):
        nahas_edge_space().fix({knobs.PES_X.name: 3})
    with pytest.raises(KeyError, match="no decision"):
        nahas_edge_space().fix({"accelerator.colour": 3})
    with pytest.raises(KeyError, match="gives no value"):
        nahas_edge_space().encode({})
    with pytest.raises(ValueError, match="no options"):
        Decision("empty", ())
    with pytest.raises(ValueError, match="two decisions of one name"):
        Space("twice", (Decision("a", (1,)), Decision("a", (2,))))

"""Tables to search: the benchmark itself, and one small enough to try all of."""

import numpy as np
import pytest

from dna_jax.benchmarks.joint_table import JointTable
from dna_jax.benchmarks.macro_edge import macro_edge
from dna_jax.benchmarks.optimum import exact_front, make_tasks
from dna_jax.spaces import Decision, Space


@pytest.fixture(scope="session")
def benchmark():
    """The benchmark macro_edge."""
    return macro_edge()


@pytest.fixture(scope="session")
def small():
    """27 networks on 12 accelerators: larger options are more accurate and slower, larger accelerators faster."""
    networks = Space("networks", tuple(Decision(f"layer_{i}", (0, 1, 2)) for i in range(3)))
    accelerators = Space("accelerators", (Decision("rows", (1, 2, 4)), Decision("columns", (1, 2, 4, 8))))
    generator = np.random.default_rng(0)
    size = networks.grid().sum(axis=1)
    accuracy = 60 + 30 * (1 - np.exp(-0.4 * size)) + generator.normal(0, 1, len(size))
    trainings = accuracy[:, None] + generator.normal(0, 0.2, (len(size), 3))
    cells = np.array([[1, 2, 4][r] * [1, 2, 4, 8][c] for r, c in accelerators.grid()], float)
    work = np.array([[1.0, 2.0, 5.0], [1.0, 3.0, 4.0], [2.0, 2.5, 6.0]])
    latency = work[:, :, None] / cells**0.8 + generator.uniform(0, 0.01, (3, 3, len(cells)))
    area = 1 + 0.5 * cells + generator.uniform(0, 0.1, len(cells))
    return JointTable(networks, accelerators, trainings, latency, area)


@pytest.fixture(scope="session")
def small_tasks(small):
    """Two budgets that bind."""
    return make_tasks(small, 5.0, (75.0, 85.0), 1.1)


@pytest.fixture(scope="session")
def small_front(small):
    """Of the small table."""
    return exact_front(small)

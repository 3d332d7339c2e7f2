"""A point of an ASIC pipeline by what its rows decide, and the points that differ from it in one decision."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dna_jax.spaces import Point
from dna_jax.spaces.asic_pipeline import ARCHITECTURE_KNOBS, BANDWIDTH_WEIGHT, CHOICES, SCHEDULES, STYLES

_CHUNK_ROWS = 1 + len(ARCHITECTURE_KNOBS) + len(CHOICES)
"""Decisions of a chunk: its weight, its sizes, and how it runs layers."""


class Probabilities(NamedTuple):
    """Rows of a point, by what they decide: bandwidth and weights [1 + C, w], sizes [C, 7, w], styles [C, 3], schedules
    [C, classes, 4], allocation [G, C]."""

    link: jax.Array
    sizes: jax.Array
    style: jax.Array
    schedule: jax.Array
    allocation: jax.Array


class Pairs(NamedTuple):
    """Alternatives: pairs of a decision, counted within its kind, and an option, int[N, 2] each."""

    link: np.ndarray
    local: np.ndarray
    allocation: np.ndarray


def chunk_count(names: Iterable[str]) -> int:
    """Number of chunks of a pipeline with decisions of these names: a point, or a design."""
    return sum(name.endswith(f".{BANDWIDTH_WEIGHT.name}") for name in names)


def split_point(point: Point, chunks: int, dtype: jax.typing.DTypeLike) -> Probabilities:
    """The rows of a point of the decisions of an `asic_pipeline_space`, in their order."""
    rows = point.rows.astype(dtype)
    of_chunks = rows[1 : 1 + chunks * _CHUNK_ROWS].reshape(chunks, _CHUNK_ROWS, -1)
    sizes, style, schedule = jnp.split(of_chunks[:, 1:], (len(ARCHITECTURE_KNOBS), len(ARCHITECTURE_KNOBS) + 1), axis=1)
    return Probabilities(
        link=jnp.concatenate([rows[:1], of_chunks[:, 0]]),
        sizes=sizes,
        style=style[:, 0, : len(STYLES)],
        schedule=schedule[..., : len(SCHEDULES)],
        allocation=rows[1 + chunks * _CHUNK_ROWS :, :chunks],
    )


def alternative_pairs(point: Point, chunks: int, free: Collection[str]) -> tuple[Pairs, np.ndarray]:
    """The alternatives, and row and option in the point of each, int[N, 2], in the order of `alternatives`."""

    def pairs(rows: np.ndarray) -> np.ndarray:
        """Of decisions whose row in the point is given, [decisions, chunks that have one]; free in any of them."""
        names = tuple(point)
        found = [
            (i, option)
            for i, own in enumerate(rows)
            if any(names[row] in free for row in own)
            for option in range(point.sizes[own[0]][1])
        ]
        return np.array(found, int).reshape(-1, 2)

    first = 1 + _CHUNK_ROWS * np.arange(chunks)
    link_rows = np.append(0, first)[:, None]
    local_rows = first + 1 + np.arange(_CHUNK_ROWS - 1)[:, None]
    allocation_rows = np.arange(1 + chunks * _CHUNK_ROWS, len(point))[:, None]
    found = Pairs(pairs(link_rows), pairs(local_rows), pairs(allocation_rows))
    local = found.local
    in_point = [
        np.stack([link_rows[found.link[:, 0], 0], found.link[:, 1]], axis=1),
        *(np.stack([local_rows[local[:, 0], chunk], local[:, 1]], axis=1) for chunk in range(chunks)),
        np.stack([allocation_rows[found.allocation[:, 0], 0], found.allocation[:, 1]], axis=1),
    ]
    return found, np.concatenate(in_point)


def replace_options(rows: jax.Array, pairs: np.ndarray) -> jax.Array:
    """Rows [..., decisions, w] with the option of each pair chosen, [..., N, decisions, w]."""
    replaced = np.arange(rows.shape[-2]) == pairs[:, :1]
    chosen = np.eye(rows.shape[-1], dtype=rows.dtype)[pairs[:, 1]]
    return jnp.where(replaced[:, :, None], chosen[:, None, :], rows[..., None, :, :])

"""Every network of NAS-Bench-Macro on every accelerator of the NAHAS edge space: 328 million designs, each with its price.

Costs of layers add up, so that a table of the latency of every option of every layer on every accelerator holds them all.
"""

import dataclasses

import numpy as np

from dna_jax.accuracy import macro_table
from dna_jax.hardware import Template
from dna_jax.networks import LayeredFamily, MacroSpecification
from dna_jax.search import enumerate_layers
from dna_jax.spaces import Space


@dataclasses.dataclass(frozen=True, eq=False)
class JointTable:
    """Accuracy and cost of every design. Networks and accelerators are in the order of `Space.grid`.

    Attributes:
      network_space: D decisions with as many options each.
      accelerator_space: A designs.
      accuracy: test accuracy of each training of each network, percent, float64[networks, trainings].
      latency_ms: of each option of each decision on each accelerator, float64[D, options, A]; what all networks share is
        part of every option of the first decision.
      area_mm2: of each accelerator, float64[A].
    """

    network_space: Space
    accelerator_space: Space
    accuracy: np.ndarray
    latency_ms: np.ndarray
    area_mm2: np.ndarray

    @property
    def space(self) -> Space:
        """The joint space, the network's decisions first."""
        return self.network_space | self.accelerator_space

    @property
    def mean_accuracy(self) -> np.ndarray:
        """Over the trainings of each network, percent, float64[networks]."""
        return self.accuracy.mean(axis=1)

    def halves(self, accelerators: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Latency in ms of every choice of the first and of the other decisions, float64[choices, len(accelerators)].

        That of network n is the sum of the rows n // len(second) and n % len(second).
        """
        split = len(self.network_space.decisions) // 2
        table = self.latency_ms[:, :, accelerators]
        first, second = (self._sums(part) for part in (table[:split], table[split:]))
        return first, second

    @staticmethod
    def _sums(table: np.ndarray) -> np.ndarray:
        sums = table[0]
        for options in table[1:]:
            sums = (sums[:, None] + options[None]).reshape(-1, table.shape[-1])
        return sums

    def rows(self, designs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row of the network and row of the accelerator of designs int[..., decisions]."""
        split = len(self.network_space.decisions)
        parts = (designs[..., :split], self.network_space), (designs[..., split:], self.accelerator_space)
        network, accelerator = (grid_row(indices, space) for indices, space in parts)
        return network, accelerator

    def latency_of(self, designs: np.ndarray) -> np.ndarray:
        """Milliseconds of designs int[..., decisions], float64[...]."""
        decisions = len(self.network_space.decisions)
        _, accelerator = self.rows(designs)
        chosen = self.latency_ms[np.arange(decisions), designs[..., :decisions], accelerator[..., None]]
        return chosen.sum(axis=-1)


def grid_strides(space: Space) -> np.ndarray:
    """Rows of `Space.grid` that a step of each decision passes, int32[decisions]; the space has nothing fixed."""
    sizes = [size for _, size in space.sizes]
    return np.append(np.cumprod(sizes[:0:-1])[::-1], 1).astype(np.int32)


def grid_row(indices: np.ndarray, space: Space) -> np.ndarray:
    """Row of `Space.grid` of option indices int[..., decisions]; the space has nothing fixed."""
    return np.asarray(indices) @ grid_strides(space)


def price_options(family: LayeredFamily, network_space: Space, template: Template) -> tuple[np.ndarray, np.ndarray]:
    """`JointTable.latency_ms` and `JointTable.area_mm2` of a family whose layers each depend on one decision at most.

    Raises:
      ValueError: if a layer needs two decisions, or does not fit an accelerator.
    """
    conditional = family.conditional_layers()
    for row in conditional:
        if len(row.needs) > 1:
            raise ValueError(f"Layer {row.layer.name} depends on {len(row.needs)} decisions; the table has one for each.")
    milliseconds, area_mm2, holds = enumerate_layers(template, [row.layer for row in conditional])
    if not holds.all():
        raise ValueError("An accelerator does not hold the tiles of a layer; the table has no entry for such designs.")
    width = len(network_space.decisions[0].options)
    table = np.zeros((len(network_space.decisions), width, len(area_mm2)))
    position = {decision.name: row for row, decision in enumerate(network_space.decisions)}
    for row, latency in zip(conditional, milliseconds, strict=True):
        if not row.needs:
            table[0] += latency
        for name, option in row.needs.items():
            table[position[name], network_space[name].index(option)] += latency
    return table, area_mm2


def macro_edge_table(template: Template) -> JointTable:
    """NAS-Bench-Macro on the accelerators of a template, priced anew."""
    accuracies = macro_table()
    latency_ms, area_mm2 = price_options(MacroSpecification(), accuracies.space, template)
    return JointTable(accuracies.space, template.space, accuracies.accuracy, latency_ms, area_mm2)

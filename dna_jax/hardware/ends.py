"""The ends of a layer that nothing can hide: filling the innermost memories before the first multiply-accumulate, and
draining them after the last.

Between the ends transfers run beside computation. Units start once the innermost memory of every operand holds its first
tile; what lies further out streams in meanwhile. Outputs leave as they are completed, so that after the last
multiply-accumulate only the innermost tile is left to travel.
"""

import itertools
from collections.abc import Sequence

import jax

from dna_jax.hardware import surrogate
from dna_jax.hardware.nest import OUTPUT, Factor, Nest, crossing, operand_bytes
from dna_jax.workload import OPERANDS


def _travel_cycles(nest: Nest, operand: int) -> Factor:
    """Cycles that the innermost tiles of an operand take over all links between the levels that hold it."""
    architecture = nest.architecture
    name = OPERANDS[operand]
    chain = [level for level, held in enumerate(architecture.holds) if name in held]
    _, final = operand_bytes(nest.layer)
    down = operand != OUTPUT
    into = architecture.write_bandwidth if down else architecture.read_bandwidth
    out_of = architecture.read_bandwidth if down else architecture.write_bandwidth
    cycles: list[Factor] = []
    for inner, outer in itertools.pairwise(chain):
        moved = final[operand] * crossing(nest, name, outer)
        at_inner = nest.elements(chain[0], inner)[operand] * moved / into[inner]
        at_outer = nest.elements(chain[0], outer)[operand] * moved / out_of[outer]
        cycles.append(surrogate.largest([at_inner, at_outer]))
    return sum(cycles) if cycles else 0.0


def exposed_cycles(nest: Nest) -> jax.Array:
    """Cycles before the first and after the last multiply-accumulate; weights and inputs travel side by side."""
    loads: Sequence[Factor] = [_travel_cycles(nest, operand) for operand in range(len(OPERANDS)) if operand != OUTPUT]
    return surrogate.largest(loads) + _travel_cycles(nest, OUTPUT)

"""Time that no overlap hides: filling the innermost memories before the first multiply-accumulate, draining them after the
last, and waiting for memories that cannot be filled while they are read.

Between the ends transfers run beside computation. Units start once the innermost memory of every operand holds its first
tile; what lies further out streams in meanwhile. Outputs leave as they are completed, so that after the last
multiply-accumulate only the innermost tile is left to travel.
"""

import itertools
from collections.abc import Sequence

import jax

from dna_jax.hardware import surrogate
from dna_jax.hardware.nest import OUTPUT, Factor, Nest, crossing, operand_bytes
from dna_jax.hardware.traffic import Traffic
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


def waiting_cycles(nest: Nest, traffic: Traffic) -> Factor:
    """Cycles that units stand still for memories that are not filled while they are read, whole cycles each time."""
    architecture = nest.architecture
    cycles: Factor = 0.0
    for level, waits in enumerate(architecture.waits):
        if not waits:
            continue
        loaded = [
            operand for operand, name in enumerate(OPERANDS) if operand != OUTPUT and name in architecture.holds[level]
        ]
        outer = next(v for v in range(level + 1, len(architecture.holds)) if OPERANDS[loaded[0]] in architecture.holds[v])
        times = surrogate.largest([traffic.fills[level][operand] for operand in loaded])
        _, width = operand_bytes(nest.layer)
        fetched = [nest.elements(level, outer)[o] * width[o] * traffic.fills[level][o] for o in loaded]
        cycles = cycles + times * surrogate.ceil(sum(fetched) / (times * architecture.read_bandwidth[outer]))
    return cycles


def exposed_cycles(nest: Nest) -> jax.Array:
    """Cycles before the first and after the last multiply-accumulate; weights and inputs travel side by side."""
    loads: Sequence[Factor] = [_travel_cycles(nest, operand) for operand in range(len(OPERANDS)) if operand != OUTPUT]
    return surrogate.largest(loads) + _travel_cycles(nest, OUTPUT)

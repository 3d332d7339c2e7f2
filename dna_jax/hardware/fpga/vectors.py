"""Designs as the release of Auto-NBA writes them: ten integers per chunk, by the chunk's name.

[mode, tile rows, tile columns, tile outputs, tile inputs, unrolled rows, columns, outputs, inputs, bits].
"""

from collections.abc import Mapping, Sequence

from dna_jax.spaces import KNOBS, Chunk, Design, knob_name


def design_of_vectors(vectors: Mapping[str, Sequence[int]]) -> Design:
    """The decisions of a pipeline, without its allocation.

    Raises:
      ValueError: if a name names no chunk, a vector has not ten entries, or its mode or bits are not the chunk's.
    """
    design: Design = {}
    for name, vector in vectors.items():
        chunk = Chunk.of(name)
        if len(vector) != 10 or not 0 <= vector[0] < len(chunk.modes) or vector[9] != chunk.bits:
            raise ValueError(f"{list(vector)} is no design of the chunk {name!r}.")
        design[knob_name(chunk, "parallel")] = chunk.modes[vector[0]]
        for knob, tile, unrolled in zip(KNOBS, vector[1:5], vector[5:9], strict=True):
            if not (chunk.depthwise and knob == "inputs"):
                design[knob_name(chunk, knob)] = f"{tile}/{unrolled}"
    return design

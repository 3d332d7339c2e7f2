"""Workload: what a network asks of an accelerator.

`networks` write workloads and `hardware` prices them; neither imports the other, so the type they share stands here.
"""

import dataclasses
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

DIMENSIONS = ("N", "G", "K", "C", "P", "Q", "R", "S")
"""Loop dimensions: batch, groups, output and input channels per group, output rows and columns, kernel rows, columns."""

OPERANDS = ("W", "I", "O")
"""Weights, inputs, outputs."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """One convolution-like layer, discrete. Channels are totals over all groups; a matrix product has P=Q=R=S=1.

    Attributes:
      name: where the layer stands in its network.
      N: batch.
      K, C: output and input channels.
      P, Q: output height and width.
      R, S: kernel height and width.
      stride, dilation: same in both directions.
      input_rows, input_columns: of the input where it is smaller than P, Q, kernel and steps need: what they need beyond it
        is padding, which is neither stored nor moved. None where all that is needed exists.
      groups: C for depthwise.
      weight_bits, input_bits, output_bits: operand widths; weights of 0 bits are not there (pooling, element-wise layers).
      partial_bits: width of partial sums.
    """

    name: str
    K: int
    C: int
    P: int
    Q: int
    R: int = 1
    S: int = 1
    stride: int = 1
    dilation: int = 1
    input_rows: int | None = None
    input_columns: int | None = None
    groups: int = 1
    N: int = 1
    weight_bits: int = 8
    input_bits: int = 8
    output_bits: int = 8
    partial_bits: int = 32

    def __post_init__(self) -> None:
        if self.K % self.groups or self.C % self.groups:
            raise ValueError(f"Layer {self.name!r}: groups {self.groups} must divide K {self.K} and C {self.C}.")

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the layer; of one without weights, the additions or comparisons in their place."""
        return self.N * self.K * (self.C // self.groups) * self.P * self.Q * self.R * self.S

    @property
    def shape(self) -> tuple[int, ...]:
        """Everything but the name: layers of equal shape cost the same."""
        return tuple(v for k, v in vars(self).items() if k != "name")


def elementwise(name: str, channels: int, rows: int, columns: int, inputs: int = 1) -> Layer:
    """An operation on each element: an activation, a scaling by channel, or a sum of several inputs.

    It has no weights: a scale per channel is too little to matter.
    """
    return Layer(name, K=channels, C=inputs * channels, P=rows, Q=columns, groups=channels, weight_bits=0)


def global_pooling(name: str, channels: int, rows: int, columns: int) -> Layer:
    """The mean of all pixels of each channel."""
    return Layer(name, K=channels, C=channels, P=1, Q=1, R=rows, S=columns, groups=channels, weight_bits=0)


@struct.dataclass
class Workload:
    """Layers as a struct of arrays.

    Attributes:
      bounds: loop bounds per layer in the order of DIMENSIONS, [L, 8]; K and C per group.
      stride, dilation: [L].
      input_rows, input_columns: rows and columns of the input that exist, [L].
      common_step: greatest common divisor of stride and dilation, [L]: the inputs that a layer reads are that far apart.
      bits: operand widths in the order of OPERANDS, [L, 3].
      partial_bits: width of partial sums, [L].
      weight: how often the layer is present, [L]: 1 or a count in a discrete network, an expected count under a
        relaxed choice, 0 where an option is not taken.
    """

    bounds: jax.Array
    stride: jax.Array
    dilation: jax.Array
    common_step: jax.Array
    input_rows: jax.Array
    input_columns: jax.Array
    bits: jax.Array
    partial_bits: jax.Array
    weight: jax.Array


def _existing(given: int | None, pixels: int, taps: int, layer: Layer) -> int:
    """Input rows (or columns): those given, or all that pixels and taps reach."""
    return (pixels - 1) * layer.stride + (taps - 1) * layer.dilation + 1 if given is None else given


def workload_from_layers(
    layers: Sequence[Layer], weight: jax.Array | np.ndarray | None = None, dtype: jax.typing.DTypeLike = jnp.float32
) -> Workload:
    """A workload of the given layers in the given order.

    Args:
      layers: L layers.
      weight: expected count of each layer, [L]; ones by default.
      dtype: floating type of all numbers.
    """
    bounds = [(y.N, y.groups, y.K // y.groups, y.C // y.groups, y.P, y.Q, y.R, y.S) for y in layers]
    return Workload(
        bounds=jnp.asarray(bounds, dtype),
        stride=jnp.asarray([y.stride for y in layers], dtype),
        dilation=jnp.asarray([y.dilation for y in layers], dtype),
        common_step=jnp.asarray([math.gcd(y.stride, y.dilation) for y in layers], dtype),
        input_rows=jnp.asarray([_existing(y.input_rows, y.P, y.R, y) for y in layers], dtype),
        input_columns=jnp.asarray([_existing(y.input_columns, y.Q, y.S, y) for y in layers], dtype),
        bits=jnp.asarray([(y.weight_bits, y.input_bits, y.output_bits) for y in layers], dtype),
        partial_bits=jnp.asarray([y.partial_bits for y in layers], dtype),
        weight=jnp.ones(len(layers), dtype) if weight is None else jnp.asarray(weight, dtype),
    )


def as_matrix_product(workload: Workload) -> Workload:
    """The same layers with their inputs unfolded (im2col): N P Q rows of C R S inputs, K outputs each; groups stay."""
    n, g, k, c, p, q, r, s = (workload.bounds[..., d] for d in range(len(DIMENSIONS)))
    one = jnp.ones_like(n)
    bounds = jnp.stack([one, g, k, c * r * s, n * p * q, one, one, one], axis=-1)
    step = jnp.ones_like(workload.stride)
    return dataclasses.replace(
        workload,
        bounds=bounds,
        stride=step,
        dilation=step,
        common_step=step,
        input_rows=bounds[..., DIMENSIONS.index("P")],
        input_columns=step,
    )


def merge_equal_layers(layers: Sequence[Layer]) -> tuple[list[Layer], np.ndarray]:
    """Distinct shapes among `layers`, and the matrix [distinct, L] that adds the weights of equal ones."""
    first: dict[tuple[int, ...], Layer] = {}
    for layer in layers:
        first.setdefault(layer.shape, layer)
    position = {shape: row for row, shape in enumerate(first)}
    matrix = np.zeros((len(first), len(layers)), np.float32)
    matrix[[position[layer.shape] for layer in layers], np.arange(len(layers))] = 1
    return list(first.values()), matrix


def merge_counts(layers: Sequence[Layer], weight: jax.Array) -> tuple[list[Layer], jax.Array]:
    """Distinct shapes among L layers, and how often each is expected where the layers are as often as `weight` [L] says."""
    distinct, matrix = merge_equal_layers(layers)
    # A sum of some of the counts: at a default precision an accelerator would round them.
    return distinct, jnp.matmul(jnp.asarray(matrix, weight.dtype), weight, precision="highest")

"""Layers over square images, for networks that are written as lists of layers."""

from dna_jax.workload import Layer


def convolution(
    name: str, in_channels: int, out_channels: int, size: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> Layer:
    """A convolution padded so that only its stride makes the image smaller.

    Args:
      name: where it stands in its network.
      in_channels, out_channels: totals over all groups.
      size: rows and columns of its input.
      kernel, stride: same in both directions.
      groups: `in_channels` for a depthwise one.
    """
    out = -(-size // stride)
    return Layer(
        name,
        K=out_channels,
        C=in_channels,
        P=out,
        Q=out,
        R=kernel,
        S=kernel,
        stride=stride,
        input_rows=size,
        input_columns=size,
        groups=groups,
    )

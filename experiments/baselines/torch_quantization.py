"""Quantisation-aware training in PyTorch, with the roundings and the gradients of `dna_jax.networks.quantization`."""

import dataclasses
from typing import Any

import torch  # pyright: ignore[reportMissingImports]

_NOTHING = 1e-20
"""Tensors without a larger magnitude round to zero: their scale would leave the range of float32."""

_ROUNDING = 1e-5
"""Relative slack of the range in which gradients pass, as there."""


@dataclasses.dataclass(frozen=True)
class Precision:
    """Operand width of a layer: one, or a mixture of several.

    Attributes:
      widths: bits.
      probabilities: of the widths, [widths].
    """

    widths: tuple[int, ...]
    probabilities: torch.Tensor


def _roundings(x: torch.Tensor, largest: torch.Tensor, widths: tuple[int, ...], signed: bool) -> list[torch.Tensor]:
    largest = torch.where(largest > _NOTHING, largest, 1)
    rounded = []
    for bits in widths:
        top = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1
        step = torch.clamp(torch.round(x * (top / largest)), -top if signed else 0, top)
        rounded.append(step * (largest / top))
    return rounded


class _Quantize(torch.autograd.Function):
    """The mixture of roundings; backward computes them anew, so that x alone is kept."""

    @staticmethod
    def forward(ctx: Any, x: Any, largest: Any, probabilities: Any, widths: tuple[int, ...], signed: bool) -> Any:
        ctx.save_for_backward(x, largest, probabilities)
        ctx.widths, ctx.signed = widths, signed
        terms = _roundings(x, largest, widths, signed)
        total = probabilities[0] * terms[0]
        for probability, term in zip(probabilities[1:], terms[1:], strict=True):
            total = total + probability * term
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        x, largest, probabilities = ctx.saved_tensors
        by_x = by_probabilities = None
        if ctx.needs_input_grad[0]:
            end = largest * (1 + _ROUNDING)
            inside = (x >= (-end if ctx.signed else 0)) & (x <= end)
            by_x = torch.where(inside, gradient * probabilities.sum(), 0)
        if ctx.needs_input_grad[2]:
            terms = _roundings(x, largest, ctx.widths, ctx.signed)
            by_probabilities = torch.stack([(gradient * term).sum() for term in terms])
        return by_x, None, by_probabilities, None, None


def quantize_activations(
    x: torch.Tensor, precision: Precision, signed: bool, counted: torch.Tensor | None = None
) -> torch.Tensor:
    """Activations at a precision; the largest level stands for the largest magnitude of the batch.

    Args:
      x: [batch, channels, ...].
      precision: widths and their probabilities.
      signed: False if nothing is negative.
      counted: [channels], 0 for channels that the chosen network does not have, else 1.
    """
    seen = x.detach()
    by_channel = (seen.abs() if signed else seen).amax(dim=[0, *range(2, x.ndim)])
    largest = by_channel.amax() if counted is None else (by_channel * counted).amax()
    return _Quantize.apply(x, largest, precision.probabilities, precision.widths, signed)


def quantize_weights(weight: torch.Tensor, precision: Precision, counted: torch.Tensor | None = None) -> torch.Tensor:
    """Weights [out, ...] at a precision; `counted` [out] as in `quantize_activations`."""
    by_channel = weight.detach().abs().amax(dim=list(range(1, weight.ndim)))
    largest = by_channel.amax() if counted is None else (by_channel * counted).amax()
    return _Quantize.apply(weight, largest, precision.probabilities, precision.widths, True)

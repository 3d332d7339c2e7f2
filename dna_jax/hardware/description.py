"""Accelerators in YAML: levels and fan-outs as a user writes them down, and the mappings that follow.

    name: my_chip
    clock_ghz: 0.8
    node_nm: 22                # energy and area left out below are those of this node
    levels:                    # innermost first; the last is the backing store
      - {name: sums, holds: O, capacity_bytes: 4}
      - name: scratchpad
        holds: WIO
        capacity_bytes: 262144
        read_bytes_per_cycle: 64
        write_bytes_per_cycle: 64
        double_buffered: true
        fanouts:
          - {name: rows, size: 16, over: [C]}
          - {name: columns, size: 16, over: [KG, QP]}
      - {name: dram, holds: WIO, read_bytes_per_cycle: 16, ports: shared}

README.md lists every key.
"""

import dataclasses
import math
import pathlib
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import yaml

from dna_jax.errors import UserError
from dna_jax.hardware import technology
from dna_jax.hardware.accelerator import Accelerator
from dna_jax.hardware.candidates import Objective, every_combination
from dna_jax.hardware.levels import Fanout, Level, build_architecture
from dna_jax.workload import DIMENSIONS

_LAYOUTS = ("KG", "C", "QP", "P")
"""What a fan-out may hold where the description does not say."""

_INNER_GROWTH = ("SRCQPNKG", "QPNSRCKG", "SRQPNCKG", "SRC", "QPN", "")
_OUTER_GROWTH = ("SRCKGQPN", "SRCQPNKG", "QPNSRCKG")
_LAST_ORDER = ("SRCKGQPN", "SRCQPNKG", "QPNSRCKG")
"""What tiles grow along where the description does not say: in the outermost memory on the chip, and in those below it."""

MOST_CANDIDATES = 20_000
"""More mappings per layer than this are refused: a description with many alternatives multiplies them."""


@dataclasses.dataclass(frozen=True)
class FanoutDescription:
    """A fan-out: its name, how many children, and alternatives of what is laid out over them, first to fill first."""

    name: str
    size: int
    over: tuple[str, ...] = _LAYOUTS


@dataclasses.dataclass(frozen=True)
class LevelDescription:
    """A memory level; what is left out is unlimited (capacity, bandwidth) or follows from the node (energy, area).

    Attributes:
      tiles: alternatives of the dimensions along which its tiles grow, first to last.
    """

    name: str
    holds: str
    capacity_bytes: float = math.inf
    read_bytes_per_cycle: float = math.inf
    write_bytes_per_cycle: float = math.inf
    read_pj_per_byte: float | None = None
    write_pj_per_byte: float | None = None
    area_mm2: float | None = None
    ports: Literal["read_write", "shared", "per_operand", "drains_written"] = "read_write"
    double_buffered: bool = False
    slides: bool = False
    refetched: bool = False
    waits: bool = False
    tiles: tuple[str, ...] | None = None
    fanouts: tuple[FanoutDescription, ...] = ()


@dataclasses.dataclass(frozen=True)
class Description:
    """An accelerator; the fields are those of `Architecture` and `CandidateSet`."""

    name: str
    levels: tuple[LevelDescription, ...]
    clock_ghz: float = 1.0
    node_nm: float = 22.0
    bits: int = 8
    partial_bits: int = 32
    mac_pj: float | None = None
    mac_mm2: float | None = None
    link_mm2: float = 0.0
    exposed_ends: bool = False
    whole_rows: bool = False
    stationary: Literal["W", "I", "O"] | None = None
    fold_cycles: float = 0.0
    activations_stay_in: str | None = None
    matrix_products: bool = False
    objective: Objective = "latency"
    last_order: tuple[str, ...] = _LAST_ORDER


def _convert(value: Any, wanted: Any, where: str) -> Any:
    """`value` as the type of a field; UserError names the place otherwise."""
    if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
        return _read(wanted, value, where)
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is tuple:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise UserError(f"{where} must be a list, not {value!r}.")
        return tuple(_convert(entry, arguments[0], f"{where}[{i}]") for i, entry in enumerate(value))
    if origin is Literal:
        if value not in arguments:
            raise UserError(f"{where} is {value!r}; choose one of {', '.join(map(str, arguments))}.")
        return value
    if arguments:
        return None if value is None else _convert(value, arguments[0], where)
    if wanted is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, wanted) and not (wanted is int and isinstance(value, bool)):
        return value
    raise UserError(f"{where} must be {'a number' if wanted is float else wanted.__name__}, not {value!r}.")


def _read(kind: type, values: Any, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise UserError(f"{where} must be a mapping of keys to values.")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in values:
        if key not in fields:
            raise UserError(f"{where} has no key {key!r}; the keys are {', '.join(fields)}.")
    needed = [n for n, f in fields.items() if f.default is dataclasses.MISSING and n not in values]
    if needed:
        raise UserError(f"{where} lacks {', '.join(needed)}.")
    types = typing.get_type_hints(kind)
    return kind(**{key: _convert(value, types[key], f"{where}.{key}") for key, value in values.items()})


def _check(description: Description, where: str) -> None:
    levels = description.levels
    if len(levels) < 2:
        raise UserError(f"{where}: at least two levels are needed, the innermost memory and the backing store.")
    if math.isfinite(levels[-1].capacity_bytes):
        raise UserError(f"{where}: the last level {levels[-1].name!r} is the backing store and takes no capacity.")
    for name in ("bits", "partial_bits"):
        if not 4 <= getattr(description, name) <= 32:
            raise UserError(f"{where}: {name} must be 4 to 32, not {getattr(description, name)}.")
    for level in levels:
        if not level.holds or set(level.holds) - set("WIO"):
            raise UserError(f"{where}: level {level.name!r} must hold some of W, I and O, not {level.holds!r}.")
        positive = ("capacity_bytes", "read_bytes_per_cycle", "write_bytes_per_cycle")
        for name in positive:
            if not getattr(level, name) > 0:
                raise UserError(f"{where}: {name} of level {level.name!r} must be positive.")
        for fanout in level.fanouts:
            if fanout.size < 1:
                raise UserError(f"{where}: fan-out {fanout.name!r} needs a size of at least 1.")
        alternatives = [*(level.tiles or ()), *(layout for fanout in level.fanouts for layout in fanout.over)]
        for alternative in alternatives:
            if set(alternative) - set(DIMENSIONS) or len(set(alternative)) < len(alternative):
                raise UserError(
                    f"{where}: {alternative!r} at level {level.name!r} must name each of {''.join(DIMENSIONS)} once at most."
                )
    for order in description.last_order:
        if set(order) - set(DIMENSIONS) or len(set(order)) < len(order):
            raise UserError(f"{where}: last_order {order!r} must name each of {''.join(DIMENSIONS)} once at most.")
    for operand in "WIO":
        if not any(operand in level.holds for level in levels):
            raise UserError(f"{where}: no level holds {operand}.")
    if sum(len(level.fanouts) for level in levels) == 0:
        raise UserError(
            f"{where}: there is no fan-out, so nothing works in parallel; give at least one, of size 1 if need be."
        )
    names = [level.name for level in levels]
    if len(set(names)) < len(names):
        raise UserError(f"{where}: two levels have one name.")
    if description.activations_stay_in is not None and description.activations_stay_in not in names:
        raise UserError(f"{where}: activations_stay_in names no level; the levels are {', '.join(names)}.")


def _level(level: LevelDescription, node_nm: float) -> Level:
    figures = technology.memory_figures(node_nm, level.capacity_bytes)._asdict()
    figures |= {name: value for name in figures if (value := getattr(level, name)) is not None}
    return Level(
        level.name,
        level.holds,
        level.capacity_bytes,
        read_bandwidth=level.read_bytes_per_cycle,
        write_bandwidth=level.write_bytes_per_cycle,
        **figures,
        ports=level.ports,
        double_buffered=level.double_buffered,
        slides=level.slides,
        refetched=level.refetched,
        waits=level.waits,
        fanouts=tuple(Fanout(fanout.name, float(fanout.size)) for fanout in level.fanouts),
    )


def build(description: Description, where: str, dtype: jax.typing.DTypeLike = jnp.float32) -> Accelerator:
    """The accelerator of a description; `where` names its origin in errors.

    Raises:
      UserError: if it contradicts itself, or allows too many mappings to try.
    """
    _check(description, where)
    arithmetic = technology.arithmetic(description.node_nm, description.bits)
    names = [level.name for level in description.levels]
    resident = description.activations_stay_in
    architecture = build_architecture(
        [_level(level, description.node_nm) for level in description.levels],
        clock_hz=description.clock_ghz * 1e9,
        mac_pj=arithmetic.mac_pj if description.mac_pj is None else description.mac_pj,
        mac_mm2=arithmetic.mac_mm2 if description.mac_mm2 is None else description.mac_mm2,
        link_mm2=description.link_mm2,
        fold_cycles=description.fold_cycles,
        stationary=description.stationary,
        exposed_ends=description.exposed_ends,
        resident_level=None if resident is None else names.index(resident),
        whole_rows=description.whole_rows,
        dtype=dtype,
    )
    on_chip = description.levels[:-1]
    growth: list[tuple[int, Sequence[str]]] = []
    for position, level in enumerate(on_chip):
        defaults = _OUTER_GROWTH if position == len(on_chip) - 1 else _INNER_GROWTH
        growth.append((1, defaults if level.tiles is None else level.tiles))
    layouts = [fanout.over for level in description.levels for fanout in level.fanouts]
    count = math.prod(map(len, layouts)) * math.prod(len(a) for _, a in growth) * len(description.last_order)
    if count > MOST_CANDIDATES:
        raise UserError(
            f"{where}: {count:,} mappings per layer would have to be tried, more than {MOST_CANDIDATES:,}; "
            "name fewer alternatives in 'over' of the fan-outs or 'tiles' of the levels."
        )
    candidates = every_combination(layouts, growth, description.last_order, description.objective)
    candidates = dataclasses.replace(candidates, as_matrix_product=description.matrix_products)
    note = technology.sram(description.node_nm).note
    notes = (note,) if note else ()
    return Accelerator(description.name, architecture, candidates, notes, description.bits, description.partial_bits)


def read_accelerator(path: pathlib.Path, dtype: jax.typing.DTypeLike = jnp.float32) -> Accelerator:
    """The accelerator described in a YAML file.

    Raises:
      UserError: one sentence that names the file, the key and what it should hold.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UserError(f"The accelerator {path} cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"The accelerator {path} is not YAML: {' '.join(str(error).split())}") from error
    return build(_read(Description, values, str(path)), str(path), dtype)

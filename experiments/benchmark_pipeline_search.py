"""Differentiable search of FPGA pipelines against the certified optimum, every estimator beside random search.

python -m experiments.benchmark_pipeline_search --out=FILE.json --plot=FILE.png

For each of the networks of `--networks` and some drawn at random, the search runs for every seed, and its images a second
are set against those of the proven optimum. Five tables:
  certificates how long the optimum takes to prove
  default      the default search under every limit, compute mode and cost model, in the allocation of the release, beside
               random search and the best pipeline drawn at as many evaluations; and, in the corrected model, with the
               allocation searched
  learning     what learning alone reaches in ten times as many steps: the best pipeline drawn, nothing recombined
  estimators   every estimator and random search, each at the best of --learning_rates, with and without recombination of
               chunks, at equal evaluations and at equal time, and the evaluations that it takes to come within 5 % of the
               optimum; FILE.md gets the table
  settings     learning rates of the default estimator and temperatures on the smallest device
"""

import dataclasses
import itertools
import math
import pathlib
import statistics
import time
from collections.abc import Sequence
from typing import Any, Literal

import jax
from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware.fpga import Model
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import StatedNetwork
from dna_jax.runs import binary
from dna_jax.runs.directory import write_whole
from dna_jax.search import (
    ESTIMATORS,
    Estimator,
    PipelineProblem,
    PipelineSearchConfig,
    TemperatureConfig,
    certified_optimum,
    evaluations_per_step,
)
from dna_jax.spaces import as_released, fpga_pipeline_space
from experiments import benchmark_output, pipeline_search_report
from experiments.pipeline_search_cases import LIMITS, case, judge, random_networks, stated_networks

TABLES = ["certificates", "default", "learning", "estimators", "settings"]
_WITH_RANDOM = {"certificates", "default"}
"""Tables of the networks drawn at random, too."""

RATES = (1e-7, 1e-3, 0.01, 0.03, 0.05, 0.1, 0.3, 1.0)
TEMPERATURES = (0.1, 0.3, 1.0, 3.0)

LONG_STEPS = 2000
"""Of searches that only learn."""


def _say(kind: str, row: dict[str, Any]) -> None:
    words = "  ".join(f"{name} {value}" for name, value in row.items() if isinstance(value, str | bool))
    print(
        f"{kind:<11}{words}: {row['mean_percent']:6.2f} % of the optimum (least {row['least_percent']:.1f}), "
        f"{100 * row['feasible_share']:.0f} % feasible, {row['evaluations']:,} pipelines priced, "
        f"{row['seconds_per_run']:.3f} s a run",
        flush=True,
    )


def measure_certificates(networks: Sequence[StatedNetwork]) -> list[dict[str, Any]]:
    """Seconds to prove an optimum, after compilation, over networks and limits."""
    rows = []
    for mode in ("fixed", "free"):
        for model in ("released", "corrected"):
            seconds = []
            for network in networks:
                layers = PipelineProblem(network, model).layers
                space = fpga_pipeline_space(network.plan).fix(as_released(network.plan, mode=mode == "fixed"))
                certified_optimum(layers, space, LIMITS[0], model)
                for limits in LIMITS:
                    began = time.perf_counter()
                    certified_optimum(layers, space, limits, model)
                    seconds.append(time.perf_counter() - began)
            rows.append(
                {"mode": mode, "model": model, "seconds_median": statistics.median(seconds), "seconds_most": max(seconds)}
            )
            print(
                f"optimum    {mode} compute mode, {model}: {rows[-1]['seconds_median']:.3f} s, at most {max(seconds):.3f} s",
                flush=True,
            )
    return rows


DEFAULT_METHODS = {
    "default": PipelineSearchConfig(),
    "as drawn": PipelineSearchConfig(recombined=False),
    "random": PipelineSearchConfig(estimator="random"),
}
"""The default search, the same without recombination, and recombination without learning."""


def measure_default(networks: Sequence[StatedNetwork], seeds: int) -> list[dict[str, Any]]:
    """The default search everywhere, and what learning and recombination each contribute."""
    rows = []
    settings: list[tuple[Model, str]] = [("released", "released"), ("corrected", "released"), ("corrected", "searched")]
    for (model, allocation), mode, limits in itertools.product(settings, ("fixed", "free"), LIMITS):
        cases = [case(network, limits, mode, model, allocation) for network in networks]
        where = {"model": model, "allocation": allocation, "mode": mode, "limits": f"{limits.dsp:g}/{limits.bram:g}"}
        for method in DEFAULT_METHODS if allocation == "released" else ("default",):
            rows.append(where | {"method": method} | judge(cases, DEFAULT_METHODS[method], seeds))
            _say("default", rows[-1])
    return rows


def measure_learning(networks: Sequence[StatedNetwork], seeds: int) -> list[dict[str, Any]]:
    """Long searches that take the best pipeline as it was drawn, where the limits bind: corrected model."""
    estimators: list[Estimator | Literal["random"]] = ["reinforce", "straight_through", "published", "random"]
    rows = []
    for mode in ("free", "fixed"):
        cases = [case(network, limits, mode, "corrected") for network in networks for limits in LIMITS[1:]]
        for estimator in estimators:
            jax.clear_caches()
            config = PipelineSearchConfig(estimator=estimator, recombined=False, steps=LONG_STEPS)
            rows.append({"estimator": estimator, "mode": mode} | judge(cases, config, seeds))
            _say("learning", rows[-1])
    return rows


def measure_estimators(
    networks: Sequence[StatedNetwork], seeds: int, rates: Sequence[float], mode: str
) -> list[dict[str, Any]]:
    """Every estimator, and chunks that learn from the whole, where the limits bind: corrected model.

    Each has the learning rate with which the best pipeline that it draws is nearest to the optimum on average, at equal
    evaluations and on these same problems; the rows of the rates that were tried are "equal": "evaluations, rate tried".
    """
    cases = [case(network, limits, mode, "corrected") for network in networks for limits in LIMITS[1:]]
    default = PipelineSearchConfig()
    space = fpga_pipeline_space("cifar").fix(as_released("cifar", mode=mode == "fixed"))
    budget = default.steps * evaluations_per_step(default, space)
    methods = [("reinforce", True)]
    methods += [(estimator, True) for estimator in (*ESTIMATORS, "random") if estimator != "reinforce"]
    methods += [("reinforce", False)]
    rows, seconds = [], {}
    for estimator, by_chunk in methods:
        # Programs of other settings are of no more use, and more than a process may map into its memory.
        jax.clear_caches()
        config = dataclasses.replace(default, estimator=estimator, by_chunk=by_chunk, recombined=False)
        # Pricing every option leaves few samples for as many evaluations.
        config = dataclasses.replace(config, samples=1) if estimator == "expectation" else config
        config = dataclasses.replace(config, steps=max(1, budget // evaluations_per_step(config, space)))
        what = {"estimator": estimator, "by_chunk": by_chunk, "mode": mode}
        tried: list[dict[str, Any]] = []
        # Random search has no rate.
        for rate in rates if estimator != "random" else rates[:1]:
            own = {**what, "recombined": False, "learning_rate": rate if estimator != "random" else None}
            tried.append(own | judge(cases, dataclasses.replace(config, learning_rate=rate), seeds))
            _say("estimators", tried[-1])
        drawn = max(tried, key=lambda row: row["mean_percent"])
        rows += [{"equal": "evaluations, rate tried"} | row for row in tried if row is not drawn]
        config = dataclasses.replace(config, learning_rate=drawn["learning_rate"] or rates[0])
        for recombined in (False, True):
            config = dataclasses.replace(config, recombined=recombined)
            own = {**what, "recombined": recombined, "learning_rate": drawn["learning_rate"]}
            equal = own | judge(cases, config, seeds) if recombined else drawn
            rows.append({"equal": "evaluations"} | equal)
            # The default estimator comes first: its time is what all are given.
            given = seconds.setdefault(recombined, equal["seconds_per_run"])
            shortened = dataclasses.replace(config, steps=max(1, round(config.steps * given / equal["seconds_per_run"])))
            rows.append({"equal": "time"} | own | judge(cases, shortened, seeds))
            for row in rows[-2:]:
                _say("estimators", row)
    return rows


def measure_settings(networks: Sequence[StatedNetwork], seeds: int) -> list[dict[str, Any]]:
    """Learning rates of the default estimator, in either compute mode, and temperatures of the straight-through one."""
    cases = {mode: [case(network, LIMITS[2], mode, "corrected") for network in networks] for mode in ("free", "fixed")}
    rows = []
    for mode, recombined, rate in itertools.product(cases, (True, False), RATES):
        jax.clear_caches()
        config = PipelineSearchConfig(learning_rate=rate, recombined=recombined)
        what = {"learning_rate": f"{rate:g}", "mode": mode, "recombined": recombined}
        rows.append(what | judge(cases[mode], config, seeds))
        _say("settings", rows[-1])
    for temperature in TEMPERATURES:
        constant = TemperatureConfig("constant", temperature, temperature)
        config = PipelineSearchConfig(estimator="straight_through", recombined=False, temperature=constant)
        rows.append(
            {"temperature": f"{temperature:g}", "estimator": config.estimator, **judge(cases["free"], config, seeds)}
        )
        _say("settings", rows[-1])
    return rows


def define_flags() -> None:
    """The flags of this binary; not at import, so that its functions can be used elsewhere."""
    stated = THIRD_PARTY / "auto_nba" / "dna_networks.json"
    flags.DEFINE_string("networks", str(stated), "JSON file of networks: a list of {name, family, ops, bits}.")
    flags.DEFINE_integer(
        "random_networks", 4, "Networks drawn at random besides, in certificates and default.", lower_bound=0
    )
    flags.DEFINE_integer("seeds", 10, "Runs of each search.", lower_bound=1)
    flags.DEFINE_list("learning_rates", ["0.01", "0.03", "0.05", "0.1", "0.3"], "Of which estimators have their best.")
    flags.DEFINE_enum("mode", "free", ["fixed", "free"], "Compute mode in which estimators are compared.")
    flags.DEFINE_multi_enum("tables", TABLES, TABLES, "Tables to measure.")
    flags.DEFINE_string("plot", None, "PNG file of the estimators' curves; default: beside --out.")
    benchmark_output.define_out_flag()


def _rates(given: Sequence[str]) -> list[float]:
    """Learning rates of a flag; UserError unless they are finite numbers above 0."""
    try:
        rates = [float(rate) for rate in given]
    except ValueError:
        rates = []
    if not rates or not all(0 < rate < math.inf for rate in rates):
        raise UserError(f"--learning_rates={','.join(given)} must be finite numbers above 0, separated by commas.")
    return rates


def main() -> None:
    """Measure and report."""
    out = binary.output_file("out")
    picture = binary.output_file("plot", default=out and str(out.with_suffix(".png")))
    stated = stated_networks(pathlib.Path(flags.FLAGS.networks).expanduser())
    networks = stated + random_networks(flags.FLAGS.random_networks)
    seeds, tables = flags.FLAGS.seeds, flags.FLAGS.tables
    for name in ("learning_rates", "mode"):
        if flags.FLAGS[name].present and "estimators" not in tables:
            raise UserError(f"--{name} is of the table estimators; add --tables=estimators, or leave it out.")
    if flags.FLAGS["random_networks"].present and not _WITH_RANDOM & {*tables}:
        raise UserError(
            "--random_networks is of the tables certificates and default; add --tables=default, or leave it out."
        )
    if flags.FLAGS["seeds"].present and not {*tables} - {"certificates"}:
        raise UserError("--seeds is of the tables other than certificates; add --tables=default, or leave it out.")
    if flags.FLAGS["plot"].present and "estimators" not in tables:
        raise UserError("--plot draws the table estimators; add --tables=estimators, or leave it out.")
    rates = _rates(flags.FLAGS.learning_rates)
    figures: dict[str, Any] = {"seeds": seeds, "networks": {}}
    measures = {
        "certificates": lambda: measure_certificates(networks),
        "default": lambda: measure_default(networks, seeds),
        "learning": lambda: measure_learning(stated, seeds),
        "estimators": lambda: measure_estimators(stated, seeds, rates, flags.FLAGS.mode),
        "settings": lambda: measure_settings(stated, seeds),
    }
    for name in tables:
        figures["networks"][name] = [network.name for network in (networks if name in _WITH_RANDOM else stated)]
        figures[name] = measures[name]()
    if "estimators" in figures:
        table = pipeline_search_report.table(figures["estimators"])
        print(table)
        if out:
            write_whole(out.with_suffix(".md"), table)
        if picture:
            pipeline_search_report.plot(figures["estimators"], picture)
    benchmark_output.write_result("experiments.benchmark_pipeline_search", figures)


if __name__ == "__main__":
    binary.run(main, define_flags)

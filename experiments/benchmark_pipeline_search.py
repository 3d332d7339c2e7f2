"""Differentiable search of FPGA pipelines against the certified optimum, every estimator beside random search.

python -m experiments.benchmark_pipeline_search --out=FILE.json --plot=FILE.png

For each of the networks of `--networks` and some drawn at random, the search runs for every seed, and its images a second
are set against those of the proven optimum. Four tables:
  certificates how long the optimum takes to prove
  default      the default search under every limit, compute mode and cost model
  estimators   every estimator and random search, with and without recombination of chunks, at equal evaluations and at
               equal time, and the evaluations that it takes to come within 5 % of the optimum; FILE.md gets the table
  settings     learning rates and temperatures on the smallest device
"""

import dataclasses
import itertools
import math
import pathlib
import statistics
import time
from collections.abc import Sequence
from typing import Any

from absl import flags

from dna_jax.errors import UserError
from dna_jax.hardware.technology import THIRD_PARTY
from dna_jax.networks import StatedNetwork
from dna_jax.runs import binary
from dna_jax.runs.directory import write_whole
from dna_jax.search import (
    ESTIMATORS,
    PipelineProblem,
    PipelineSearchConfig,
    TemperatureConfig,
    certified_optimum,
    evaluations_per_step,
)
from dna_jax.spaces import as_released, fpga_pipeline_space
from experiments import benchmark_output, pipeline_search_report
from experiments.pipeline_search_cases import LIMITS, case, judge, random_networks, stated_networks

TABLES = ["certificates", "default", "estimators", "settings"]
_WITH_RANDOM = {"certificates", "default"}
"""Tables of the networks drawn at random, too."""

RATES = (1e-7, 1e-3, 0.01, 0.03, 0.05, 0.1, 0.3, 1.0)
TEMPERATURES = (0.1, 0.3, 1.0, 3.0)


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
                space = fpga_pipeline_space(network.plan).fix(as_released(network.plan, fixed_mode=mode == "fixed"))
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


def measure_default(networks: Sequence[StatedNetwork], seeds: int) -> list[dict[str, Any]]:
    """The default search everywhere."""
    rows = []
    for model in ("released", "corrected"):
        for mode in ("fixed", "free"):
            for limits in LIMITS:
                cases = [case(network, limits, mode, model) for network in networks]
                where = {"model": model, "mode": mode, "limits": f"{limits.dsp:g}/{limits.bram:g}"}
                rows.append(where | judge(cases, PipelineSearchConfig(), seeds))
                _say("default", rows[-1])
    return rows


def measure_estimators(
    networks: Sequence[StatedNetwork], seeds: int, learning_rate: float, mode: str
) -> list[dict[str, Any]]:
    """Every estimator at one learning rate, and chunks that learn from the whole, where the limits bind: corrected model."""
    cases = [case(network, limits, mode, "corrected") for network in networks for limits in LIMITS[1:]]
    default, space = PipelineSearchConfig(learning_rate=learning_rate), fpga_pipeline_space()
    budget = default.steps * evaluations_per_step(default, space)
    methods = [(estimator, True) for estimator in (*ESTIMATORS, "random")] + [("reinforce", False)]
    rows, seconds = [], 0.0
    for recombined in (True, False):
        for estimator, by_chunk in methods:
            config = dataclasses.replace(default, estimator=estimator, by_chunk=by_chunk, recombined=recombined)
            # Pricing every option leaves few samples for as many evaluations.
            config = dataclasses.replace(config, samples=2) if estimator == "expectation" else config
            config = dataclasses.replace(config, steps=max(1, budget // evaluations_per_step(config, space)))
            what = {"estimator": estimator, "by_chunk": by_chunk, "recombined": recombined}
            what |= {"learning_rate": f"{learning_rate:g}", "mode": mode}
            equal = judge(cases, config, seeds)
            rows.append({"equal": "evaluations", **what, **equal})
            _say("estimators", rows[-1])
            seconds = seconds or equal["seconds_per_run"]
            config = dataclasses.replace(config, steps=max(1, round(config.steps * seconds / equal["seconds_per_run"])))
            rows.append({"equal": "time", **what, **judge(cases, config, seeds)})
            _say("estimators", rows[-1])
    return rows


def measure_settings(networks: Sequence[StatedNetwork], seeds: int) -> list[dict[str, Any]]:
    """Learning rates of the default estimator, in either compute mode, and temperatures of the straight-through one."""
    cases = {mode: [case(network, LIMITS[2], mode, "corrected") for network in networks] for mode in ("free", "fixed")}
    rows = []
    for mode, recombined, rate in itertools.product(cases, (True, False), RATES):
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
    rate = PipelineSearchConfig().learning_rate
    flags.DEFINE_float("learning_rate", rate, "At which estimators are compared.")
    flags.DEFINE_enum("mode", "free", ["fixed", "free"], "Compute mode in which estimators are compared.")
    flags.DEFINE_multi_enum("tables", TABLES, TABLES, "Tables to measure.")
    flags.DEFINE_string("plot", None, "PNG file of the estimators' curves; default: beside --out.")
    benchmark_output.define_out_flag()


def main() -> None:
    """Measure and report."""
    out = binary.output_file("out")
    picture = binary.output_file("plot", default=out and str(out.with_suffix(".png")))
    stated = stated_networks(pathlib.Path(flags.FLAGS.networks).expanduser())
    networks = stated + random_networks(flags.FLAGS.random_networks)
    seeds, tables = flags.FLAGS.seeds, flags.FLAGS.tables
    for name in ("learning_rate", "mode"):
        if flags.FLAGS[name].present and "estimators" not in tables:
            raise UserError(f"--{name} is that of the table estimators; add --tables=estimators, or leave it out.")
    if flags.FLAGS["random_networks"].present and not _WITH_RANDOM & {*tables}:
        raise UserError(
            "--random_networks is of the tables certificates and default; add --tables=default, or leave it out."
        )
    if not 0 < flags.FLAGS.learning_rate < math.inf:
        raise UserError(f"--learning_rate={flags.FLAGS.learning_rate:g} must be a finite number above 0.")
    figures: dict[str, Any] = {"seeds": seeds, "networks": {}}
    measures = {
        "certificates": lambda: measure_certificates(networks),
        "default": lambda: measure_default(networks, seeds),
        "estimators": lambda: measure_estimators(stated, seeds, flags.FLAGS.learning_rate, flags.FLAGS.mode),
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

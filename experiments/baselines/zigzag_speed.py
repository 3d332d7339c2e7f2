"""How long ZigZag takes to map layers. Runs where `zigzag-dse` is installed: layers as JSON in, seconds as JSON out.

ZigZag's example of a TPU-like accelerator, loop orders chosen for the least energy-delay product.
"""

import contextlib
import json
import logging
import os
import sys
import tempfile
import time


def main() -> None:
    """Map the layers named by the first argument, one after another."""
    logging.disable(logging.CRITICAL)
    from zigzag import api  # pyright: ignore[reportMissingImports]

    inputs = os.path.join(os.path.dirname(api.__file__), "inputs")
    with open(sys.argv[1]) as file:
        layers = json.load(file)
    began = time.perf_counter()
    for layer in layers:
        groups, stride = layer["groups"], layer["stride"]
        workload = {
            "id": 0,
            "name": "Conv",
            "operator_type": "Conv",
            "equation": "O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]",
            "dimension_relations": [f"ix={stride}*ox+1*fx", f"iy={stride}*oy+1*fy"],
            "loop_dims": ["B", "G", "K", "C", "OY", "OX", "FY", "FX"],
            "loop_sizes": [1, groups, layer["K"] // groups, layer["C"] // groups, *(layer[d] for d in "PQRS")],
            "operand_precision": {"W": 8, "I": 8, "O": 16, "O_final": 8},
            "operand_source": {"I": 0, "W": 0},
        }
        with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as null, contextlib.redirect_stdout(null):
            api.get_hardware_performance_zigzag(
                [workload],
                os.path.join(inputs, "hardware", "tpu_like.yaml"),
                os.path.join(inputs, "mapping", "tpu_like.yaml"),
                opt="EDP",
                dump_folder=folder,
                lpf_limit=4,
                loma_show_progress_bar=False,
            )
    print(json.dumps({"seconds": time.perf_counter() - began, "layers": len(layers)}))


if __name__ == "__main__":
    main()

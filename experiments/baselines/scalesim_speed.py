"""How long SCALE-Sim takes to simulate layers. Runs where `scalesim` is installed: layers as JSON in, seconds as JSON out.

A 32 x 32 weight-stationary array, memories of 64 KB each.
"""

import contextlib
import json
import os
import pathlib
import sys
import tempfile
import time

_CONFIG = """[general]
run_name = speed
[architecture_presets]
ArrayHeight: 32
ArrayWidth: 32
IfmapSramSzkB: 64
FilterSramSzkB: 64
OfmapSramSzkB: 64
IfmapOffset: 0
FilterOffset: 10000000
OfmapOffset: 20000000
Bandwidth: 10
Dataflow: ws
MemoryBanks: 1
ReadRequestBuffer: 32
WriteRequestBuffer: 32
[layout]
IfmapCustomLayout: False
IfmapSRAMBankBandwidth: 10
IfmapSRAMBankNum: 10
IfmapSRAMBankPort: 2
FilterCustomLayout: False
FilterSRAMBankBandwidth: 10
FilterSRAMBankNum: 10
FilterSRAMBankPort: 2
[sparsity]
SparsitySupport: false
SparseRep: ellpack_block
OptimizedMapping: false
BlockSize: 8
RandomNumberGeneratorSeed: 40
[run_presets]
InterfaceBandwidth: CALC
UseRamulatorTrace: False
"""


def main() -> None:
    """Simulate the layers named by the first argument, one after another."""
    from scalesim.scale_sim import scalesim  # pyright: ignore[reportMissingImports]

    layers = json.loads(pathlib.Path(sys.argv[1]).read_text())
    topology, layout = ["header,"], ["header,"]
    for number, layer in enumerate(layers):
        stride = layer["stride"]
        rows, columns = (layer["P"] - 1) * stride + layer["R"], (layer["Q"] - 1) * stride + layer["S"]
        sizes = [rows, columns, layer["R"], layer["S"], layer["C"] // layer["groups"], layer["K"] // layer["groups"], stride]
        topology.append(", ".join(map(str, [f"L{number}", *sizes])) + ",")
        layout.append(", ".join([f"L{number}", *["1"] * 19]) + ",")
    with tempfile.TemporaryDirectory() as name, open(os.devnull, "w") as null:
        folder = pathlib.Path(name)
        (folder / "speed.cfg").write_text(_CONFIG)
        (folder / "topology.csv").write_text("\n".join(topology) + "\n")
        (folder / "layout.csv").write_text("\n".join(layout) + "\n")
        began = time.perf_counter()
        with contextlib.redirect_stdout(null), contextlib.redirect_stderr(null):
            simulator = scalesim(
                save_disk_space=True,
                verbose=False,
                config=str(folder / "speed.cfg"),
                topology=str(folder / "topology.csv"),
                layout=str(folder / "layout.csv"),
                input_type_gemm=False,
            )
            simulator.run_scale(top_path=str(folder / "out"))
        seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "layers": len(layers)}))


if __name__ == "__main__":
    main()

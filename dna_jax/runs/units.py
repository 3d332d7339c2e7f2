"""Titles and units of the figures that runs report."""

UNITS: dict[str, tuple[str, str]] = {
    "latency_ms": ("latency", "ms"),
    "energy_mj": ("energy", "mJ"),
    "edp": ("energy-delay product", "mJ ms"),
    "area_mm2": ("area", "mm²"),
    "area_normalized": ("area", "of baseline"),
    "peak_tops": ("peak", "int8 TOPS"),
    "fps": ("throughput", "images/s"),
    "frame_ms": ("time between images", "ms"),
    "dsp": ("multipliers", "DSP slices"),
    "bram": ("buffers", "block RAMs"),
}
"""Name -> what it is, and its unit."""

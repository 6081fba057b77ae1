"""What the steps of a training cost: wall and processor seconds of each, and the most memory held."""

from __future__ import annotations

import time
from pathlib import Path


class Laps:
    """Seconds by step in the order of the steps; `cpu` counts every thread of this process, on any core."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def __call__(self, name: str) -> None:
        """End the step `name`: what passed since the last one ended is its own."""
        wall, processor = time.perf_counter(), time.process_time()
        self.seconds[name] = round(wall - self._wall, 1)
        self.cpu[name] = round(processor - self._processor, 1)
        self._wall, self._processor = wall, processor

    def record(self) -> dict[str, float]:
        """Return the sums of both and the peak so far."""
        return {
            "wall_s": round(sum(self.seconds.values()), 1),
            "cpu_s": round(sum(self.cpu.values()), 1),
            "peak_mb": round(peak_bytes() / 1e6),
        }


def peak_bytes() -> int:
    """Most bytes resident so far; on Linux this process's own, which getrusage mixes with what it was forked from."""
    status = Path("/proc/self/status")
    if not status.is_file():
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = status.read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024

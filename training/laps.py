"""What the steps of a training cost: wall and processor seconds of each, and the most memory held; told as they end."""

from __future__ import annotations

import sys
import time
from pathlib import Path

STEPS = {
    "read": "读入", "prepare": "整理文字", "group": "归并与划分", "finetune": "微调编码器", "embed": "向量化",
    "estimate": "估计向量", "fit": "训练与校准", "report": "测量", "pack": "写出模型包",
}  # fmt: skip
"""What the steps are called."""


class Laps:
    """Seconds by step in the order of the steps; `cpu` counts every thread of this process, on any core.

    With `shown` each is told on standard error when it ends, so that a long training is seen to go on.
    """

    def __init__(self, *, shown: bool = False) -> None:
        self.shown = shown
        self.seconds: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def __call__(self, name: str) -> None:
        """End the step `name`: what passed since the last one ended is its own."""
        wall, processor = time.perf_counter(), time.process_time()
        self.seconds[name] = round(wall - self._wall, 1)
        self.cpu[name] = round(processor - self._processor, 1)
        self._wall, self._processor = wall, processor
        if self.shown:
            said = f"{STEPS.get(name, name)}:{self.seconds[name]:g} 秒(处理器 {self.cpu[name]:g} 秒)"
            print(said, file=sys.stderr, flush=True)

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

"""How much memory the program has needed, as mlp says it of itself (src/base/peak_memory.c)."""
import resource
import sys


def peak_kib():
    """The most that was resident at a time; what the parent held is not counted, as it is in
    Linux's ru_maxrss."""
    try:
        with open("/proc/self/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak

"""Cores that a host may share, or put apart: on a virtual machine two of them may at times be the
two halves of one, and every program is then half as fast, or each the half of one whose other half
another guest has, and a program slower the more instructions it has for each multiply-add, or lie on
different parts of the chip, and a cache line takes several times as long from one to the other. What
was measured meanwhile says less of the program than of the host."""
import time

from contenders import note, run

WHOLE = 0.85  # of the best peaks: less, and something else is at work
NEAR = 2.0  # times the shortest barrier: more, and they are apart
ATTEMPTS, WAITS = 4, 30


class SharedCores:
    def __init__(self, micro, threads, pause=time.sleep):
        self.micro, self.threads, self.pause = micro, threads, pause
        self.best, self.most, self.nearest = 0.0, 0.0, float("inf")
        for _ in range(5):
            self.are_whole_and_near()

    def ask(self, what):
        return float(run([self.micro, what, "--threads", str(self.threads)])[1])

    def peak(self):
        """Multiply-adds of all threads at once, GFLOP/s: a tenth of a second."""
        return self.ask("--peak")

    def adds(self):
        """Additions of integers of all threads at once, billions a second."""
        return self.ask("--adds")

    def barrier(self):
        """How long all threads need to meet, ns: a tenth of a second."""
        return self.ask("--barrier")

    def are_whole_and_near(self):
        peak, adds, barrier = self.peak(), self.adds(), self.barrier()
        self.best, self.most = max(self.best, peak), max(self.most, adds)
        self.nearest = min(self.nearest, barrier)
        return (peak >= WHOLE * self.best and adds >= WHOLE * self.most
                and barrier <= NEAR * self.nearest)

    def wait(self):
        for _ in range(WAITS):
            if self.are_whole_and_near():
                return
            self.pause(1)

    def measure(self, measure):
        """What measure() returns, once the cores were whole and near before it and after it; the
        last answer where that does not happen."""
        for left in reversed(range(ATTEMPTS)):
            self.wait()
            found = measure()
            if self.are_whole_and_near():
                break
            note("  the cores were shared or apart%s" % ("; again" if left else ", each time"))
        return found

"""Cores that a host may share: on a virtual machine two of them may at times be the two halves of
one, and every program is then half as fast. What was measured meanwhile says nothing of either."""
import time

from contenders import note, run

WHOLE = 0.85  # of the best peak: less, and something else is at work
ATTEMPTS, WAITS = 4, 30


class SharedCores:
    def __init__(self, micro, threads, pause=time.sleep):
        self.micro, self.threads, self.pause = micro, threads, pause
        self.best = 0.0
        for _ in range(5):
            self.are_whole()

    def peak(self):
        """Multiply-adds of all threads at once, GFLOP/s: a tenth of a second."""
        return float(run([self.micro, "--peak", "--threads", str(self.threads)])[1])

    def are_whole(self):
        peak = self.peak()
        self.best = max(self.best, peak)
        return peak >= WHOLE * self.best

    def wait(self):
        for _ in range(WAITS):
            if self.are_whole():
                return
            self.pause(1)

    def measure(self, measure):
        """What measure() returns, once the cores were whole before it and after it; the last
        answer where that does not happen."""
        for left in reversed(range(ATTEMPTS)):
            self.wait()
            found = measure()
            if self.are_whole():
                break
            note("  the cores were shared%s" % ("; again" if left else ", each time"))
        return found

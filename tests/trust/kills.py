#!/usr/bin/env python3
"""Usage: kills.py [--seed N] COUNT

Starts trainings and kills them with SIGKILL at random moments, COUNT times in all. A killed one is
resumed, and may be killed again, until one gets to its end by itself. After each kill every
checkpoint in the run's folder is whole; at the end the folder holds what a run without kills
leaves there: the same files, the same bytes of best and last, the same epoch lines, none twice
and none left out, and one end line. faults.py kills at each call; here the moments are free.
"""

import argparse
import random
import subprocess
import time
from pathlib import Path

from trust import Tally, Workshop, check_same, must, result, run


def start(shop, folder):
    """A training in this folder, from wherever it stands."""
    if not folder.exists():
        words = shop.train(folder)
    elif (folder / "config.json").exists():
        words = shop.resume(folder)
    else:
        done = run(shop.resume(folder))
        assert done.returncode == 3, f"no config.json: exit {done.returncode}: {done.stderr}"
        for path in folder.iterdir():  # a temporary file of the config, at most
            path.unlink()
        words = shop.train(folder)
    return subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


class Killer:
    def __init__(self, shop, seed):
        self.shop, self.random = shop, random.Random(seed)
        self.kills = self.writing = 0
        straight = shop.folder / "straight"
        begin = time.monotonic()
        must(shop.train(straight))
        self.seconds = time.monotonic() - begin
        self.wanted = result(straight)

    def kill_once(self, folder):
        """Whether the training got away and is complete."""
        process = start(self.shop, folder)
        try:
            _, errors = process.communicate(timeout=self.random.uniform(0, self.seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.kills += process.returncode == -9
            self.writing += any(folder.glob("*.tmp-*"))
            self.shop.check_checkpoints(folder)
            return False
        assert process.returncode == 0, f"exit {process.returncode}: {errors}"
        return True

    def run_to_the_end(self, folder, limit):
        while self.kills < limit and not self.kill_once(folder):
            pass
        check_same(result(self.shop.finish(folder)), self.wanted)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n", 1)[0][7:])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("count", type=int)
    options = parser.parse_args()
    tally, runs = Tally(), 0
    with Workshop(epochs=40) as shop:
        killer = Killer(shop, options.seed)
        while killer.kills < options.count and tally.failed < 3:
            runs += 1
            tally.check(f"run {runs}, after {killer.kills} kills", killer.run_to_the_end,
                        Path(shop.folder / f"run{runs}"), options.count)
    print(f"{killer.kills} kills in {runs} runs, {killer.writing} while a file was being written")
    tally.close()


if __name__ == "__main__":
    main()

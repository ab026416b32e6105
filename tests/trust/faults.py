#!/usr/bin/env python3
"""Usage: faults.py [--stride N] [PROGRAM]

Runs each command of mlp again and again while the system fails at call 1, 2, 3, ... of those that
faults.c counts, until a run meets no fault; with --stride N at every Nth of them. PROGRAM is the
one that faults.c is linked into, build/asan/mlp-faults by default: leaks show too.

Each time: exit 1 and an error message, or exit 0 and the very results of a healthy run; no report
of a sanitizer, no temporary file left, every file under a final name whole; and a training that
failed can be resumed, by a healthy program, to the same bytes. The same when all calls from the
Nth on fail, and, of a training, when the program is killed there. Then once with calls that are
interrupted or do less than they were asked for, which has to change nothing.
"""

import argparse
import os
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trust import ROOT, Tally, Workshop, check_same, must, result, run

SANITIZERS = {"ASAN_OPTIONS": "exitcode=99:detect_leaks=1", "LSAN_OPTIONS": "exitcode=99"}


def steady(text, folder):
    """Output without what differs from run to run."""
    text = text.replace(f"{folder}/", "")
    text = re.sub(r'"(seconds|images_per_second|peak_memory_bytes)": [^,}]*', "", text)
    return re.sub(r"\d+ images/s|[\d.]+ m?s\b", "", text)


class Command:
    """A command to disturb: its words, and what its folder holds when it starts."""

    def __init__(self, name, words, start=None, trains=False):
        self.name, self.words, self.start, self.trains = name, words, start, trains


class Disturbance:
    """One command, its healthy result, and what may become of a disturbed one."""

    def __init__(self, shop, program, command):
        self.shop, self.program, self.command = shop, program, command
        with tempfile.TemporaryDirectory(dir=shop.folder) as folder:
            done = self.execute(Path(folder), "count")
            assert done.returncode == 0, f"healthy: exit {done.returncode}: {done.stderr}"
            self.stdout = steady(done.stdout, folder)
            self.files = self.contents(Path(folder))
            self.calls = {name: int(n) for name, n in
                          re.findall(r"^faults: (\w+) (\d+)$", done.stderr, re.M)}
            self.result = result(Path(folder) / "run") if command.trains else None

    def execute(self, folder, fault):
        if self.command.start is not None:
            shutil.copytree(self.command.start, folder / "run")
        return run([self.program, *self.command.words], cwd=folder,
                   env=os.environ | SANITIZERS | {"MLP_FAULT": fault})

    def contents(self, folder):
        """Of files that a command which does not train leaves."""
        if self.command.trains:
            return None
        return {path.relative_to(folder): path.read_bytes()
                for path in folder.rglob("*") if path.is_file()}

    def check(self, fault):
        """The name of the call that was struck; None when the run was over before."""
        with tempfile.TemporaryDirectory(dir=self.shop.folder) as name:
            folder = Path(name)
            done = self.execute(folder, fault)
            struck = re.search(r"^faults: struck (\w+)$", done.stderr, re.M)
            if fault.startswith("kill") and struck:
                assert done.returncode == -9, f"exit {done.returncode}"
            else:
                self.check_ending(done, fault, folder)
            if self.command.trains:
                self.check_run(folder / "run")
            return struck and struck[1]

    def check_ending(self, done, fault, folder):
        assert "Sanitizer" not in done.stderr, done.stderr
        assert done.returncode in ((0,) if fault == "interrupt" else (0, 1)), \
            f"exit {done.returncode}: {done.stderr}"
        left = [path.name for path in folder.rglob("*.tmp-*")]
        assert not left, f"left {left}"
        files = self.contents(folder)
        if done.returncode == 0:
            assert steady(done.stdout, folder) == self.stdout, f"exit 0 with other results: {done.stdout}"
            assert files == self.files, "exit 0 with other files"
            return
        assert "mlp: error: " in done.stderr, f"no message: {done.stderr}"
        for path, text in (files or {}).items():
            assert text == self.files.get(path), f"{path} is not whole"

    def check_run(self, run_folder):
        if run_folder.exists():
            self.shop.check_checkpoints(run_folder)
            check_same(result(self.shop.finish(run_folder)), self.result)


def commands(shop):
    """Every command, on what a healthy program made."""
    half, whole = shop.folder / "half", shop.folder / "whole"
    must(shop.train(half) + ["--set", "train.epochs=1"])
    must(shop.train(whole))
    best, images = whole / "best.safetensors", shop.data / "t10k-images-idx3-ubyte.gz"
    picture = shop.folder / "digit.pgm"
    picture.write_bytes(b"P5 28 28 255\n" + bytes(range(196)) * 4)
    return [
        Command("train", ["train", "-q", "--config", shop.config, "--out", "run"], trains=True),
        Command("train by name", ["train", "-q", "--config", shop.config, "--set", "run.dir=."],
                trains=True),
        Command("resume", ["train", "-q", "--resume", "run", "--set", "train.epochs=2"], half, True),
        Command("eval", ["eval", "--checkpoint", best, "--threads", "2"]),
        Command("eval json", ["eval", "--checkpoint", best, "--format", "json", "--split",
                              "validation"]),
        Command("predict idx", ["predict", "--checkpoint", best, images]),
        Command("predict pgm", ["predict", "--checkpoint", best, "--format", "json", picture]),
        Command("info", ["info", "--checkpoint", whole / "last.safetensors"]),
        Command("data check", ["data", "check", shop.data]),
        Command("data make-digits", ["data", "make-digits", "--out", "d", "--train", 30, "--test",
                                     10]),
    ]


def disturb(tally, disturbance, action, stride):
    """Faults at calls 1, 1 + stride, ...; their number."""
    def check_at(n):
        fault = f"{action}:{n}"
        return tally.check(f"{disturbance.command.name}, {fault}", disturbance.check, fault)

    total = sum(disturbance.calls.values())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(struck is not None for struck in pool.map(check_at, range(1, total + 1, stride)))


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n", 1)[0][7:])
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("program", nargs="?", default=ROOT / "build/asan/mlp-faults", type=Path)
    options = parser.parse_args()
    tally, faults = Tally(), 0
    with Workshop(epochs=2) as shop:
        for command in commands(shop):
            disturbance = tally.check(f"{command.name}, healthy", Disturbance, shop,
                                      options.program.resolve(), command)
            if disturbance is None:
                continue
            calls = ", ".join(f"{name} {n}" for name, n in disturbance.calls.items() if n)
            counts = [disturb(tally, disturbance, action, options.stride)
                      for action in ("fail", "fail-from", "kill")
                      if action != "kill" or command.trains]
            tally.check(f"{command.name}, interrupt", disturbance.check, "interrupt")
            faults += sum(counts)
            print(f"{command.name}: {sum(counts)} faults ({calls})", flush=True)
    print(f"{faults} faults injected")
    tally.close()


if __name__ == "__main__":
    main()

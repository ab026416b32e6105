"""What the tests of reliability share: drawn digits, a small training, what is left of a run."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMES = ("seconds", "images_per_second", "peak_memory_bytes")


def run(command, **options):
    """The finished process, with its output as text."""
    options.setdefault("timeout", 120)
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          errors="replace", stdin=subprocess.DEVNULL, **options)


def must(command, **options):
    """What a command prints that has to succeed."""
    done = run(command, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


class Workshop:
    """A scratch folder with digits and a config, and the healthy program."""

    def __init__(self, epochs, **settings):
        self.mlp = Path(os.environ.get("MLP", ROOT / "mlp")).resolve()
        self.folder = Path(tempfile.mkdtemp(prefix="mlp-trust-"))
        self.data = self.folder / "digits"
        self.config = self.folder / "config.json"
        self.epochs = epochs
        must([self.mlp, "data", "make-digits", "--out", self.data, "--train", 300, "--test", 60])
        train = {"epochs": epochs, "batch_size": 20, "sgd": {"lr": 0.05}} | settings
        self.config.write_text(json.dumps({
            "name": "run",
            "data": {"dir": "digits", "validation_fraction": 0.2},
            "model": {"hidden": [8]},
            "train": train,
            "run": {"threads": 2},
        }))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def train(self, out):
        return [self.mlp, "train", "-q", "--config", self.config, "--out", out]

    def resume(self, run_folder):
        return [self.mlp, "train", "-q", "--resume", run_folder,
                "--set", f"train.epochs={self.epochs}"]

    def check_checkpoints(self, run_folder):
        """Every file under a checkpoint's name is one, whole."""
        for path in Path(run_folder).glob("*.safetensors"):
            must([self.mlp, "info", "--checkpoint", path])

    def finish(self, run_folder):
        """Resumes, or starts anew what never got as far as a config; the folder of the run."""
        if (Path(run_folder) / "config.json").exists():
            must(self.resume(run_folder))
            return run_folder
        done = run(self.resume(run_folder))
        assert done.returncode == 3, f"no config.json: exit {done.returncode}: {done.stderr}"
        anew = Path(f"{run_folder}-anew")
        must(self.train(anew))
        return anew


def result(run_folder):
    """All that a run has to leave, whatever happened to it: checkpoints and epoch lines."""
    folder = Path(run_folder)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    epochs = [{key: value for key, value in line.items() if key not in TIMES}
              for line in lines if line["event"] == "epoch"]
    ends = sum(line["event"] == "end" for line in lines)
    left = sorted(path.name for path in folder.iterdir())
    return {
        "best": (folder / "best.safetensors").read_bytes(),
        "last": (folder / "last.safetensors").read_bytes(),
        "epochs": epochs,
        "ends": ends,
        "files": left,
    }


def check_same(found, wanted):
    for key, value in wanted.items():
        if found[key] != value:
            shown = "" if isinstance(value, bytes) else f": found {found[key]}, wanted {value}"
            raise AssertionError(f"the run's {key} differ{shown}")


class Tally:
    """Counts tests as scripts/test.sh reads them, and tells of those that failed."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, function, *arguments):
        try:
            value = function(*arguments)
            self.passed += 1
            return value
        except (AssertionError, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
            self.failed += 1
            print(f"FAILED {what}: {error}", flush=True)
            return None

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed or not self.passed else 0)

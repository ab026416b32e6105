"""Who is measured: mlp, PyTorch and scikit-learn, each as processes of its own.

A contender trains a Case with measure(case) and answers with a dictionary: epoch (seconds, the
median without the first, which warms up caches, allocators, a compiler), total (seconds from
start to exit), peak_mib. A peer first finds its fastest setting for the case: only that one is
compared.
"""
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CLOSE = 1.3  # times the fastest: no slower than a noisy minute makes the same program


class Failed(Exception):
    """A command ended with another exit code than 0."""


def note(text):
    print(text, file=sys.stderr, flush=True)


def run(command, env=None):
    """Seconds from start to exit, and stdout."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        code = subprocess.call(command, stdout=out, stderr=err, env=env, stdin=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        out.seek(0)
        err.seek(0)
        if code != 0:
            raise Failed("%s: exit %d: %s" % (
                " ".join(command), code, err.read().decode(errors="replace")[-300:]))
        return seconds, out.read().decode()


def epoch_seconds(seconds):
    return statistics.median(seconds[1:] or seconds)


def peer_environment(threads, blas_threads):
    """Peers run at their best: nothing that slows their BLAS down, and the threads asked for.
    A BLAS that brings its own threads gets its own number."""
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env.update(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    env.update(OPENBLAS_NUM_THREADS=str(blas_threads))
    return env


class Mlp:
    def __init__(self, program, folder, threads, precision="fp32"):
        self.program, self.threads, self.precision = program, threads, precision
        self.name = "mlp" if precision == "fp32" else "mlp " + precision
        self.name += ", 1 thread" if threads == 1 else ""
        self.folder, self.runs = os.path.join(folder, self.name), 0
        os.mkdir(self.folder)
        if precision != "fp32":  # a build that lacks it says so here
            self.train({"data": {"dir": folder}}, "--print-config")

    def train(self, config, *arguments):
        """What run() says of `mlp train`."""
        path = os.path.join(self.folder, "config.json")
        with open(path, "w") as f:
            json.dump(config, f)
        command = [self.program, "train", "--config", path, "--quiet", *arguments]
        command += ["--threads", str(self.threads)]
        if self.precision != "fp32":
            command += ["--set", "train.precision=" + self.precision]
        return run(command)

    def measure(self, case):
        self.runs += 1
        out = os.path.join(self.folder, "run%d" % self.runs)
        total, _ = self.train({
            "data": {"dir": os.path.abspath(case.data)},
            "model": {"hidden": list(case.hidden)},
            "train": {"epochs": case.epochs, "batch_size": case.batch,
                      "sgd": {"lr": case.lr, "momentum": 0.9}},
        }, "--out", out)
        self.weights = os.path.join(out, "best.safetensors")
        events = metrics(out)
        seconds = [e["seconds"] for e in events if e["event"] == "epoch"]
        return {"setting": threads_text(self.threads), "epoch": epoch_seconds(seconds),
                "total": total, "peak_mib": events[-1]["peak_memory_bytes"] / 2**20}

    def predict(self, *files):
        """Seconds from start to exit, with the weights of the last measure()."""
        return run([self.program, "predict", "--checkpoint", self.weights, *files])[0]


def metrics(run_folder):
    with open(os.path.join(run_folder, "metrics.jsonl")) as f:
        return [json.loads(line) for line in f]


def threads_text(threads):
    return "1 thread" if threads == 1 else "%d threads" % threads


class Peer:
    """What PyTorch and scikit-learn share: the search for the fastest setting of a case. A
    setting is (variant, threads, threads of a BLAS that brings its own). settle(measure) is what
    measure() returns when the machine lets it."""

    def __init__(self, python, threads, quick, settle):
        self.python, self.threads, self.quick, self.settle = python, threads, quick, settle
        self.fastest = {}  # (hidden, batch) -> setting

    def attempts(self, case, settings):
        """(seconds of the fastest epoch, setting) of those that run."""
        found = []
        for setting in settings:
            try:
                result = self.settle(
                    lambda: self.train(dataclasses.replace(case, epochs=3), setting))
            except Failed as failure:
                why = str(failure).strip().splitlines()[-1][-90:]
                note("  %s, %s: not available: %s" % (self.name, setting[0], why))
                continue
            seconds = result["fastest"]
            note("  %s, %s: %.3f s" % (self.name, self.setting_text(setting), seconds))
            found.append((seconds, setting))
        return found

    def tune(self, case):
        """The fastest setting: first the variant, with all threads; then, for it, the threads.
        Variants that come close get a second time, minutes later: what else the machine did
        during the first must not decide."""
        key = (case.hidden, case.batch)
        if key in self.fastest:
            return self.fastest[key]
        all_threads = (self.threads, self.threads)
        settings = [(variant, *all_threads) for variant in self.variants]
        if self.quick:
            self.fastest[key] = settings[0]
            return settings[0]
        note("%s, %s: finding the fastest setting" % (self.name, case))
        found = self.attempts(case, settings)
        if not found:
            raise Failed("%s: no variant runs" % self.name)
        close = [setting for seconds, setting in found if seconds < CLOSE * min(found)[0]]
        if len(close) > 1:
            found += self.attempts(case, close)
        variant = min(found)[1][0]
        found += self.attempts(
            case, [(variant, *n) for n in self.thread_counts if n != all_threads])
        self.fastest[key] = min(found)[1]
        return self.fastest[key]

    def measure(self, case):
        setting = self.tune(case)
        result = self.train(case, setting)
        del result["fastest"]
        return dict(result, setting=self.setting_text(setting))

    def train(self, case, setting):
        variant, threads, blas_threads = setting
        command = [self.python, os.path.join(HERE, self.script), *self.arguments(case, variant)]
        total, out = run(command, peer_environment(threads, blas_threads))
        result = json.loads(out)
        return {"epoch": epoch_seconds(result["seconds"]), "fastest": min(result["seconds"]),
                "total": total, "peak_mib": result["peak_kib"] / 1024}

    def setting_text(self, setting):
        variant, threads, blas_threads = setting
        text = "%s, %s" % (variant, threads_text(threads))
        return text if threads == blas_threads else "%s, BLAS %d" % (text, blas_threads)


class Torch(Peer):
    script = "bench_torch.py"
    # fp32 may use every way of writing it; "autocast" and "medium" are its two ways to let the
    # products run in bf16: torch.autocast, and set_float32_matmul_precision("medium").
    all_variants = {
        "fp32": ("loop", "foreach", "fused", "compile+loop", "compile+fused"),
        "autocast": ("autocast+foreach", "autocast+fused", "autocast+compile+fused"),
        "medium": ("medium+foreach", "medium+fused", "medium+compile+fused"),
    }

    def __init__(self, python, threads, quick, settle, folder, precision="fp32"):
        super().__init__(python, threads, quick, settle)
        about = "import torch; print(torch.__version__, torch.backends.mkl.is_available())"
        version, mkl = run([python, "-c", about])[1].split()
        self.name = "PyTorch " + version.split("+")[0]
        if precision != "fp32":
            self.name += " bf16 " + precision
        # MKL shares PyTorch's threads; another BLAS may do better on one beside them.
        counts = sorted({1, threads})
        self.thread_counts = [(t, b) for t in counts for b in counts if t == b or mkl != "True"]
        self.variants = self.all_variants[precision]
        self.weights = os.path.join(folder, self.name + ".pt")

    def arguments(self, case, variant):
        hidden = [str(h) for h in case.hidden]
        return ["train", "--data", case.data, "--hidden", *hidden, "--batch", str(case.batch),
                "--lr", str(case.lr), "--variant", variant, "--epochs", str(case.epochs),
                "--save", self.weights]

    def answer(self, arguments, script=script):
        """(seconds from start to exit, what the script prints), on all threads."""
        command = [self.python, os.path.join(HERE, script), *arguments]
        seconds, out = run(command, peer_environment(self.threads, self.threads))
        return seconds, json.loads(out)

    def predict(self, image):
        return self.answer(["predict", "--weights", self.weights, "--image", image])[0]

    def throughput(self, data):
        """Images a second at the best batch size, which it names."""
        return self.answer(["throughput", "--weights", self.weights, "--data", data])[1]

    def import_seconds(self):
        return run([self.python, "-c", "import torch"])[0]


class Sklearn(Peer):
    script = "bench_sklearn.py"
    variants = ("MLPClassifier",)

    def __init__(self, python, threads, quick, settle):
        super().__init__(python, threads, quick, settle)
        version = run([python, "-c", "import sklearn; print(sklearn.__version__)"])[1].strip()
        self.name = "scikit-learn " + version
        self.thread_counts = [(n, n) for n in sorted({1, threads})]

    def arguments(self, case, _):
        hidden = [str(h) for h in case.hidden]
        return ["--data", case.data, "--hidden", *hidden, "--batch", str(case.batch),
                "--lr", str(case.lr), "--epochs", str(case.epochs)]

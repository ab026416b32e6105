"""Times mlp beside PyTorch and scikit-learn; scripts/bench_peers.sh prepares and calls it.

All train 784-128-10 on the same images: batch 128, SGD with lr 0.1 and momentum 0.9. Each peer
first shows which of its variants and thread counts is its fastest; only that one is compared.
Then come the rounds: in each, every contender runs once, one after the other, so that what else
the machine does falls on all alike. A run's figure is the median of its epochs without the
first; the table shows the median over the rounds, and the median of the rounds' own ratios.
Prints a Markdown table on stdout, what it is doing on stderr.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIG = {
    "name": "bench",
    "seed": 1,
    "model": {"hidden": [128]},
    "train": {"batch_size": 128, "sgd": {"lr": 0.1, "momentum": 0.9}},
}
IMAGE_BYTES = 784


class Failed(Exception):
    """A command ended with another exit code than 0."""


def note(text):
    print(text, file=sys.stderr, flush=True)


def peer_environment(threads, blas_threads):
    """Peers run at their best: nothing that slows their BLAS down, and the threads asked for.
    A BLAS that brings its own threads gets its own number."""
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    env.update(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    env.update(OPENBLAS_NUM_THREADS=str(blas_threads))
    return env


def run(command, env=None):
    """Seconds from start to exit, peak memory in MiB, stdout."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, env=env, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            raise Failed("%s: exit %d: %s" % (
                " ".join(command), process.returncode, err.read().decode(errors="replace")[-300:]))
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return seconds, usage.ru_maxrss / unit, out.read().decode()


def epoch_seconds(seconds):
    """The first epoch warms up: caches, allocators, a compiler."""
    return statistics.median(seconds[1:] or seconds)


class Mlp:
    def __init__(self, args, folder):
        self.name = "mlp"
        self.setting = "%d threads" % args.threads
        self.import_command = None
        self.program, self.epochs, self.threads = args.mlp, args.epochs, args.threads
        self.folder, self.runs = folder, 0
        self.config = os.path.join(folder, "config.json")
        config = dict(CONFIG, data={"dir": os.path.abspath(args.data)})
        with open(self.config, "w") as f:
            json.dump(config, f)

    def train(self):
        self.runs += 1
        out = os.path.join(self.folder, "run%d" % self.runs)
        command = [self.program, "train", "--config", self.config, "--out", out, "--quiet"]
        command += ["--threads", str(self.threads), "--set", "train.epochs=%d" % self.epochs]
        total, peak, _ = run(command)
        with open(os.path.join(out, "metrics.jsonl")) as f:
            events = [json.loads(line) for line in f]
        self.weights = os.path.join(out, "best.safetensors")
        return {
            "epoch": epoch_seconds([e["seconds"] for e in events if e["event"] == "epoch"]),
            "peak": peak,
            "total": total,
        }

    def predict(self, image):
        return run([self.program, "predict", "--checkpoint", self.weights, image])[0]


class Torch:
    """A PyTorch, with the variant and thread counts that tune() found fastest."""

    def __init__(self, name, python, args, folder):
        self.args = args
        self.script = [python, os.path.join(HERE, "bench_torch.py")]
        self.weights = os.path.join(folder, "weights.%s.pt" % name)
        self.import_command = [python, "-c", "import torch"]
        about = "import torch; print(torch.__version__, torch.backends.mkl.is_available())"
        version, mkl = run([python, "-c", about])[2].split()
        self.name = "PyTorch %s (%s)" % (version, name)
        self.choice = self.tune(mkl == "True")
        self.setting = "%s, %d threads, BLAS %d" % self.choice

    def measure(self, variant, threads, blas_threads, epochs):
        command = self.script + ["--threads", str(threads), "train", "--data", self.args.data]
        command += ["--variant", variant, "--epochs", str(epochs), "--save", self.weights]
        total, _, out = run(command, peer_environment(threads, blas_threads))
        result = json.loads(out)
        return {
            "epoch": epoch_seconds(result["seconds"]),
            "fastest": min(result["seconds"]),
            "peak": result["peak_kib"] / 1024,
            "total": total,
        }

    def tune(self, mkl):
        """The fastest choice of variant, threads and BLAS threads. MKL shares PyTorch's threads;
        another BLAS may do better on one beside them. By each choice's fastest epoch: what else
        the machine does must not decide."""
        found = []
        counts = sorted({(t, b) for t in (1, self.args.threads) for b in ((t,) if mkl else (1, t))})
        for variant in ("loop", "foreach", "fused", "compile"):
            for threads, blas_threads in counts:
                choice = (variant, threads, blas_threads)
                try:
                    seconds = self.measure(*choice, epochs=5)["fastest"]
                except Failed as failure:
                    note("  %s, %s: not available: %s" % (self.name, variant, str(failure)[-90:].strip()))
                    break
                note("  %s, %s, threads %d, BLAS threads %d: %.3f s" % (self.name, *choice, seconds))
                found.append((seconds, choice))
        return min(found)[1]

    def train(self):
        return self.measure(*self.choice, epochs=self.args.epochs)

    def predict(self, image):
        command = self.script + ["predict", "--weights", self.weights, "--image", image]
        return run(command, peer_environment(self.choice[1], self.choice[2]))[0]


class Sklearn:
    def __init__(self, python, args):
        self.args, self.predict = args, None
        self.script = [python, os.path.join(HERE, "bench_sklearn.py"), "--data", args.data]
        self.import_command = [python, "-c", "import sklearn.neural_network"]
        version = run([python, "-c", "import sklearn; print(sklearn.__version__)"])[2].strip()
        self.name = "scikit-learn " + version
        self.threads = min((1, args.threads), key=lambda n: self.measure(n)["epoch"])
        self.setting = "BLAS %d" % self.threads

    def measure(self, threads):
        command = self.script + ["--epochs", str(self.args.epochs)]
        total, _, out = run(command, peer_environment(threads, threads))
        result = json.loads(out)
        return {
            "epoch": epoch_seconds(result["seconds"]),
            "peak": result["peak_kib"] / 1024,
            "total": total,
        }

    def train(self):
        return self.measure(self.threads)


def median_of(rounds, key):
    return statistics.median(r[key] for r in rounds)


def cold(contender, image, times):
    """Medians of seconds: the import alone, and one prediction from start to exit."""
    importing = predicting = None
    if contender.import_command:
        importing = statistics.median(run(contender.import_command)[0] for _ in range(times))
    if contender.predict:
        predicting = statistics.median(contender.predict(image) for _ in range(times))
    return importing, predicting


def shown(value, scale, digits):
    return "-" if value is None else "%.*f" % (digits, value * scale)


def print_table(contenders, results, colds, args):
    print("784-128-10, batch 128, SGD lr 0.1 momentum 0.9, 60,000 images; medians of %d rounds of %d"
          " epochs and of %d cold starts\n" % (args.rounds, args.epochs, args.cold))
    print("| | setting | s per epoch | times mlp's (least to most) | peak MiB | import s |"
          " %d epochs, start to exit s | predict one image, start to exit ms |" % args.epochs)
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    base = results[contenders[0]]
    for c in contenders:
        ratios = [r["epoch"] / b["epoch"] for r, b in zip(results[c], base)]
        importing, predicting = colds[c]
        print("| %s | %s | %.4f | %.2f (%.2f to %.2f) | %.0f | %s | %.2f | %s |" % (
            c.name, c.setting, median_of(results[c], "epoch"), statistics.median(ratios),
            min(ratios), max(ratios), median_of(results[c], "peak"), shown(importing, 1, 2),
            median_of(results[c], "total"), shown(predicting, 1000, 1)))


def optional(name, make):
    """The contender, or None and a word why not."""
    note("%s: finding its best setting" % name)
    try:
        return make()
    except (Failed, OSError) as failure:
        note("  left out: %s" % failure)
        return None


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mlp", required=True)
    parser.add_argument("--data", required=True, help="folder with the four MNIST files")
    parser.add_argument("--torch", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--sklearn", metavar="PYTHON")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4, help="of each run")
    parser.add_argument("--cold", type=int, default=20, help="cold starts")
    return parser.parse_args()


def main():
    args = parse_args()
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as folder:
        contenders = [Mlp(args, folder)]
        for pair in args.torch:
            name, python = pair.split("=", 1)
            contenders.append(optional(name, lambda: Torch(name, python, args, folder)))
        if args.sklearn:
            contenders.append(optional("scikit-learn", lambda: Sklearn(args.sklearn, args)))
        contenders = [c for c in contenders if c]

        results = {c: [] for c in contenders}
        for i in range(args.rounds):
            for c in contenders:
                results[c].append(c.train())
            note("round %d: %s" % (i + 1, ", ".join(
                "%s %.4f s" % (c.name, results[c][-1]["epoch"]) for c in contenders)))

        image = os.path.join(folder, "image.raw")
        with open(image, "wb") as f:
            f.write(bytes(range(256)) * 3 + bytes(IMAGE_BYTES - 768))
        note("cold starts")
        colds = {c: cold(c, image, args.cold) for c in contenders}
        print_table(contenders, results, colds, args)


if __name__ == "__main__":
    main()

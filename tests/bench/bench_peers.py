"""Times mlp beside PyTorch and scikit-learn; scripts/bench_peers.sh prepares and calls it.

Every section goes in rounds: in each, every contender runs once, one after the other, so that
what else the machine does falls on all alike, and ratios are taken within a round. Whoever ran
while the machine had fewer cores to give than at its best, or cores farther apart, runs again
(shared_cores.py). A peer first shows which of its settings is its fastest for the case
(contenders.py); only that one is compared.

Writes what it measured, nothing computed from it, as JSON: {section: {"about": ..., "records":
[{"case", "contender", "round", ...}, ...]}}. Sections that are not measured stay as the file has
them. report.py turns it into tables and plots.
"""
import argparse
import datetime
import json
import os
import platform
import sys
import tempfile

from contenders import Failed, Mlp, Sklearn, Torch, metrics, note, run
from shared_cores import SharedCores
from workloads import (TRAIN, Case, count_images, make_inverted, make_noise, make_repeated,
                       make_subset)

SPEEDRUN = "98 % from a cold start"


class Setup:
    """Who takes part, and where the data is."""

    def __init__(self, args, folder):
        self.args, self.folder, self.quick = args, folder, args.quick
        self.rounds = 1 if args.quick else args.rounds
        self.settle = (lambda measure: measure()) if args.quick else SharedCores(
            args.micro, args.threads).measure
        self.mlp = Mlp(args.mlp, folder, args.threads)
        self.mlp_single = Mlp(args.mlp, folder, 1) if args.threads > 1 else None
        self.mlp_bf16 = optional("mlp bf16", lambda: Mlp(args.mlp, folder, args.threads, "bf16"))
        self.torches, self.torches_bf16 = [], []
        for i, python in enumerate(args.torch):
            # The products in bf16 are for the first PyTorch, the newest.
            for precision in ("fp32", "autocast", "medium")[: 3 if i == 0 else 1]:
                torch = optional("PyTorch of " + python, lambda: Torch(
                    python, args.threads, args.quick, self.settle, folder, precision))
                if torch:
                    (self.torches if precision == "fp32" else self.torches_bf16).append(torch)
        self.sklearn = args.sklearn and optional(
            "scikit-learn", lambda: Sklearn(args.sklearn, args.threads, args.quick, self.settle))

    def trainers(self):
        everyone = [self.mlp, self.mlp_single, self.mlp_bf16, *self.torches, *self.torches_bf16,
                    self.sklearn]
        return [c for c in everyone if c]

    def case(self, hidden, batch, images=None, epochs=4):
        """Of the first `images` images, or all of them."""
        if self.quick:
            images, epochs = 512, 2
        everything = count_images(self.args.data)
        if images in (None, everything):
            return Case(hidden, batch, self.args.data, everything, epochs)
        if images > everything:
            raise Failed("%d images wanted, the data has %d" % (images, everything))
        folder = os.path.join(self.folder, "first-%d" % images)
        return Case(hidden, batch, make_subset(folder, self.args.data, images), images, epochs)

    def alternate(self, case, rounds, contenders, measure):
        """Records of measure(contender, round), by turns. Who fails once is out."""
        records, left = [], list(contenders)
        for i in range(1, rounds + 1):
            for contender in list(left):
                try:
                    found = self.settle(lambda: measure(contender, i))
                except Failed as failure:
                    note("  out: %s: %s" % (contender.name, failure))
                    left.remove(contender)
                    continue
                records.append(dict(case=str(case), contender=contender.name, round=i, **found))
                figures = ("%s %.4g" % (k, v) for k, v in found.items() if isinstance(v, float))
                note("  %s, round %d: %s: %s" % (case, i, contender.name, ", ".join(figures)))
        return records


def optional(name, make):
    """The contender, or None and a word why not."""
    try:
        return make()
    except (Failed, OSError) as failure:
        note("left out: %s: %s" % (name, str(failure).strip().splitlines()[-1]))
        return None


def train_case(setup, case, contenders):
    def measure(contender, _):
        found = contender.measure(case)
        return dict(found, images=case.images, hidden=case.hidden, flops=case.flops_per_epoch())

    return setup.alternate(case, setup.rounds, contenders, measure)


def section_epoch(setup):
    records = []
    for hidden, batch in (((128,), 128), ((1024,), 128), ((1024,), 1024)):
        records += train_case(setup, setup.case(hidden, batch), setup.trainers())
    return records


def section_deep(setup):
    case = setup.case((2500, 2000, 1500, 1000, 500), 1024, images=8192, epochs=3)
    return train_case(setup, case, setup.trainers())


class Named:
    """A contender of one figure: a name and a function of the round."""

    def __init__(self, name, measure):
        self.name, self.measure = name, measure


def section_speedrun(setup):
    args = setup.args
    if not os.path.exists(args.speedrun):
        raise Failed("there is no %s" % args.speedrun)

    def mlp(seed):
        out = os.path.join(setup.folder, "speedrun-%d" % seed)
        data = os.path.abspath(args.data)
        seconds = run([args.mlp, "train", "--config", args.speedrun, "--out", out, "--quiet",
                       "--threads", str(args.threads), "--set", "seed=%d" % seed,
                       "--set", "data.dir=%s" % data])[0]
        return {"total": seconds, "accuracy": metrics(out)[-1]["test_accuracy"]}

    def peer(torch, seed):
        seconds, found = torch.answer(script="bench_torch_speedrun.py",
                                      arguments=["--data", args.data, "--seed", str(seed)])
        return {"total": seconds, "accuracy": found["test_accuracy"]}

    contenders = [Named("mlp", mlp)]
    for torch in setup.torches:
        contenders.append(Named(torch.name, lambda seed, torch=torch: peer(torch, seed)))
        contenders.append(Named(torch.name + ", import alone", lambda _, torch=torch: {
            "total": torch.import_seconds()}))
    return setup.alternate(SPEEDRUN, setup.rounds, contenders, lambda c, i: c.measure(i))


def section_predict(setup):
    """Weights of 784-128-10; a file of eight times all images for the throughput of mlp, whose
    start and end count; one image for the latency."""
    case = setup.case((128,), 128, epochs=1)
    plain = make_subset(os.path.join(setup.folder, "plain"), case.data, case.images)
    image = os.path.join(setup.folder, "image.raw")
    with open(image, "wb") as f, open(os.path.join(plain, TRAIN[0]), "rb") as images:
        images.seek(16)
        f.write(images.read(784))
    trained = setup.alternate(case, 1, [setup.mlp, *setup.torches], lambda c, _: c.measure(case))
    able = {record["contender"] for record in trained}
    torches = [t for t in setup.torches if t.name in able]

    many = os.path.join(setup.folder, "many-images")
    count = make_repeated(many, os.path.join(plain, TRAIN[0]), 8)

    def mlp_rate(_):
        return {"images_per_second": count / setup.mlp.predict(many),
                "setting": "start to exit, %s images" % format(count, ",")}

    def torch_rate(torch):
        found = torch.throughput(plain)
        return {"images_per_second": found["images_per_second"],
                "setting": "forward pass alone, batch %d" % found["batch"]}

    rates = [Named("mlp", mlp_rate)]
    rates += [Named(t.name, lambda _, t=t: torch_rate(t)) for t in torches]
    records = setup.alternate("throughput", setup.rounds, rates, lambda c, i: c.measure(i))
    return records + setup.alternate(
        "one image, cold", 1 if setup.quick else 4 * setup.rounds, [setup.mlp, *torches],
        lambda c, _: {"total": c.predict(image)})


def section_dense(setup):
    """Images without zeros, beside the peak that the same minute offers: with a background that
    products share, and with nothing that anything shares. The small lr keeps inputs near 1 from
    driving every ReLU to zero."""
    case = setup.case((1024,), 1024)

    def peak(_):
        out = run([setup.args.micro, "--peak", "--threads", str(setup.args.threads)])[1]
        return {"flops_per_second": 1e9 * float(out)}

    records = []
    for name, make in (("MNIST inverted", make_inverted), ("noise", make_noise)):
        folder = make(os.path.join(setup.folder, name.split()[-1]), case.data, case.images)
        dense = Case(case.hidden, case.batch, folder, case.images, case.epochs, lr=0.001)

        def train(_, dense=dense):
            return dict(setup.mlp.measure(dense), flops=dense.flops_per_epoch())

        contenders = [Named("FMA peak", peak), Named("mlp", train)]
        records += setup.alternate("%s, %s" % (case, name), setup.rounds, contenders,
                                   lambda c, i: c.measure(i))
    return records


def section_scaling(setup):
    contenders = [c for c in (setup.mlp, setup.mlp_bf16, *setup.torches[:1]) if c]
    everything = count_images(setup.args.data)
    records = []
    for images in [everything * quarter // 4 for quarter in (1, 2, 3, 4)]:
        records += train_case(setup, setup.case((128,), 128, images, epochs=3), contenders)
    for hidden in (256, 512, 1024, 2048):
        records += train_case(setup, setup.case((hidden,), 128, epochs=3), contenders)
    return records


SECTIONS = {
    "epoch": section_epoch, "deep": section_deep, "speedrun": section_speedrun,
    "predict": section_predict, "dense": section_dense, "scaling": section_scaling,
}


def about(args, rounds):
    """Where and when: one line over a table."""
    cpu = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as f:
            cpu = next((line.split(":")[1].strip() for line in f if "model name" in line), cpu)
    version = run([args.mlp, "--version"])[1].strip()
    return {"cpu": cpu, "threads": args.threads, "rounds": rounds, "mlp": version,
            "date": datetime.date.today().isoformat()}


def save(path, sections):
    """Whole or not at all: an interrupted run does not cost the sections before."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path + ".new", "w") as f:
        json.dump(sections, f, indent=1)
        f.write("\n")
    os.replace(path + ".new", path)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mlp", required=True)
    parser.add_argument("--micro", required=True, help="the program of tests/bench/micro.c")
    parser.add_argument("--data", required=True, help="folder with the four MNIST files")
    parser.add_argument("--json", required=True, help="the figures: read, and written")
    parser.add_argument("--speedrun", required=True, help="the config of the cold start to 98 %%")
    parser.add_argument("--torch", action="append", default=[], metavar="PYTHON", help="newest first")
    parser.add_argument("--sklearn", metavar="PYTHON")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(SECTIONS), help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="few images, one round: does it run?")
    args = parser.parse_args()
    unknown = set(args.only.split(",")) - set(SECTIONS)
    if unknown:
        parser.error("--only: no section %s; there are %s" % (
            ", ".join(sorted(unknown)), ", ".join(SECTIONS)))
    return args


def main():
    args = parse_args()
    sections = {}
    if os.path.exists(args.json):
        with open(args.json) as f:
            sections = json.load(f)
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as folder:
        setup = Setup(args, folder)
        for name in args.only.split(","):
            note(name)
            try:
                records = SECTIONS[name](setup)
            except Failed as failure:
                note("left out: %s: %s" % (name, failure))
                continue
            sections[name] = {"about": about(args, setup.rounds), "records": records}
            save(args.json, sections)


if __name__ == "__main__":
    sys.exit(main())

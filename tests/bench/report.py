"""Tables and plots of what bench_peers.py measured.

    report.py FIGURES.json                  Markdown on stdout
    report.py FIGURES.json --publish ROOT   and into ROOT: docs/bench_epoch.svg,
              docs/bench_scaling.svg, and between the "bench" comments of README.md and
              docs/performance.md the tables

A figure is the median over the rounds; a ratio is the median of the rounds' own ratios, with the
smallest and the largest.
"""
import argparse
import json
import os
import re
import statistics
import sys

import svg

BASE = "mlp"


def load(path):
    with open(path) as f:
        return json.load(f)


def records_of(figures, section):
    return figures.get(section, {}).get("records", [])


def unique(values):
    return list(dict.fromkeys(values))


class Group:
    """The records of one case: rounds of each contender."""

    def __init__(self, records, case):
        self.case = case
        self.records = [r for r in records if r["case"] == case]
        self.contenders = unique(r["contender"] for r in self.records)

    def of(self, contender):
        return [r for r in self.records if r["contender"] == contender]

    def values(self, contender, key):
        return [r[key] for r in self.of(contender) if key in r]

    def median(self, contender, key):
        values = self.values(contender, key)
        return statistics.median(values) if values else None

    def ratios(self, contender, key, inverse=False):
        """How many times worse than mlp, round by round."""
        base = {r["round"]: r[key] for r in self.of(BASE) if key in r}
        pairs = [(r[key], base[r["round"]]) for r in self.of(contender)
                 if key in r and r["round"] in base]
        return [b / a if inverse else a / b for a, b in pairs]

    def setting(self, contender):
        return next((r["setting"] for r in self.of(contender) if "setting" in r), "")


def groups_of(figures, section):
    records = records_of(figures, section)
    return [Group(records, case) for case in unique(r["case"] for r in records)]


def network_text(group):
    return "%s, %s images" % (group.case, "{:,}".format(group.records[0]["images"]))


def shown(value, form="%.3g"):
    return "-" if value is None else form % value


def span(ratios, form="%.2f"):
    if not ratios:
        return "-"
    middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
    return "%s (%s to %s)" % (form % middle, form % low, form % high)


def seconds_text(value):
    return "-" if value is None else "%.4f" % value if value < 0.1 else "%.3f" % value


def rate_text(value):
    return "-" if value is None else "{:,.0f}".format(value)


def milliseconds_text(value):
    return "-" if value is None else shown(1000 * value)


def table(heads, rows):
    lines = ["| %s |" % " | ".join(heads), "|---|%s" % ("---:|" * (len(heads) - 1))]
    return "\n".join(lines + ["| %s |" % " | ".join(row) for row in rows]) + "\n"


def about_text(figures, section):
    a = figures[section]["about"]
    return "%s, %d threads, %d rounds, %s, %s." % (
        a["cpu"], a["threads"], a["rounds"], a["mlp"], a["date"])


def training_tables(figures, section, title):
    parts = ["### %s\n" % title, about_text(figures, section) + "\n"]
    for group in groups_of(figures, section):
        rows = []
        for name in group.contenders:
            rates = [r["flops"] / r["epoch"] / 1e9 for r in group.of(name)]
            rows.append([
                name, group.setting(name), seconds_text(group.median(name, "epoch")),
                span(group.ratios(name, "epoch")), "%.0f" % statistics.median(rates),
                shown(group.median(name, "peak_mib"), "%.0f"),
                seconds_text(group.median(name, "total"))])
        heads = ["", "setting", "s per epoch", "times mlp's", "GFLOP/s", "peak MiB",
                 "start to exit s"]
        parts += [network_text(group) + "\n", table(heads, rows)]
    return "\n".join(parts)


def speedrun_table(figures):
    group = groups_of(figures, "speedrun")[0]
    rows = []
    for name in group.contenders:
        accuracies = group.values(name, "accuracy")
        rows.append([name, seconds_text(group.median(name, "total")),
                     span(group.ratios(name, "total"), "%.1f"),
                     "%.2f %%" % (100 * statistics.mean(accuracies)) if accuracies else "-"])
    return "\n".join(["### %s\n" % group.case, about_text(figures, "speedrun") + "\n",
                      table(["", "start to exit s", "times mlp's", "test accuracy, mean"], rows)])


def predict_table(figures):
    groups = {g.case: g for g in groups_of(figures, "predict")}
    rate, cold = groups["throughput"], groups["one image, cold"]
    rows = []
    for name in rate.contenders:
        rows.append([name, rate_text(rate.median(name, "images_per_second")), rate.setting(name),
                     span(rate.ratios(name, "images_per_second", inverse=True)),
                     milliseconds_text(cold.median(name, "total")),
                     span(cold.ratios(name, "total"), "%.0f")])
    return "\n".join(["### Prediction, 784-128-10\n", about_text(figures, "predict") + "\n",
                      table(["", "images a second", "what is timed", "mlp's, times",
                             "one image, start to exit ms", "times mlp's"], rows)])


def dense_table(figures):
    rows = []
    for group in groups_of(figures, "dense"):
        peaks = {r["round"]: r["flops_per_second"] for r in group.of("FMA peak")}
        rates = {r["round"]: r["flops"] / r["epoch"] for r in group.of(BASE)}
        shares = [100 * rates[i] / peaks[i] for i in rates if i in peaks]
        rows.append([group.case, seconds_text(group.median(BASE, "epoch")),
                     "%.0f" % (statistics.median(rates.values()) / 1e9),
                     "%.0f" % (statistics.median(peaks.values()) / 1e9), span(shares, "%.0f")])
    return "\n".join(["### Without zeros\n", about_text(figures, "dense") + "\n",
                      table(["", "s per epoch", "GFLOP/s, whole step", "FMA peak GFLOP/s",
                             "percent of the peak"], rows)])


def scaling_table(figures):
    groups = groups_of(figures, "scaling")
    names = unique(r["contender"] for r in records_of(figures, "scaling"))
    rows = []
    for key in unique((r["case"], r["images"]) for r in records_of(figures, "scaling")):
        records = [r for g in groups if g.case == key[0] for r in g.records if r["images"] == key[1]]
        group = Group(records, key[0])
        rows.append([key[0], "{:,}".format(key[1])] +
                    [seconds_text(group.median(name, "epoch")) for name in names])
    return "\n".join(["### Scaling, s per epoch\n", about_text(figures, "scaling") + "\n",
                      table(["", "images", *names], rows)])


def summary_table(figures):
    """One row a contender, for the README."""
    epochs = groups_of(figures, "epoch") + groups_of(figures, "deep")
    others = {g.case: g for s in ("speedrun", "predict") for g in groups_of(figures, s)}
    speedrun = next((g for g in groups_of(figures, "speedrun")), None)
    names = unique(name for g in epochs for name in g.contenders)
    heads = ["s per epoch of"] + [network_text(g) for g in epochs] + ["peak MiB, first net"]
    rows = [[name] + [seconds_text(g.median(name, "epoch")) for g in epochs] +
            [shown(epochs[0].median(name, "peak_mib"), "%.0f")] for name in names]
    if speedrun:
        heads.append("98 % from a cold start, s")
        rows = [r + [seconds_text(speedrun.median(r[0], "total"))] for r in rows]
    if "throughput" in others:
        heads += ["predictions a second", "one prediction, cold, ms"]
        rate, cold = others["throughput"], others["one image, cold"]
        rows = [r + [rate_text(rate.median(r[0], "images_per_second")),
                     milliseconds_text(cold.median(r[0], "total"))] for r in rows]
    return table(heads, rows)


def draw_epochs(figures):
    groups = []
    for group in groups_of(figures, "epoch") + groups_of(figures, "deep"):
        rows = []
        for name in group.contenders:
            ratio = statistics.median(group.ratios(name, "epoch"))
            label = "%s s" % seconds_text(group.median(name, "epoch"))
            rows.append((name, group.median(name, "epoch"), "%s, %.2f x" % (label, ratio)))
        groups.append((network_text(group), rows))
    return svg.bars("Seconds per epoch, and times mlp's", groups)


def draw_scaling(figures):
    records = records_of(figures, "scaling")
    names = unique(r["contender"] for r in records)
    most_images = max(r["images"] for r in records)
    first_hidden = records[0]["hidden"]

    def series(chosen, key):
        found = []
        for name in names:
            at = {}
            for r in chosen:
                if r["contender"] == name:
                    at.setdefault(key(r), []).append(r["epoch"])
            found.append((name, sorted((x, statistics.median(s)) for x, s in at.items())))
        return found

    by_images = series([r for r in records if r["hidden"] == first_hidden], lambda r: r["images"])
    by_hidden = series([r for r in records if r["images"] == most_images],
                       lambda r: r["hidden"][0])
    return svg.lines("Seconds per epoch over the number of images and of hidden units", "s per epoch", [
        ("784-%d-10" % first_hidden[0], "images", by_images),
        ("784-H-10, %s images" % "{:,}".format(most_images), "H", by_hidden),
    ])


def all_tables(figures):
    makers = {
        "epoch": lambda: training_tables(figures, "epoch", "Training epoch"),
        "deep": lambda: training_tables(figures, "deep", "Training epoch, a deep network"),
        "speedrun": lambda: speedrun_table(figures),
        "predict": lambda: predict_table(figures),
        "dense": lambda: dense_table(figures),
        "scaling": lambda: scaling_table(figures),
    }
    return "\n".join(make() for section, make in makers.items() if records_of(figures, section))


def replace_block(path, text):
    """What stands between <!-- bench --> and <!-- /bench --> in the file becomes the text."""
    with open(path) as f:
        old = f.read()
    new, found = re.subn(r"(?s)(<!-- bench -->\n).*?(<!-- /bench -->)",
                         lambda m: m.group(1) + text + m.group(2), old)
    if found != 1:
        sys.exit("%s: %d blocks <!-- bench --> ... <!-- /bench -->, wanted 1" % (path, found))
    write(path, new)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def publish(figures, root):
    readme, details = "", all_tables(figures)
    if records_of(figures, "epoch"):
        write(os.path.join(root, "docs", "bench_epoch.svg"), draw_epochs(figures))
        readme += "![Seconds per epoch, beside the peers](docs/bench_epoch.svg)\n\n"
        readme += summary_table(figures) + "\n" + about_text(figures, "epoch") + "\n"
    if records_of(figures, "scaling"):
        write(os.path.join(root, "docs", "bench_scaling.svg"), draw_scaling(figures))
        image = "![Seconds per epoch, over %s](%sbench_scaling.svg)\n"
        readme += "\n" + image % ("images and hidden units", "docs/")
        details += "\n" + image % ("images and hidden units", "")
    if readme:
        replace_block(os.path.join(root, "README.md"), readme)
    replace_block(os.path.join(root, "docs", "performance.md"), details)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", help="the JSON file")
    parser.add_argument("--publish", metavar="ROOT")
    args = parser.parse_args()
    figures = load(args.figures)
    sys.stdout.write(all_tables(figures))
    if args.publish:
        publish(figures, args.publish)


if __name__ == "__main__":
    main()

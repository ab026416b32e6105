#!/usr/bin/env bats
# The benchmarks run, and their report computes what it says: never how fast anything is.

setup_file() {
    ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    export ROOT
    make -s -C "$ROOT" mlp build/release/micro
}

setup() {
    bench=$ROOT/tests/bench
    micro=$ROOT/build/release/micro
    cd "$BATS_TEST_TMPDIR" || return
}

# Three rounds of mlp and a peer, times that make ratios 2, 4 and 3, and one case of scaling.
make_figures() {
    python3 - >figures.json <<'PYTHON'
import json

about = {"cpu": "abacus", "threads": 2, "rounds": 3, "mlp": "mlp 1.0", "date": "2020-01-01"}
case = {"case": "784-128-10, batch 128", "images": 1000, "hidden": [128], "flops": 5e9}
mlp = dict(case, contender="mlp", setting="2 threads", total=1.0, peak_mib=50.0)
peer = dict(case, contender="PyTorch <9>", setting="loop, 2 threads", total=8.0, peak_mib=700.0)
records = []
for i, (ours, theirs) in enumerate([(0.5, 1.0), (0.25, 1.0), (1.0, 3.0)]):
    records += [dict(mlp, round=i + 1, epoch=ours), dict(peer, round=i + 1, epoch=theirs)]
scaling = [dict(r, images=1000 * n, epoch=r["epoch"] * n) for n in (1, 2) for r in records]
scaling += [dict(r, hidden=[256], images=2000, case="784-256-10, batch 128") for r in records]
print(json.dumps({"epoch": {"about": about, "records": records},
                  "scaling": {"about": about, "records": scaling}}))
PYTHON
}

@test "the report: medians over the rounds, ratios within a round" {
    make_figures
    run python3 "$bench/report.py" figures.json
    [ "$status" -eq 0 ]
    [[ $output == *"abacus, 2 threads, 3 rounds, mlp 1.0, 2020-01-01."* ]]
    [[ $output == *"| mlp | 2 threads | 0.500 | 1.00 (1.00 to 1.00) | 10 | 50 | 1.000 |"* ]]
    [[ $output == *"| PyTorch <9> | loop, 2 threads | 1.000 | 3.00 (2.00 to 4.00) | 5 | 700 | 8.000 |"* ]]
    [[ $output == *"| 784-128-10, batch 128 | 2,000 | 1.000 | 2.000 |"* ]]
    [[ $output == *"| 784-256-10, batch 128 | 2,000 | 0.500 | 1.000 |"* ]]
}

@test "publishing replaces the tables between the marks, and draws" {
    make_figures
    mkdir -p root/docs
    printf '%s\n' before '<!-- bench -->' old '<!-- /bench -->' after | tee root/README.md >root/docs/performance.md
    python3 "$bench/report.py" figures.json --publish root >/dev/null
    for file in root/README.md root/docs/performance.md; do
        [ "$(head -n 2 "$file")" = "$(printf 'before\n<!-- bench -->')" ]
        [ "$(tail -n 2 "$file")" = "$(printf '<!-- /bench -->\nafter')" ]
        run grep -c old "$file"
        [ "$output" = 0 ]
    done
    grep -qF '| PyTorch <9> | 1.000 | 700 |' root/README.md
    grep -qF '### Training epoch' root/docs/performance.md
    python3 -c '
import sys, xml.dom.minidom as dom
bars, lines = (dom.parse("root/docs/bench_%s.svg" % name) for name in ("epoch", "scaling"))
assert len(bars.getElementsByTagName("rect")) == 2
assert len(lines.getElementsByTagName("polyline")) == 4
'
}

@test "a page without the marks is refused and stays as it is" {
    make_figures
    mkdir -p root/docs
    echo text | tee root/README.md >root/docs/performance.md
    run python3 "$bench/report.py" figures.json --publish root
    [ "$status" -eq 1 ]
    [[ $output == *"root/README.md: 0 blocks"* ]]
    [ "$(cat root/README.md)" = text ]
}

@test "inverted images, noise and subsets are IDX files of the same labels" {
    "$ROOT/mlp" data make-digits --out digits --train 50 --test 20 -q
    PYTHONPATH=$bench python3 -c '
import workloads
inverted = workloads.make_inverted("inverted", "digits", 30)
old, new = (workloads.read_plain(d, workloads.TRAIN[0]) for d in ("digits", inverted))
assert len(new) == 16 + 30 * 784 and new[4:8] == bytes([0, 0, 0, 30])
assert all(a + b == 255 for a, b in zip(old[16:], new[16:]))
old, new = (workloads.read_plain(d, workloads.TRAIN[1]) for d in ("digits", inverted))
assert new[8:] == old[8:38]
noise = [workloads.read_plain(workloads.make_noise(d, "digits", 30), workloads.TRAIN[0])
         for d in ("noise", "again")]
assert noise[0] == noise[1] and len(noise[0]) == 16 + 30 * 784
assert set(noise[0][16:]) == set(range(1, 256))
case = workloads.Case((1024,), 1024, "digits", 60000, 1)
assert str(case) == "784-1024-10, batch 1024"
assert case.flops_per_epoch() == 60000 * (4 * 784 * 1024 + 6 * 1024 * 10)
'
    run "$ROOT/mlp" data check inverted
    [ "$status" -eq 0 ]
    run "$ROOT/mlp" data check noise
    [ "$status" -eq 0 ]
}

# bench_peers ARGUMENT...: on drawn digits, without peers.
bench_peers() {
    [ -d digits ] || "$ROOT/mlp" data make-digits --out digits --train 1024 --test 100 -q
    run python3 "$bench/bench_peers.py" --mlp "$ROOT/mlp" --micro "$micro" --data digits \
        --json figures.json --speedrun "$ROOT/configs/digits.json" "$@"
}

@test "every section runs, and reports" {
    bench_peers --quick
    [ "$status" -eq 0 ]
    python3 -c '
import json
figures = json.load(open("figures.json"))
assert sorted(figures) == ["deep", "dense", "epoch", "predict", "scaling", "speedrun"], figures
assert all(section["records"] for section in figures.values())
'
    run python3 "$bench/report.py" figures.json
    [ "$status" -eq 0 ]
    [ "$(grep -c '^###' <<<"$output")" -eq 6 ]
}

@test "peak memory is a program's own, whatever the one that starts it holds" {
    "$ROOT/mlp" data make-digits --out digits --train 100 --test 20 -q
    PYTHONPATH=$bench python3 - "$ROOT/mlp" <<'PYTHON'
import sys
import contenders
import workloads

held = b"x" * (300 << 20)
case = workloads.Case((16,), 50, "digits", 100, 1)
assert contenders.Mlp(sys.argv[1], ".", 1).measure(case)["peak_mib"] < 200
peer = [sys.executable, "-c", "import peak_memory; print(peak_memory.peak_kib())"]
assert 1 < int(contenders.run(peer)[1]) / 1024 < 200
PYTHON
}

@test "a peer's setting: what comes close to the fastest is tried twice" {
    PYTHONPATH=$bench python3 - <<'PYTHON'
import contenders
import workloads


class Peer(contenders.Peer):
    variants, thread_counts = ("slow", "close", "fast"), [(1, 1), (2, 2)]
    # What the first and the second visit show, and what one thread does.
    seconds = {"slow": [3.0], "close": [1.0, 0.6], "fast": [0.9, 0.8], 1: [0.5]}

    def __init__(self):
        super().__init__("python", 2, False, lambda measure: measure())
        self.name, self.visits = "peer", []

    def train(self, case, setting):
        self.visits.append(setting)
        left = self.seconds[setting[0] if setting[1] == 2 else 1]
        return {"fastest": left.pop(0)}


peer, case = Peer(), workloads.Case((1,), 1, "digits", 1, 1)
assert peer.tune(case) == ("close", 1, 1)
assert [v for v, t, _ in peer.visits if t == 2] == ["slow", "close", "fast", "close", "fast"]
assert peer.tune(case) == ("close", 1, 1) and len(peer.visits) == 6
PYTHON
}

@test "what was measured while the cores were shared or apart is measured again" {
    PYTHONPATH=$bench python3 - <<'PYTHON'
from shared_cores import ATTEMPTS, SharedCores


class Cores(SharedCores):
    """Its peaks, and its barriers and additions where they are not all alike, are given."""

    def __init__(self, peaks, barriers, adds):
        self.peaks, self.barriers = peaks, barriers or [60.0] * len(peaks)
        self.additions, self.pauses = adds or [20.0] * len(peaks), []
        super().__init__("micro", 2, self.pauses.append)

    def peak(self):
        return self.peaks.pop(0)

    def adds(self):
        return self.additions.pop(0)

    def barrier(self):
        return self.barriers.pop(0)


def measure(peaks, barriers=None, adds=None):
    """What is counted of the measurements 1, 2, ..., and the pauses before them."""
    cores, runs = Cores(peaks, barriers, adds), []
    found = cores.measure(lambda: runs.append(None) or len(runs))
    assert not cores.peaks and not cores.barriers and not cores.additions
    return found, len(cores.pauses)


start = [100.0, 118.0, 235.0, 230.0, 118.0]
assert measure(start + [234.0, 233.0]) == (1, 0)
assert measure(start + [118.0, 119.0, 236.0, 230.0]) == (1, 2)
assert measure(start + [234.0, 118.0, 234.0, 118.0, 234.0, 235.0]) == (3, 0)
assert measure(start + [234.0, 118.0] * ATTEMPTS) == (ATTEMPTS, 0)

near = [300.0, 300.0, 60.0, 61.0, 58.0]
assert measure([234.0] * 7, near + [62.0, 110.0]) == (1, 0)
assert measure([234.0] * 10, near + [300.0, 62.0, 310.0, 62.0, 59.0]) == (2, 1)

alone = [12.0, 20.0, 19.0, 20.0, 20.0]
assert measure([234.0] * 10, None, alone + [14.0, 20.0, 16.0, 19.0, 18.0]) == (2, 1)
PYTHON
}

@test "a section alone leaves the others' figures" {
    make_figures
    bench_peers --quick --only dense
    [ "$status" -eq 0 ]
    python3 -c '
import json
figures = json.load(open("figures.json"))
assert figures["epoch"]["about"]["cpu"] == "abacus" and figures["dense"]["records"]
'
}

@test "what is not there is left out by name" {
    printf '#!/bin/sh\nexit 3\n' >torch
    chmod +x torch
    bench_peers --quick --only epoch --torch ./torch
    [ "$status" -eq 0 ]
    [[ $output == *"left out: PyTorch of ./torch"* ]]
    [[ $output == *"round 1: mlp: epoch"* ]]
    bench_peers --quick --only sprint
    [ "$status" -eq 2 ]
    [[ $output == *"no section sprint"* ]]
}

@test "micro: every kernel of each table, every phase of the steps" {
    [ -d digits ] || "$ROOT/mlp" data make-digits --out digits --train 1024 --test 100 -q
    run "$micro" --data digits
    [ "$status" -eq 0 ]
    [ "$(grep -c '^portable  .*%$' <<<"${output%%bf16 table*}")" -eq 20 ]
    [ "$(grep -c '^portable  .*%$' <<<"${output#*bf16 table}")" -eq 11 ]
    [ "$(grep -c '^peak' <<<"$output")" -ge 1 ]
    [ "$(grep -Ec '^[a-z0-9]+ +784-[0-9]+-10, [0-9]+ +(pack|forward, loss|backward, sgd|step) ' <<<"$output")" -eq 48 ]
    run "$micro" --data nowhere
    [ "$status" -eq 4 ]
    [[ $output == *"micro: nowhere"* ]]
    "$ROOT/mlp" data make-digits --out few --train 600 --test 100 -q
    run "$micro" --data few
    [ "$status" -eq 4 ]
    [[ $output == *"micro: 600 images, wanted at least 1024"* ]]
}

@test "micro measures a peak, additions or a barrier, and refuses other words" {
    for word in --peak --adds --barrier; do
        run "$micro" "$word" --threads 2
        [ "$status" -eq 0 ]
        [[ $output =~ ^[0-9]+\.[0-9]$ ]]
        [ "$output" != 0.0 ]
    done
    for words in --speed --data '--peak --threads' '--peak --threads 0' '--peak 2'; do
        # shellcheck disable=SC2086 # a list of words
        run "$micro" $words
        [ "$status" -eq 2 ]
    done
}

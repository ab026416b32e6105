#!/usr/bin/env bash
# Usage: mutations.sh COUNT [SEED]
#
# Shows COUNT altered checkpoints, IDX files and configs each to the whole program, which has to end
# each time by itself, with a documented exit code and within 64 MB (tests/fuzz/mutants.c). The same
# COUNT and SEED (1) alter the same bytes. What it could not bear is kept and named.
# MLP names another program than the ./mlp of this repository, MUTANTS another folder of mutants_*.
# Closes with the line "N passed, N failed"; exit 1 when one failed.
set -eu -o pipefail
# shellcheck source=../../scripts/lib.sh
. "$(dirname "$0")/../../scripts/lib.sh"

case ${1-} in
-h | --help)
    print_help
    exit 0
    ;;
'' | *[!0-9]*) usage_error 'wants a number of files' ;;
esac
count=$1 seed=${2:-1} passed=0 failed=0
MLP=$(absolute_path "${MLP:-$ROOT/mlp}")
MUTANTS=$(absolute_path "${MUTANTS:-$ROOT/build/release/fuzz}")
work=$(mktemp -d "${TMPDIR:-/tmp}/mlp-mutations.XXXXXX")

# Small files of every kind: a run of two epochs that may go on for a third, and its data.
prepare() {
    "$MLP" data make-digits --out "$work/digits" --train 60 --test 20
    cat >"$work/small.json" <<JSON
{"data": {"dir": "$work/digits", "class_names": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "nine"]},
 "model": {"hidden": [4]}, "train": {"epochs": 2, "batch_size": 20, "sgd": {"lr": 0.05}}}
JSON
    "$MLP" train --quiet --config "$work/small.json" --out "$work/run"
    cp "$work/run/best.safetensors" "$work/run/last.safetensors" "$work"
    cp -r "$work/digits" "$work/altered"
    for name in train-images-idx3-ubyte train-labels-idx1-ubyte; do
        gzip -dc "$work/digits/$name.gz" >"$work/$name"
    done
    cp "$work/run/config.json" "$work/resolved.json"
    sed 's/train.epochs": 2/train.epochs": 3/' "$work/resolved.json" >"$work/run/config.json"
}

# shown WHAT MUTATOR COUNT EXITS MUTANT FILE... -- COMMAND...
shown() {
    local what=$1 mutator=$2 status=0 counts
    shift 2
    "$MUTANTS/mutants_$mutator" "$seed" "$@" >"$work/report" || status=$?
    sed "s|^|$what: |" "$work/report"
    counts=$(awk '/^[0-9]+ passed, [0-9]+ failed$/ { print $1, $3 }' "$work/report")
    [ -n "$counts" ] || die "$what: ended with exit code $status"
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
}

prepare >"$work/log" 2>&1 || die "cannot prepare (see $work/log)"
half=$((count / 2))
cd "$work"
shown 'checkpoints, eval' safetensors $((count - half)) 0,3,4,5 mutant.safetensors \
    best.safetensors last.safetensors "$ROOT"/tests/fuzz/corpus/safetensors/foreign-784 -- \
    "$MLP" eval --threads 1 --checkpoint mutant.safetensors --data digits
shown 'checkpoints, resume' safetensors "$half" 0,2,5,6 run/last.safetensors last.safetensors -- \
    "$MLP" train --quiet --threads 1 --resume run --set train.epochs=3
shown 'IDX, images' idx $((count - half)) 0,4 altered/train-images-idx3-ubyte.gz \
    digits/train-images-idx3-ubyte.gz train-images-idx3-ubyte -- "$MLP" data check altered
cp digits/train-images-idx3-ubyte.gz altered
shown 'IDX, labels' idx "$half" 0,4 altered/train-labels-idx1-ubyte.gz \
    digits/train-labels-idx1-ubyte.gz train-labels-idx1-ubyte -- "$MLP" data check altered
shown 'configs' bytes "$count" 0,3 mutant.json \
    small.json resolved.json "$ROOT"/tests/fuzz/corpus/config/whole -- \
    "$MLP" train --print-config --config mutant.json
echo "$passed passed, $failed failed"
if [ "$failed" -gt 0 ]; then
    log "kept in $work"
    exit 1
fi
rm -rf "$work"

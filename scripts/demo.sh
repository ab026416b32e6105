#!/usr/bin/env bash
# Usage: demo.sh
#
# From a fresh clone to a trained network, in under half a minute once the packages are there:
# installs what the build needs, builds, draws a set of digits, trains on it, evaluates, reads one
# image, and shows where the results lie. Every call makes a run of its own.
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

case ${1-} in
'') ;;
-h | --help)
    print_help
    exit 0
    ;;
*) usage_error "unknown argument '$1'" ;;
esac

# show COMMAND...: what is typed, then what it says.
show() {
    printf '$ %s\n' "$*" >&2
    "$@"
}

cd "$ROOT"
heading "Packages"
./scripts/install_deps.sh build
log "all there"

heading "Build"
make -s -j "$(cpu_count)"
./mlp --version

heading "Data: digits drawn by the program itself"
show ./mlp data make-digits --out data/digits

heading "Train"
show ./mlp train --config configs/digits.json
run=runs/$(readlink runs/latest)

heading "Evaluate, on images the training never saw"
show ./mlp eval --checkpoint "$run/best.safetensors"

heading "Predict: the last image of the test set"
gzip -dc data/digits/t10k-images-idx3-ubyte.gz | tail -c 784 >"$run/digit.raw"
label=$(gzip -dc data/digits/t10k-labels-idx1-ubyte.gz | tail -c 1 | od -An -tu1 | tr -d ' ')
log "It was drawn as a $label. The network reads it, and says how sure it is:"
show ./mlp predict --checkpoint "$run/best.safetensors" "$run/digit.raw"

heading "Results in $ROOT/$run"
ls -l "$run"

#!/usr/bin/env bash
# Usage: gate.sh [--config FILE] [--min-accuracy X] [--out DIR]
#
# A gate for continuous integration: trains, evaluates on the test set, and ends with the exit code
# of `mlp eval --min-accuracy`: 0 when the accuracy is reached, 7 when it is not. Trains on
# configs/digits.json and asks for 0.85 unless told otherwise. Keeps the run only with --out.
# MLP names another program than the ./mlp of this repository.
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

mlp=${MLP:-$ROOT/mlp} config='' accuracy=0.85 out=''
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        print_help
        exit 0
        ;;
    --config | --min-accuracy | --out)
        [ $# -ge 2 ] || usage_error "$1 wants a value"
        case $1 in
        --config) config=$2 ;;
        --min-accuracy) accuracy=$2 ;;
        --out) out=$2 ;;
        esac
        shift
        ;;
    *) usage_error "unknown argument '$1'" ;;
    esac
    shift
done
[ -x "$mlp" ] || die "no program at $mlp: run make first"

if [ -z "$config" ]; then
    config=$ROOT/configs/digits.json
    [ -d "$ROOT/data/digits" ] || "$mlp" data make-digits --out "$ROOT/data/digits"
fi
if [ -z "$out" ]; then
    work=$(mktemp -d "${TMPDIR:-/tmp}/mlp-gate.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    out=$work/run
fi

"$mlp" train --config "$config" --out "$out"
"$mlp" eval --checkpoint "$out/best.safetensors" --min-accuracy "$accuracy"

#!/usr/bin/env bash
# Usage: fuzz.sh SECONDS [TARGET...]
#
# Fuzzes each target (all of tests/fuzz/fuzz_*.c, or those that are named: "config") for SECONDS,
# one after another, with clang's libFuzzer under the address and undefined behaviour sanitizers.
# Starts from the committed corpus and from what earlier calls found, in build/fuzz-corpus. Stops
# at a target with a finding: the input that shows it is in build/fuzz-findings. Memory is limited
# to 64 MB an allocation, an input to a minute, since the clock runs on while a busy machine waits.
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

case ${1-} in
-h | --help)
    print_help
    exit 0
    ;;
'' | *[!0-9]*) usage_error 'wants a number of seconds' ;;
esac
seconds=$1
shift

cd "$ROOT"
./scripts/install_deps.sh build test
make -j "$(cpu_count)" VARIANT=fuzz CC=clang fuzz-programs
if [ $# -eq 0 ]; then
    # shellcheck disable=SC2046 # names of targets have no spaces
    set -- $(cd tests/fuzz/corpus && ls)
fi
mkdir -p build/fuzz-findings
for target in "$@"; do
    [ -x "build/fuzz/fuzz/fuzz_$target" ] || usage_error "no target '$target'"
    heading "$target, $seconds s"
    mkdir -p "build/fuzz-corpus/$target"
    "build/fuzz/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=60 -malloc_limit_mb=64 \
        -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 \
        -artifact_prefix="build/fuzz-findings/$target-" \
        "build/fuzz-corpus/$target" "tests/fuzz/corpus/$target"
done

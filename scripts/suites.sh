# shellcheck shell=bash
# suites.sh: how a tier of scripts/test.sh runs its commands and counts their tests; each keeps its
# output in the tier's log. Sourced, never run. LOGS is the folder of the logs, tier the name of the
# one that runs, JOBS the number of cores; PASSED, FAILED and SKIPPED are for the end.
# shellcheck disable=SC2034,SC2154 # for the script that sources this

# count PASSED FAILED
count() {
    PASSED=$((PASSED + $1))
    FAILED=$((FAILED + $2))
}

# failed WHAT LOG: says so and shows how the log ends.
failed() {
    count 0 1
    log "FAILED $tier: $1"
    [ ! -s "$2" ] || tail -n 25 "$2" | sed 's/^/    /' >&2
}

# check WHAT COMMAND...: one test, passed when the command succeeds.
check() {
    local what=$1 out=$LOGS/$tier.last
    shift
    if "$@" >"$out" 2>&1 </dev/null; then
        count 1 0
    else
        failed "$what" "$out"
    fi
    cat "$out" >>"$LOGS/$tier.log"
}

# build WHAT MAKE-ARGUMENT...: quiet unless it fails, and then a failed test.
build() {
    local what=$1 out=$LOGS/$tier.last status=0
    shift
    make -C "$ROOT" -j "$JOBS" "$@" >"$out" 2>&1 </dev/null || status=$?
    cat "$out" >>"$LOGS/$tier.log"
    [ "$status" -eq 0 ] || failed "building $what" "$out"
    return "$status"
}

# suite WHAT COMMAND...: a command with many tests in it.
suite() {
    local what=$1 out=$LOGS/$tier.last
    shift
    keep "$out" "$@"
    count_suite "$what" "$out"
}

# suites: of each line "NAME COMMAND..." of its input a suite, as many at a time as there are cores.
suites() {
    local list=$LOGS/$tier.suites name
    cat >"$list"
    # shellcheck disable=SC2016 # of the other bash
    xargs -P "$JOBS" -L 1 bash -c 'keep "$0.$1" "${@:2}"' "$LOGS/$tier" <"$list"
    while read -r name _; do
        count_suite "$name" "$LOGS/$tier.$name"
    done <"$list"
    rm -f "$list"
}

# keep FILE COMMAND...: what the command prints, and in FILE.status its exit code. Exported, with
# what a command may begin with, for xargs.
keep() {
    local out=$1 status=0
    shift
    "$@" >"$out" 2>&1 </dev/null || status=$?
    echo "$status" >"$out.status"
}
export -f keep within have

# count_suite WHAT FILE: the tests of a suite that was kept, counted from what it printed: cmocka's
# line for each test that ended (not those that its summary lists again), TAP's, or a closing
# "N passed, N failed". One that fails without a failed test, or that ran no test, is one failure.
count_suite() {
    local what=$1 out=$2 status counts
    status=$(cat "$out.status" 2>/dev/null || echo none)
    cat "$out" >>"$LOGS/$tier.log"
    counts=$(awk '
        /^\[.*listed below/ { listed = 1 }
        /^\[(==========| RUN      )\]/ { listed = 0 }
        listed { next }
        /^\[       OK \] / || (/^ok / && !/ # skip/) { passed++ }
        /^\[  FAILED  \] / || /^not ok / { failed++ }
        /^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 }
        END { print passed + 0, failed + 0 }' "$out")
    # shellcheck disable=SC2086 # two numbers
    count $counts
    grep -E '^\[  SKIPPED \] [^0-9]|^ok .* # skip' "$out" | sort -u | sed "s|^|  $what: |" >&2 || true
    case $status:$counts in
    0:'0 0') failed "$what ran no test" "$out" ;;
    0:*' 0') ;;
    *:*' 0') failed "$what ended with exit code $status" "$out" ;;
    *)
        log "FAILED $tier: $what"
        grep -E '^\[  (FAILED|ERROR)|^not ok |^FAILED ' "$out" | sort -u | sed 's/^/    /' >&2 || true
        tail -n 25 "$out" | sed 's/^/    /' >&2
        ;;
    esac
    rm -f "$out" "$out.status"
}

# leave_out WHAT: the tier, where it cannot be had.
leave_out() {
    SKIPPED="$SKIPPED $tier"
    log "SKIPPED $tier: $1 is not there"
}

# skip TOOL: the same, but on Linux every tool can be had.
skip() {
    if [ "$(uname -s)" = Linux ]; then
        failed "$1 is not there" /dev/null
    else
        leave_out "$1"
    fi
}

# needs TOOL...: for the head of a tier.
needs() {
    local tool
    for tool in "$@"; do
        have "$tool" || { skip "$tool" && return 1; }
    done
}

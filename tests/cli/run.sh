#!/usr/bin/env bash
# Usage: run.sh [-u] [CASE...]
#
# Golden tests of the command line: runs the named cases, or all, and compares what the program
# says with what it should say. A case is a folder cases/<name>/ with
#   cmd      the commands, run with bash -eu in a fresh empty folder
#   stdout   exactly what they print; no file: nothing
#   stderr   what they say, a shell pattern a line; a line of just ... stands for any lines;
#            no file: nothing
#   exit     the exit code; no file: 0
# A cmd finds the program as $MLP, the repository as $ROOT, and as $DATA the folder of small data
# sets that setup.sh makes once a run. Where these folders' names, or that of its own folder, show
# in the output, they are compared as $MLP, $ROOT, $DATA and $PWD.
#
# -u writes down what the named cases print now as what they should print.
# MLP names another program than the ./mlp of this repository; CASES another folder of cases;
# CASE_SECONDS, default 120, ends a case that hangs, with exit code 124.
# Closes with the line "N passed, N failed"; exit 1 when one failed.
set -eu
# shellcheck source=../../scripts/lib.sh
. "$(dirname "$0")/../../scripts/lib.sh"

# sed's script that turns the names of this run's folders into the variables' names.
folder_names() {
    local name
    for name in "PWD=$1" "DATA=$DATA" "MLP=$MLP" "ROOT=$ROOT"; do
        printf 's|%s|$%s|g\n' "$(printf '%s' "${name#*=}" | sed 's/[]\.*^$|[]/\\&/g')" "${name%%=*}"
    done
}

# run_case NAME: leaves what happened in $work/stdout, stderr and exit.
run_case() {
    local folder=$work/folder status=0 stream
    rm -rf "$folder"
    mkdir "$folder"
    (cd "$folder" && within "$CASE_SECONDS" bash -eu "$cases/$1/cmd") \
        >"$work/stdout.raw" 2>"$work/stderr.raw" </dev/null || status=$?
    echo "$status" >"$work/exit"
    folder_names "$folder" >"$work/names.sed"
    for stream in stdout stderr; do
        sed -f "$work/names.sed" "$work/$stream.raw" >"$work/$stream"
    done
}

# expected NAME FILE: the path of what is expected, an empty or default file where there is none.
expected() {
    if [ -f "$cases/$1/$2" ]; then
        echo "$cases/$1/$2"
    else
        echo "$work/default.$2"
    fi
}

# The next line of descriptor 4, the last one also without its newline.
next_line() {
    IFS= read -r line <&4 || [ -n "$line" ]
}

# matches PATTERNS LINES: whether the lines of a file match the patterns of another, in order.
# Each "..." is tried as the fewest lines that let the pattern after it match.
matches() {
    local pattern line skip=no
    exec 3<"$1" 4<"$2"
    while IFS= read -r pattern <&3 || [ -n "$pattern" ]; do
        if [ "$pattern" = ... ]; then
            skip=yes
            continue
        fi
        while :; do
            next_line || return 1
            # shellcheck disable=SC2254 # it is a pattern
            case $line in
            $pattern) break ;;
            esac
            [ "$skip" = yes ] || return 1
        done
        skip=no
    done
    [ "$skip" = yes ] || ! next_line
}

# check_case NAME: shows each difference; fails when there is one.
check_case() {
    local name=$1 stream result=0
    run_case "$name"
    for stream in exit stdout; do
        diff -u "$(expected "$name" "$stream")" "$work/$stream" >"$work/diff" ||
            { result=1 && sed '1,2d;s/^/    /' "$work/diff" | labelled "$stream"; }
    done
    if ! matches "$(expected "$name" stderr)" "$work/stderr"; then
        result=1
        diff -u "$(expected "$name" stderr)" "$work/stderr" >"$work/diff" || true
        sed '1,2d;s/^/    /' "$work/diff" | labelled 'stderr (patterns)'
    fi
    return "$result"
}

labelled() {
    echo "  $1:"
    cat
}

# update_case NAME: what it prints now is right. Patterns get their special characters escaped.
update_case() {
    local folder=$cases/$1
    run_case "$1"
    cp "$work/exit" "$work/stdout" "$folder"
    sed 's/[][*?\\]/\\&/g' "$work/stderr" >"$folder/stderr"
    [ -s "$folder/stdout" ] || rm "$folder/stdout"
    [ -s "$folder/stderr" ] || rm "$folder/stderr"
    [ "$(cat "$folder/exit")" != 0 ] || rm "$folder/exit"
}

update=no
case ${1-} in
-h | --help)
    print_help
    exit 0
    ;;
-u)
    update=yes
    shift
    [ $# -gt 0 ] || usage_error "-u wants the names of the cases"
    ;;
esac

ROOT=$(cd "$ROOT" && pwd -P)
CASE_SECONDS=${CASE_SECONDS:-120}
cases=$(cd "${CASES:-$ROOT/tests/cli/cases}" && pwd -P)
MLP=$(absolute_path "${MLP:-$ROOT/mlp}")
[ -x "$MLP" ] || die "no program at $MLP: run make first"
if [ $# -eq 0 ]; then
    # shellcheck disable=SC2046 # names of cases have no spaces
    set -- $(cd "$cases" && ls)
fi
for name in "$@"; do
    [ -f "$cases/$name/cmd" ] || usage_error "no case '$name' (there is no $cases/$name/cmd)"
done

work=$(cd "$(mktemp -d "${TMPDIR:-/tmp}/mlp-cli.XXXXXX")" && pwd -P)
trap 'rm -rf "$work"' EXIT
DATA=$work/data
export ROOT MLP DATA LC_ALL=C
unset MLP_KERNEL NO_COLOR
echo 0 >"$work/default.exit"
: >"$work/default.stdout"
: >"$work/default.stderr"
mkdir "$DATA"
"$(dirname "$0")/setup.sh" >"$work/setup.log" 2>&1 || {
    cat "$work/setup.log" >&2
    die "cannot make the data sets (setup.sh)"
}

passed=0 failed=0
for name in "$@"; do
    if [ "$update" = yes ]; then
        update_case "$name"
    elif check_case "$name" >"$work/report"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $name"
        cat "$work/report"
    fi
done
if [ "$update" = no ]; then
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]

#!/usr/bin/env bats
# The golden runner itself (tests/cli/run.sh), on cases of its own and a stand-in for mlp.
# shellcheck disable=SC2016 # the cases' commands are for their own shell

setup() {
    runner=$BATS_TEST_DIRNAME/cli/run.sh
    export CASES=$BATS_TEST_TMPDIR/cases
    export MLP=$BATS_TEST_TMPDIR/bin/mlp
    mkdir -p "$CASES" "$(dirname "$MLP")"
    cat >"$MLP" <<'FAKE'
#!/bin/sh
case $1 in
data) mkdir -p "$4" && echo 7 >"$4/label" ;; # data make-digits --out DIR
say) echo "7 0.9983" && echo "$2: step 12 of [60]" >&2 ;;
fail) echo "mlp: $PWD/x: not found" >&2 && exit 4 ;;
esac
FAKE
    chmod +x "$MLP"
}

# make_case NAME CMD, then files by hand
make_case() {
    mkdir "$CASES/$1"
    printf '%s\n' "$2" >"$CASES/$1/cmd"
}

@test "a case that says what it should passes" {
    make_case good '$MLP say here'
    echo '7 0.9983' >"$CASES/good/stdout"
    echo 'here: step * of \[60\]' >"$CASES/good/stderr"
    run "$runner"
    [ "$status" -eq 0 ]
    [ "$output" = "1 passed, 0 failed" ]
}

@test "another stdout fails, is shown, and names the case" {
    make_case off '$MLP say here 2>/dev/null'
    echo '7 0.9984' >"$CASES/off/stdout"
    run "$runner"
    [ "$status" -eq 1 ]
    [[ $output == *"FAILED off"* ]]
    [[ $output == *"-7 0.9984"* ]]
    [[ $output == *"+7 0.9983"* ]]
    [ "${lines[${#lines[@]} - 1]}" = "0 passed, 1 failed" ]
}

@test "missing files expect nothing said and exit 0" {
    make_case quiet ':'
    make_case chatty '$MLP say here 2>/dev/null'
    make_case complaining '$MLP say here >/dev/null'
    make_case failing '$MLP fail 2>/dev/null'
    run "$runner"
    [ "$status" -eq 1 ]
    [[ $output != *"FAILED quiet"* ]]
    [[ $output == *"FAILED chatty"* ]]
    [[ $output == *"FAILED complaining"* ]]
    [[ $output == *"FAILED failing"* ]]
    [ "${lines[${#lines[@]} - 1]}" = "1 passed, 3 failed" ]
}

@test "the exit code is compared, and a cmd ends at its first failure" {
    make_case code '$MLP fail 2>/dev/null; echo not reached'
    echo 4 >"$CASES/code/exit"
    run "$runner"
    [ "$status" -eq 0 ]
}

@test "a case that hangs is ended, named, and the next one runs" {
    command -v timeout >/dev/null || skip "no timeout"
    make_case hang 'sleep 60 & wait'
    make_case fine ':'
    CASE_SECONDS=1 run "$runner"
    [ "$status" -eq 1 ]
    [[ $output == *"FAILED hang"*"+124"* ]]
    [ "${lines[${#lines[@]} - 1]}" = "1 passed, 1 failed" ]
}

@test "stderr: dots stand for any lines, also none" {
    make_case dots 'printf "%s\n" one two three four >&2'
    printf '%s\n' ... one ... 'th*' ... >"$CASES/dots/stderr"
    run "$runner"
    [ "$status" -eq 0 ]
    printf '%s\n' ... 'th*' >"$CASES/dots/stderr"
    run "$runner"
    [ "$status" -eq 1 ]
    printf '%s\n' ... five ... >"$CASES/dots/stderr"
    run "$runner"
    [ "$status" -eq 1 ]
}

@test "stderr: a last line without its newline counts" {
    make_case open 'printf one >&2'
    printf 'one' >"$CASES/open/stderr"
    run "$runner"
    [ "$status" -eq 0 ]
    printf '' >"$CASES/open/stderr"
    run "$runner"
    [ "$status" -eq 1 ]
}

@test "folders of the run are compared by the variables' names" {
    make_case names 'echo "$DATA/digits" "$MLP" "$ROOT/src"; $MLP fail'
    echo '$DATA/digits $MLP $ROOT/src' >"$CASES/names/stdout"
    echo 'mlp: $PWD/x: not found' >"$CASES/names/stderr"
    echo 4 >"$CASES/names/exit"
    run "$runner"
    [ "$status" -eq 0 ]
}

@test "the data sets are there, and each case has an empty folder" {
    make_case a 'cat "$DATA/digits/label"; touch left-behind'
    make_case b 'ls -A'
    echo 7 >"$CASES/a/stdout"
    run "$runner"
    [ "$status" -eq 0 ]
}

@test "-u writes what is said now, and then the case passes" {
    make_case new '$MLP say "a*b?"; $MLP fail'
    run "$runner" -u new
    [ "$status" -eq 0 ]
    [ "$(cat "$CASES/new/stdout")" = "7 0.9983" ]
    [ "$(cat "$CASES/new/exit")" = 4 ]
    run "$runner" new
    [ "$output" = "1 passed, 0 failed" ]
    echo ':' >"$CASES/new/cmd"
    run "$runner" new
    [ "$status" -eq 1 ]
    run "$runner" -u new
    [ "$(ls "$CASES/new")" = cmd ]
}

@test "-u without names and unknown names are usage errors" {
    run "$runner" -u
    [ "$status" -eq 2 ]
    run "$runner" nowhere
    [ "$status" -eq 2 ]
}

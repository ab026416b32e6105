# shellcheck shell=bash
# lib.sh: what the scripts share. Sourced, never run; written for bash 3.2, which macOS ships.
#
# ROOT is the repository, whatever folder the caller stands in.
# shellcheck disable=SC2034 # for the scripts that source this
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Messages go to stderr: stdout belongs to results.
log() {
    printf '%s\n' "$*" >&2
}

heading() {
    printf '\n== %s\n' "$*" >&2
}

# die MESSAGE: exit 1; die_with CODE MESSAGE: another code.
die_with() {
    local code=$1
    shift
    log "${0##*/}: $*"
    exit "$code"
}

die() {
    die_with 1 "$@"
}

# The comment at the head of the calling script, without its first line, is its help.
print_help() {
    awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
}

usage_error() {
    log "${0##*/}: $*"
    log "Try '${0##*/} --help'."
    exit 2
}

have() {
    command -v "$1" >/dev/null 2>&1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "this step needs root and there is no sudo: run as root: $*"
    fi
}

# Which package manager this system has: macos, debian, fedora or other.
system_kind() {
    if [ "$(uname -s)" = Darwin ]; then
        echo macos
    elif have apt-get; then
        echo debian
    elif have dnf; then
        echo fedora
    else
        echo other
    fi
}

cpu_count() {
    getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1
}

# within SECONDS COMMAND...: where the system can, a command that hangs is ended.
within() {
    if have timeout; then
        timeout -k 10 "$@"
    else
        shift
        "$@"
    fi
}

# SHA-256 of stdin, in hex.
sha256() {
    if have sha256sum; then
        sha256sum | cut -d ' ' -f 1
    elif have shasum; then
        shasum -a 256 | cut -d ' ' -f 1
    else
        openssl dgst -sha256 | sed 's/^.* //'
    fi
}

# The Python that sees the system's packages, and not one that a version manager put first.
system_python() {
    if [ "$(uname -s)" != Darwin ] && [ -x /usr/bin/python3 ]; then
        echo /usr/bin/python3
    else
        command -v python3
    fi
}

# absolute_path FILE
absolute_path() {
    echo "$(cd "$(dirname "$1")" && pwd -P)/$(basename "$1")"
}

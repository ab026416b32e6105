#!/usr/bin/env bash
# Usage: install_deps.sh [build] [test] [interop] [bench]
#
# Installs what is missing of the named sets, "build" by default:
#   build    C compiler, make, pkg-config, zlib, cJSON, libdeflate (which the build can do without)
#   test     cmocka, bats, gcc, clang and their sanitizers, SIMDe, valgrind, clang-format,
#            clang-tidy, cppcheck, shellcheck, Python
#   interop  Python with PyTorch and safetensors, the latter in build/venv
#   bench    PyTorch, scikit-learn and a fast BLAS, to measure against
# Knows Debian and Ubuntu (apt), Fedora (dnf) and macOS (Homebrew); elsewhere it names what is
# needed. When nothing is missing it needs neither the network nor root.
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

SYSTEM=$(system_kind)
LOG=$ROOT/build/install_deps.log
PROBE=$ROOT/build/probe
VENV=$ROOT/build/venv

# Probes: does it work, rather than is a package of that name installed.

c_compiler_works() {
    printf '#include <stdio.h>\n' | cc -E - && { [ "$SYSTEM" != macos ] || xcode-select -p; }
}

# Whether the compiler, where there is one, links with its sanitizers' runtimes.
sanitizers_work() {
    local compiler=$1 kind
    have "$compiler" || return 0
    for kind in address,undefined thread; do
        printf 'int main(void) { return 0; }\n' |
            "$compiler" -fsanitize="$kind" -x c - -o "$PROBE" || return 1
        rm -f "$PROBE"
    done
}

python_has() {
    local python=$1
    shift
    [ -x "$python" ] && "$python" - "$@" <<'PYTHON'
import importlib.util
import sys

sys.exit(any(importlib.util.find_spec(name) is None for name in sys.argv[1:]))
PYTHON
}

simde_is_there() {
    printf '#include <simde/x86/avx512.h>\n' | cc -E -
}

openblas_is_there() {
    ls /usr/lib/*/libopenblas.so.0
}

# What is missing, as names for people and for the package manager.
missing='' packages=''

# need WHAT DEBIAN FEDORA BREW PROBE...: a dash where the system has no such package; what is
# missing there is no failure here, since the tests that want it say that they are skipped.
need() {
    local what=$1 debian=$2 fedora=$3 brew=$4 package
    shift 4
    if "$@" >/dev/null 2>&1; then
        return
    fi
    case $SYSTEM in
    debian) package=$debian ;;
    fedora) package=$fedora ;;
    macos) package=$brew ;;
    other) package= ;;
    esac
    if [ "$package" != - ]; then
        missing="$missing${missing:+, }$what"
        packages="$packages $package"
    fi
}

need_build() {
    need 'a C compiler' 'gcc libc6-dev' gcc xcode-cc c_compiler_works
    need make make make make have make
    need pkg-config pkg-config pkgconf-pkg-config pkgconf have pkg-config
    need 'zlib (headers)' zlib1g-dev zlib-devel zlib pkg-config --exists zlib
    need 'cJSON (headers)' libcjson-dev cjson-devel cjson pkg-config --exists libcjson
    need 'libdeflate (headers)' libdeflate-dev libdeflate-devel libdeflate \
        pkg-config --exists libdeflate
    need gzip gzip gzip gzip have gzip
}

need_test() {
    need cmocka libcmocka-dev libcmocka-devel cmocka pkg-config --exists cmocka
    need bats bats bats bats-core have bats
    need gcc gcc gcc - have gcc
    need 'the sanitizers of gcc' - 'libasan libubsan libtsan' - sanitizers_work gcc
    need clang clang clang - have clang
    need 'the sanitizers of clang' libclang-rt-dev compiler-rt - sanitizers_work clang
    if [ "$(uname -m)" = x86_64 ]; then
        need 'SIMDe (headers)' libsimde-dev simde-devel - simde_is_there
    fi
    need valgrind 'valgrind libc6-dbg' valgrind - have valgrind
    need clang-format clang-format clang-tools-extra clang-format have clang-format
    need clang-tidy clang-tidy clang-tools-extra - have clang-tidy
    need cppcheck cppcheck cppcheck cppcheck have cppcheck
    need shellcheck shellcheck ShellCheck shellcheck have shellcheck
    need python3 python3 python3 python have python3
    need diff diffutils diffutils diffutils have diff
    need xargs findutils findutils findutils have xargs
}

need_python() {
    need python3 python3 python3 python have python3
    need 'venv (Python)' python3-venv - - python_has "$(system_python)" venv ensurepip
}

need_torch() {
    need 'PyTorch (Python)' python3-torch python3-torch pytorch python_has "$(system_python)" torch
}

# The packages are the venv's affair (install_interop); here only what it takes to make one.
need_interop() {
    interop_is_there || need_python
}

need_bench() {
    need_python
    need_torch
    need 'scikit-learn (Python)' python3-sklearn python3-scikit-learn - \
        python_has "$(system_python)" sklearn
    if [ "$SYSTEM" = debian ]; then
        need OpenBLAS libopenblas0-pthread - - openblas_is_there
    fi
}

interop_is_there() {
    python_has "$VENV/bin/python" torch safetensors
}

# logged COMMAND...: its output goes to the log.
logged() {
    printf '$ %s\n' "$*" >>"$LOG"
    "$@" >>"$LOG" 2>&1 </dev/null
}

fail_with_log() {
    tail -n 40 "$LOG" >&2
    die "$* (the whole log: $LOG)"
}

apt_install() {
    logged as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
        --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}

# The lists of a fresh container are empty, those of an old machine name versions that are gone:
# either shows as a failed install, and only then the lists are fetched.
install_packages() {
    case $SYSTEM in
    debian)
        apt_install "$@" ||
            { logged as_root apt-get update -q -o DPkg::Lock::Timeout=300 && apt_install "$@"; }
        ;;
    fedora) logged as_root dnf -y --setopt=install_weak_deps=False install "$@" ;;
    macos) logged env HOMEBREW_NO_AUTO_UPDATE=1 brew install "$@" ;;
    esac
}

explain_other_system() {
    log "This system has neither apt-get, dnf nor Homebrew. Please install by hand: $missing."
    exit 1
}

check_macos() {
    case " $packages " in
    *' xcode-cc '*) die "the C compiler is missing: run 'xcode-select --install', then this again" ;;
    esac
    have brew || die "Homebrew is missing: install it first, then run this again (needed: $missing)"
}

collect() {
    local set
    missing='' packages=''
    for set in "$@"; do
        "need_$set"
    done
}

# Some needs show only when others are met (the sanitizers of a clang that is not there yet), so
# it looks again after installing, and ends when nothing is missing or nothing changes.
install_sets() {
    local before=
    collect "$@"
    while [ -n "$missing" ]; do
        case $SYSTEM in
        other) explain_other_system ;;
        macos) check_macos ;;
        esac
        [ "$missing" != "$before" ] || fail_with_log "installed, and still missing: $missing"
        before=$missing
        log "Installing: $missing"
        # shellcheck disable=SC2086 # a list of words
        install_packages $packages || fail_with_log "cannot install: $missing"
        collect "$@"
    done
}

# PyTorch from the system's packages where they have it, from PyPI where they have not.
install_interop() {
    local wanted='safetensors'
    if interop_is_there; then
        return
    fi
    collect torch
    if [ -n "$packages" ]; then
        log "Installing: $missing"
        # shellcheck disable=SC2086 # a list of words
        install_packages $packages || log "  not among this system's packages"
        collect torch
    fi
    [ -z "$missing" ] || wanted='safetensors torch numpy'

    log "Installing: $wanted (from PyPI, into build/venv)"
    logged "$(system_python)" -m venv --system-site-packages "$VENV" ||
        fail_with_log "cannot make build/venv"
    # shellcheck disable=SC2086 # a list of words
    logged "$VENV/bin/pip" install $wanted || fail_with_log "cannot install: $wanted"
    interop_is_there || fail_with_log "installed, and still missing: PyTorch or safetensors"
}

main() {
    local set
    case ${1-} in
    -h | --help)
        print_help
        exit 0
        ;;
    '') set -- build ;;
    esac
    for set in "$@"; do
        case $set in
        build | test | interop | bench) ;;
        *) usage_error "unknown set '$set': build, test, interop or bench" ;;
        esac
    done

    mkdir -p "$ROOT/build"
    : >"$LOG"
    install_sets "$@"
    case " $* " in
    *' interop '*) install_interop ;;
    esac
}

main "$@"

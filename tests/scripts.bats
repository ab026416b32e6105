#!/usr/bin/env bats
# The scripts: fetch_data.sh against a stand-in for curl, install_deps.sh, and the two checks of
# the source tree, each shown something that it must refuse.

setup() {
    root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
    scripts=$root/scripts
    mnist=${MLP_DATA_DIR:-$root/../shared/data}/mnist
    fashion=${MLP_DATA_DIR:-$root/../shared/data}/fashion-mnist
    to=$BATS_TEST_TMPDIR/to
    cd "$BATS_TEST_TMPDIR" || return
}

needs_mnist() {
    [ -f "$mnist/t10k-labels-idx1-ubyte.gz" ] || skip "no MNIST in $mnist"
}

# A curl that serves the files of $SERVED, whatever the host, and notes each address in calls.
# $FAKE_CURL: whole, cut (the first call for a file breaks off halfway), page (a web page with
# status 200), down (no connection), no_range (refuses to resume).
fake_curl() {
    export SERVED=$1 FAKE_CURL=$2 CALLS=$BATS_TEST_TMPDIR/calls
    mkdir -p bin
    : >"$CALLS"
    cat >bin/curl <<'FAKE'
#!/usr/bin/env bash
set -eu
resume=no
while [ $# -gt 0 ]; do
    case $1 in
    -C) resume=yes ;;
    -o) out=$2 && shift ;;
    http*) url=$1 ;;
    esac
    shift
done
echo "$url" >>"$CALLS"
source=$SERVED/${url##*/}
[ "$resume" = yes ] || rm -f "$out"
have=0
[ ! -f "$out" ] || have=$(wc -c <"$out")
case $FAKE_CURL in
down) printf 000 && exit 6 ;;
page) echo '<html>please log in</html>' >>"$out" && printf 200 && exit 0 ;;
no_range) [ "$have" -eq 0 ] || { printf 200 && exit 33; } ;;
esac
[ -f "$source" ] || { printf 404 && exit 22; }
size=$(wc -c <"$source")
[ "$have" -lt "$size" ] || { printf 416 && exit 22; }
if [ "$FAKE_CURL" = cut ] && [ "$have" -eq 0 ]; then
    head -c $((size / 2)) "$source" >"$out"
    printf 200
    exit 18
fi
tail -c +$((have + 1)) "$source" >>"$out"
printf 206
FAKE
    chmod +x bin/curl
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# Files with the four names and other bytes.
make_false_files() {
    local name
    mkdir -p "$1"
    for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
        echo "not MNIST" | gzip -c >"$1/$name-ubyte.gz"
    done
}

@test "fetch_data: wrong usage is exit 2" {
    run "$scripts/fetch_data.sh"
    [ "$status" -eq 2 ]
    run "$scripts/fetch_data.sh" cifar
    [ "$status" -eq 2 ]
    run "$scripts/fetch_data.sh" mnist fashion-mnist
    [ "$status" -eq 2 ]
    run "$scripts/fetch_data.sh" mnist --from
    [ "$status" -eq 2 ]
    run "$scripts/fetch_data.sh" --help
    [ "$status" -eq 0 ]
    [[ $output == *"--from DIR"* ]]
}

@test "fetch_data --from: four verified copies, kept by the second call" {
    needs_mnist
    run "$scripts/fetch_data.sh" mnist --from "$mnist" --to "$to"
    [ "$status" -eq 0 ]
    [ "$(find "$to" -type f | wc -l)" -eq 4 ]
    cmp "$mnist/train-images-idx3-ubyte.gz" "$to/train-images-idx3-ubyte.gz"
    fake_curl nowhere down
    run "$scripts/fetch_data.sh" mnist --to "$to"
    [ "$status" -eq 0 ]
    [ ! -s calls ]
}

@test "fetch_data --from: plain files are as good" {
    needs_mnist
    mkdir plain
    for file in "$mnist"/*.gz; do
        gzip -dc "$file" >"plain/$(basename "${file%.gz}")"
    done
    run "$scripts/fetch_data.sh" mnist --from plain --to "$to"
    [ "$status" -eq 0 ]
    cmp plain/t10k-labels-idx1-ubyte "$to/t10k-labels-idx1-ubyte"
}

@test "fetch_data --from: altered files are refused and get no name" {
    make_false_files false
    run "$scripts/fetch_data.sh" mnist --from false --to "$to"
    [ "$status" -eq 4 ]
    [ -z "$(ls -A "$to")" ]
}

@test "fetch_data --from: a gzip cut in its last bytes, or followed by others, is altered" {
    needs_mnist
    cp -r "$mnist" cut && chmod -R u+w cut
    size=$(wc -c <"$mnist/t10k-labels-idx1-ubyte.gz")
    head -c $((size - 4)) "$mnist/t10k-labels-idx1-ubyte.gz" >cut/t10k-labels-idx1-ubyte.gz
    run "$scripts/fetch_data.sh" mnist --from cut --to "$to"
    [ "$status" -eq 4 ]
    [ ! -e "$to/t10k-labels-idx1-ubyte.gz" ]
    [ -f "$to/train-labels-idx1-ubyte.gz" ]
    (cat "$mnist/t10k-labels-idx1-ubyte.gz" && echo more) >cut/t10k-labels-idx1-ubyte.gz
    run "$scripts/fetch_data.sh" mnist --from cut --to "$to"
    [ "$status" -eq 4 ]
    [ ! -e "$to/t10k-labels-idx1-ubyte.gz" ]
}

@test "fetch_data --from: half a data set is copied, and what is missing is named" {
    [ -f "$fashion/train-images-idx3-ubyte.gz" ] || skip "no Fashion-MNIST in $fashion"
    [ ! -f "$fashion/t10k-images-idx3-ubyte.gz" ] || skip "both halves are there"
    run "$scripts/fetch_data.sh" fashion-mnist --from "$fashion" --to "$to"
    [ "$status" -eq 4 ]
    [ "$(find "$to" -type f | wc -l)" -eq 2 ]
    [[ $output == *"not complete in $to: t10k-images-idx3-ubyte t10k-labels-idx1-ubyte"* ]]
}

@test "fetch_data: an altered file that is there stays until a right one can replace it" {
    needs_mnist
    make_false_files "$to"
    fake_curl nowhere down
    run "$scripts/fetch_data.sh" mnist --to "$to"
    [ "$status" -eq 4 ]
    [[ $output == *"altered"* ]]
    run "$scripts/fetch_data.sh" mnist --from "$mnist" --to "$to"
    [ "$status" -eq 0 ]
    cmp "$mnist/t10k-labels-idx1-ubyte.gz" "$to/t10k-labels-idx1-ubyte.gz"
}

@test "fetch_data: an altered plain file does not stay beside the right gzip" {
    needs_mnist
    mkdir "$to"
    echo altered >"$to/t10k-labels-idx1-ubyte"
    run "$scripts/fetch_data.sh" mnist --from "$mnist" --to "$to"
    [ "$status" -eq 0 ]
    [ "$(find "$to" -type f | wc -l)" -eq 4 ]
}

@test "fetch_data: a download that breaks off goes on, at the next mirror or call" {
    needs_mnist
    fake_curl "$mnist" cut
    run "$scripts/fetch_data.sh" mnist --to "$to"
    [ "$status" -eq 0 ]
    [ "$(wc -l <calls)" -eq 8 ]
    cmp "$mnist/train-images-idx3-ubyte.gz" "$to/train-images-idx3-ubyte.gz"
    [ -z "$(find "$to" -name "*.part")" ]
}

@test "fetch_data: a part is kept while the net is down, and resumed" {
    needs_mnist
    mkdir "$to"
    head -c 1000 "$mnist/train-images-idx3-ubyte.gz" >"$to/train-images-idx3-ubyte.gz.part"
    fake_curl "$mnist" down
    run "$scripts/fetch_data.sh" mnist --to "$to"
    [ "$status" -eq 1 ]
    [ "$(ls "$to")" = train-images-idx3-ubyte.gz.part ]
    fake_curl "$mnist" whole
    run "$scripts/fetch_data.sh" mnist --to "$to"
    [ "$status" -eq 0 ]
    [ "$(wc -l <calls)" -eq 4 ]
}

@test "fetch_data: a whole part needs no net; a false one is fetched from its start" {
    needs_mnist
    mkdir "$to"
    cp "$mnist/train-images-idx3-ubyte.gz" "$to/train-images-idx3-ubyte.gz.part"
    head -c 9000 /dev/zero >"$to/t10k-labels-idx1-ubyte.gz.part"
    echo false >"$to/train-labels-idx1-ubyte.gz.part"
    fake_curl "$mnist" whole
    run "$scripts/fetch_data.sh" mnist --to "$to"
    [ "$status" -eq 0 ]
    [ "$(grep -c ossci calls)" -eq 5 ]
    [ -z "$(grep train-images calls || true)" ]
}

@test "fetch_data: a server that cannot resume is asked from the start" {
    needs_mnist
    mkdir "$to"
    head -c 1000 "$mnist/t10k-labels-idx1-ubyte.gz" >"$to/t10k-labels-idx1-ubyte.gz.part"
    fake_curl "$mnist" no_range
    run "$scripts/fetch_data.sh" mnist --to "$to"
    [ "$status" -eq 0 ]
    [ "$(grep -c ossci calls)" -eq 5 ]
}

@test "fetch_data: a web page in place of the data is refused, from every mirror" {
    fake_curl nowhere page
    run "$scripts/fetch_data.sh" mnist --to "$to"
    [ "$status" -eq 4 ]
    [[ $output == *"a web page"* ]]
    [ -z "$(ls -A "$to")" ]
    [ "$(grep -c train-images calls)" -eq 3 ]
}

@test "fetch_data: no mirror answers: exit 1, nothing left, no useless tries" {
    fake_curl nowhere down
    run "$scripts/fetch_data.sh" fashion-mnist --to "$to"
    [ "$status" -eq 1 ]
    [ -z "$(ls -A "$to")" ]
    [ "$(wc -l <calls)" -eq 2 ]
}

@test "install_deps: what is there is not installed again" {
    mkdir bin
    for tool in apt-get dnf brew sudo; do
        printf '#!/bin/sh\necho %s >>%s/installs\nexit 1\n' "$tool" "$BATS_TEST_TMPDIR" >"bin/$tool"
    done
    chmod +x bin/*
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run "$scripts/install_deps.sh" build
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    [ ! -e installs ]
}

# A copy of the scripts in a system that has only the named package manager and none of the tools.
bare_system() {
    mkdir -p bare/bin
    cp -r "$scripts" bare/scripts
    for tool in bash sh env awk sed tail cat dirname basename mkdir rm id uname printf; do
        ln -s "$(command -v "$tool")" bare/bin/
    done
    if [ -n "$1" ]; then
        printf '#!/bin/sh\necho "%s $*" >>%s/installs\necho no such luck\nexit 1\n' \
            "$1" "$BATS_TEST_TMPDIR" >"bare/bin/$1"
        chmod +x "bare/bin/$1"
    fi
    printf '#!/bin/sh\nexec "$@"\n' >bare/bin/sudo
    chmod +x bare/bin/sudo
}

@test "install_deps: without a known package manager it names what is needed" {
    [ "$(uname -s)" = Linux ] || skip "on Linux only"
    bare_system ''
    PATH=$PWD/bare/bin run bare/scripts/install_deps.sh build
    [ "$status" -eq 1 ]
    [[ $output == *"install by hand: a C compiler, make, pkg-config, zlib (headers), cJSON"* ]]
}

@test "install_deps: apt installs, fetches the lists when that fails, and shows the log" {
    [ "$(uname -s)" = Linux ] || skip "on Linux only"
    bare_system apt-get
    PATH=$PWD/bare/bin run bare/scripts/install_deps.sh build
    [ "$status" -eq 1 ]
    [[ $output == *"no such luck"* ]]
    [[ $output == *"install_deps.log"* ]]
    grep -q '^apt-get install .*libcjson-dev' installs
    grep -q '^apt-get update' installs
}

@test "install_deps: dnf gets Fedora's names" {
    [ "$(uname -s)" = Linux ] || skip "on Linux only"
    bare_system dnf
    PATH=$PWD/bare/bin run bare/scripts/install_deps.sh build test
    [ "$status" -eq 1 ]
    grep -q '^dnf .*install .*cjson-devel .*libcmocka-devel' installs
}

@test "install_deps: an unknown set is exit 2" {
    run "$scripts/install_deps.sh" everything
    [ "$status" -eq 2 ]
}

@test "check_arrows: the tree passes; an include that runs back up does not" {
    run "$scripts/check_arrows.sh"
    [ "$status" -eq 0 ]
    cp -r "$root/src" src
    mkdir -p src/kernels src/train
    echo '#include "config/config.h"' >src/kernels/planted.c
    run "$scripts/check_arrows.sh" src
    [ "$status" -eq 1 ]
    [[ $output == *"kernels/planted.c:1: kernels/ must not include config/"* ]]
    rm src/kernels/planted.c
    printf '\n#  include "io/checkpoint.h"\n' >src/train/planted.h
    run "$scripts/check_arrows.sh" src
    [ "$status" -eq 1 ]
    [[ $output == *"train/planted.h:2: train/ must not include io/"* ]]
}

@test "check_arrows: includes without a room, and libraries outside theirs" {
    mkdir -p src/data src/config src/attic
    echo '#include "idx.h"' >src/data/a.c
    echo '#include <cjson/cJSON.h>' >src/data/b.c
    echo '#include <png.h>' >src/config/c.c
    echo '#include "base/mem.h"' >src/attic/d.c
    run "$scripts/check_arrows.sh" src
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 4 ]
    rm -r src
    mkdir -p src/data src/config
    echo '#include <cjson/cJSON.h>' >src/config/b.c
    printf '#include <png.h>\n#include "data/idx.h"\n#include <zlib.h>\n' >src/data/c.c
    run "$scripts/check_arrows.sh" src
    [ "$status" -eq 0 ]
}

# archive CODE: libplanted.a of one function.
archive() {
    printf '%s\n' "$1" >planted.c
    cc -O2 -c planted.c -o planted.o
    rm -f libplanted.a
    ar rcs libplanted.a planted.o
}

@test "check_symbols: a library that exits, aborts or prints is refused" {
    archive '#include <stdio.h>
int f(FILE *to); int f(FILE *to) { return fputs("x", to); }'
    run "$scripts/check_symbols.sh" libplanted.a
    [ "$status" -eq 0 ]
    archive '#include <stdlib.h>
void f(int n); void f(int n) { if (n) exit(n); }'
    run "$scripts/check_symbols.sh" libplanted.a
    [ "$status" -eq 1 ]
    [[ $output == *exit* ]]
    archive '#include <assert.h>
void f(int n); void f(int n) { assert(n); }'
    run "$scripts/check_symbols.sh" libplanted.a
    [ "$status" -eq 1 ]
    archive '#include <stdio.h>
void f(int n); void f(int n) { printf("%d\n", n); }'
    run "$scripts/check_symbols.sh" libplanted.a
    [ "$status" -eq 1 ]
    archive '#include <stdio.h>
void f(int n); void f(int n) { fprintf(stdout, "%d\n", n); }'
    run "$scripts/check_symbols.sh" libplanted.a
    [ "$status" -eq 1 ]
}

#!/usr/bin/env bash
# Usage: fetch_data.sh mnist|fashion-mnist [--from DIR] [--to DIR]
#
# Puts the four IDX files of the data set into DIR (data/<name> by default), from its mirrors or,
# with --from, from a local folder that has them as .gz or plain. A download goes to <file>.part
# and is resumed by the next call; only what has the published SHA-256 (of the uncompressed bytes)
# gets its final name. What is there already and right is kept.
#
# Exit: 0 all four are there, 1 a download failed, 2 wrong usage, 4 a file is altered or missing.
set -eu -o pipefail
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

FILES='train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte'

mirrors_of() {
    case $1 in
    mnist)
        echo https://ossci-datasets.s3.amazonaws.com/mnist
        echo https://storage.googleapis.com/cvdf-datasets/mnist
        echo http://yann.lecun.com/exdb/mnist
        ;;
    fashion-mnist)
        echo http://fashion-mnist.s3-website.eu-central-1.amazonaws.com
        echo https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion
        ;;
    esac
}

# SHA-256 of the uncompressed bytes of a published file.
published_sha256() {
    case $1 in
    mnist/train-images-*) echo ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db ;;
    mnist/train-labels-*) echo 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5 ;;
    mnist/t10k-images-*) echo 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7 ;;
    mnist/t10k-labels-*) echo ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2 ;;
    fashion-mnist/train-images-*) echo c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888 ;;
    fashion-mnist/train-labels-*) echo bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9 ;;
    fashion-mnist/t10k-images-*) echo 5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b ;;
    fashion-mnist/t10k-labels-*) echo 0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34 ;;
    esac
}

# is_right FILE NAME: FILE, gzipped or plain, holds the published bytes of NAME. A gzip that is
# cut, altered or followed by something else is not right, whatever it unpacks to.
is_right() {
    local found
    case $(head -c 2 "$1" | od -An -tx1 | tr -d ' \n') in
    1f8b) found=$(gzip -dc <"$1" 2>/dev/null | sha256) || return 1 ;;
    *) found=$(sha256 <"$1") ;;
    esac
    [ "$found" = "$(published_sha256 "$dataset/$2")" ]
}

# download URL PART: continues PART. Succeeds when the server has nothing more to send, also when
# it cannot resume; whether the bytes are right is for is_right to say.
download() {
    local http status=0
    if have curl; then
        http=$(curl -fL -sS --retry 2 --connect-timeout 15 --speed-limit 1 --speed-time 30 \
            -C - -o "$2" -w '%{http_code}' "$1") || status=$?
        [ "$http" = 416 ] || [ "$status" = 33 ] || return "$status"
    else
        wget -c -nv --tries 3 --timeout 30 -O "$2" "$1"
    fi
}

what_it_is() {
    case $(head -c 1 "$1") in
    '<') echo 'a web page' ;;
    '') echo 'nothing' ;;
    *) echo 'other bytes than the published ones' ;;
    esac
}

# fetch_from URL PART NAME: 0 right, 1 not to be had, 4 altered (and removed). Altered bytes that
# began with an older part get one more try, from their start.
fetch_from() {
    local url=$1 part=$2 name=$3 resumed
    for resumed in yes no; do
        [ -s "$part" ] || resumed=no
        download "$url" "$part" || return 1
        if [ -f "$part" ] && is_right "$part" "$name"; then
            return 0
        fi
        log "  $url sent $(what_it_is "$part")"
        rm -f "$part"
        [ "$resumed" = yes ] || break
    done
    return 4
}

# fetch NAME: NAME.gz into the folder, from the first mirror that has it right.
fetch() {
    local name=$1 part=$to/$1.gz.part mirror status worst=1
    if [ -f "$part" ] && is_right "$part" "$name"; then
        settle "$part" "$name.gz"
        return
    fi
    for mirror in $(mirrors_of "$dataset"); do
        log "  $mirror/$name.gz"
        status=0
        fetch_from "$mirror/$name.gz" "$part" "$name" || status=$?
        if [ "$status" = 0 ]; then
            settle "$part" "$name.gz"
            return
        fi
        [ "$status" != 4 ] || worst=4
    done
    if [ -s "$part" ]; then
        log "  a part of it is kept: the next call resumes it"
    fi
    return "$worst"
}

# copy NAME: from the local folder, as .gz or plain.
copy() {
    local name=$1 source
    for source in "$name.gz" "$name"; do
        if [ -f "$from/$source" ]; then
            cp "$from/$source" "$to/$source.part"
            if is_right "$to/$source.part" "$name"; then
                settle "$to/$source.part" "$source"
                return
            fi
            log "  $from/$source holds $(what_it_is "$to/$source.part")"
            rm -f "$to/$source.part"
            return 4
        fi
    done
    log "  $from has neither $name.gz nor $name"
    return 4
}

# settle PART FILE: the verified part gets its name, and no altered twin stays beside it.
settle() {
    local twin
    case $2 in
    *.gz) twin=$to/${2%.gz} ;;
    *) twin=$to/$2.gz ;;
    esac
    mv -f "$1" "$to/$2" && rm -f "$twin"
}

# 0 there and right, 1 not there, 4 there and altered.
state_of() {
    local file state=1
    for file in "$to/$1.gz" "$to/$1"; do
        if [ -f "$file" ]; then
            is_right "$file" "$1" || return 4
            state=0
        fi
    done
    return "$state"
}

# provide NAME: leaves it there and right, or says why not.
provide() {
    local name=$1 state=0 status=0
    state_of "$name" || state=$?
    case $state in
    0)
        log "$name: there already, verified"
        return 0
        ;;
    1) log "$name" ;;
    4) log "$name: there already, but altered; looking for the right one" ;;
    esac
    if [ -n "$from" ]; then
        copy "$name" || status=$?
    else
        fetch "$name" || status=$?
    fi
    if [ "$status" = 0 ]; then
        log "  verified"
    elif [ "$state" = 4 ]; then
        log "  the altered file in $to could not be replaced"
        status=4
    fi
    return "$status"
}

dataset='' from='' to=''
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        print_help
        exit 0
        ;;
    --from | --to)
        [ $# -ge 2 ] || usage_error "$1 wants a folder"
        case $1 in
        --from) from=$2 ;;
        --to) to=$2 ;;
        esac
        shift
        ;;
    mnist | fashion-mnist)
        [ -z "$dataset" ] || usage_error "one data set at a time"
        dataset=$1
        ;;
    *) usage_error "unknown argument '$1': mnist or fashion-mnist, --from DIR, --to DIR" ;;
    esac
    shift
done
[ -n "$dataset" ] || usage_error "which data set: mnist or fashion-mnist?"
[ -z "$from" ] || [ -d "$from" ] || die_with 4 "no folder '$from'"
[ -n "$from" ] || have curl || have wget || die "needs curl or wget: install one of them"
to=${to:-$ROOT/data/$dataset}
mkdir -p "$to"

result=0 failed=''
for name in $FILES; do
    status=0
    provide "$name" || status=$?
    if [ "$status" != 0 ]; then
        failed="$failed $name"
        [ "$result" = 4 ] || result=$status
        [ "$status" != 1 ] || break # no mirror answers: the other files will not fare better
    fi
done
if [ "$result" = 0 ]; then
    log "$dataset is complete in $to"
else
    log "$dataset is not complete in $to:$failed"
fi
exit "$result"

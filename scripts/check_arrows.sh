#!/usr/bin/env bash
# Usage: check_arrows.sh [SRC]
#
# The rooms of src/ include one another in one direction only:
#   cli -> train, io -> nn -> data -> kernels -> base, with config beside kernels.
# Reads every #include "room/file.h" and names each that runs back up; cJSON stays in config/,
# libpng and libdeflate in data/. Exit 1 when there is one.
set -eu
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

src=${1:-$ROOT/src}
[ -d "$src" ] || die_with 2 "no folder '$src'"

cd "$src"
# shellcheck disable=SC2046 # sources have no spaces in their names
awk '
BEGIN {
    below["base"] = " "
    below["config"] = " base "
    below["kernels"] = " base "
    below["data"] = " kernels config base "
    below["nn"] = " data kernels config base "
    below["io"] = " nn data kernels config base "
    below["train"] = " nn data kernels config base "
    below["cli"] = " train io nn data kernels config base "
    only_room["cJSON.h"] = "config"
    only_room["png.h"] = "data"
    only_room["libdeflate.h"] = "data"
}
function refuse(why) {
    printf "%s:%d: %s: %s\n", substr(FILENAME, 3), FNR, why, $0
    bad = 1
}
/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
    split(FILENAME, place, "/")
    room = place[2]
    quoted = ($0 ~ /include[ \t]*"/)
    name = $0
    sub(/^[^<"]*[<"]/, "", name)
    sub(/[>"].*$/, "", name)
    count = split(name, parts, "/")
    target = parts[1]
    if (parts[count] in only_room) {
        if (room != only_room[parts[count]])
            refuse(parts[count] " is for " only_room[parts[count]] "/ only")
    } else if (quoted && !(room in below)) {
        refuse("unknown room " room "/")
    } else if (quoted && (count < 2 || !(target in below))) {
        refuse("not of the form \"room/file.h\"")
    } else if (quoted && target != room && !index(below[room], " " target " ")) {
        refuse(room "/ must not include " target "/")
    }
}
END { exit bad }
' /dev/null $(find . -type f \( -name '*.c' -o -name '*.h' -o -name '*.inc' \) | sort)

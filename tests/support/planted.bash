# shellcheck shell=bash
# shellcheck disable=SC2034 # libraries is for build()
# For tests that prove that another test can fail: each plants errors, one by one, into a copy of a source. Source this
# file, call planted_begin, define build(), plant, and end with planted_end.
#
#     build OUT FILE TEST [OBJECT]    links the test TEST to OUT, with OBJECT in the place of what FILE makes
#
# cc, root, scratch, flags and libraries are set for it.

# planted_begin CC OPTIMISATION [LIMIT_S]: a test that runs longer than the limit, 60 s, has failed, too.
planted_begin() {
    cc=$1 limit_s=${3:-60}
    root=${TORTOISE_SOURCE:?the sources}
    scratch=${TORTOISE_SCRATCH:?a folder of our own}/planted
    count=0 failures=0
    rm -rf "$scratch"
    mkdir -p "$scratch"
    read -ra flags < <(pkg-config --cflags gsl cunit)
    read -ra libraries < <(pkg-config --libs gsl cunit)
    flags+=(-std=c11 "$2" -ffp-contract=off -I"$root/include" -I"$root/src" -I"$root/tests")
}

# compile SOURCE OBJECT
compile() {
    "$cc" "${flags[@]}" -c "$1" -o "$2"
}

# passes PROGRAM [CLAIM]: runs a test that was linked, or one claim of it.
passes() {
    TORTOISE_SCRATCH=$scratch timeout "$limit_s" "$@" >"$scratch/said.txt"
}

planted_failed() {
    echo "FAILED: $1"
    failures=$((failures + 1))
}

# replace FILE OLD NEW OUT: copies root/src/FILE, in which OLD stands once or more, with NEW in the place of the first.
replace() {
    local content changed
    count=$((count + 1))
    content=$(<"$root/src/$1")
    changed=${content/"$2"/"$3"}
    if [ "$changed" = "$content" ]; then
        planted_failed "$1: '$2' is not there any more"
        return 1
    fi
    printf '%s\n' "$changed" >"$4"
}

# must_fail FILE NEW TEST [CLAIM]: what was built with the error.
must_fail() {
    ! passes "$scratch/wrong" "${@:4}" || planted_failed "$1: '$2' is not noticed by $3 ${4-}"
}

# plant FILE TEST OLD NEW [CLAIM]: OLD stands in root/src/FILE.c, once or more; the first is replaced, and the test, or
# its CLAIM, must then fail. An error that survives fails, and so does one whose place is not found.
plant() {
    replace "$1.c" "$3" "$4" "$scratch/planted.c" || return
    if compile "$scratch/planted.c" "$scratch/planted.o" && build "$scratch/wrong" "$1" "$2" "$scratch/planted.o"; then
        must_fail "$1" "$4" "$2" "${@:5}"
    else
        planted_failed "$1: '$4' does not compile"
    fi
}

# plant_header FILE TEST OLD NEW [CLAIM]: the same in root/src/FILE.h, for what root/tests/TEST.c itself makes of it.
plant_header() {
    local flags=("-I$scratch/headers" "${flags[@]}")
    mkdir -p "$scratch/headers/$(dirname "$1")"
    replace "$1.h" "$3" "$4" "$scratch/headers/$1.h" || return
    if compile "$root/tests/$2.c" "$scratch/planted_test.o" && build "$scratch/wrong" none planted_test; then
        must_fail "$1" "$4" "$2" "${@:5}"
    else
        planted_failed "$1: '$4' does not compile"
    fi
    rm "$scratch/headers/$1.h"
}

# Without errors the test must pass: planted_right TEST [CLAIM].
planted_right() {
    build "$scratch/right" none "$1" && passes "$scratch/right" "${@:2}" && return
    cat "$scratch/said.txt"
    exit 1
}

planted_end() {
    echo "$count errors planted, $failures survived or found no place"
    exit $((failures > 0))
}

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

# plant FILE TEST OLD NEW [CLAIM]: OLD stands in root/src/FILE.c, once or more; the first is replaced, and the test, or
# its CLAIM, must then fail. An error that survives fails, and so does one whose place is not found.
plant() {
    local content changed
    count=$((count + 1))
    content=$(<"$root/src/$1.c")
    changed=${content/"$3"/"$4"}
    if [ "$changed" = "$content" ]; then
        planted_failed "$1: '$3' is not there any more"
        return
    fi
    printf '%s\n' "$changed" >"$scratch/planted.c"
    if ! compile "$scratch/planted.c" "$scratch/planted.o" ||
        ! build "$scratch/wrong" "$1" "$2" "$scratch/planted.o"; then
        planted_failed "$1: '$4' does not compile"
    elif passes "$scratch/wrong" "${@:5}"; then
        planted_failed "$1: '$4' is not noticed by $2 ${5-}"
    fi
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

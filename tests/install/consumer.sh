#!/usr/bin/env bash
# consumer.sh SOURCE BUILD CC: what `cmake --install` leaves is enough for a program of one's own, ten lines of main()
# around an algorithm: built by pkg-config and by CMake's find_package(), against a prefix and against a tree that
# was moved, it runs in both worlds. Nothing that is installed leads back into the build.
# shellcheck disable=SC2016 # backquotes are the fences of a page
set -uo pipefail
source=${1:?a tree} build=${2:?a build} cc=${3:?a compiler}
scratch=${TORTOISE_SCRATCH:?a folder}/trees
unset TORTOISE_SIM_PLUGIN TORTOISE_PLOTS LD_LIBRARY_PATH PKG_CONFIG_PATH
failed=0

is() { # CLAIM COMMAND...: the command succeeds
    local output claim=$1
    shift
    if output=$("$@" 2>&1); then
        echo "ok: $claim"
    else
        printf 'WRONG: %s\n%s\n' "$claim" "$output"
        failed=$((failed + 1))
    fi
}

has() { # PATTERN COMMAND...: its output has a line that matches
    local pattern=$1 output
    shift
    output=$("$@" 2>&1)
    grep -qE -- "$pattern" <<<"$output" || { echo "no '$pattern' in:" && echo "$output" && return 1; }
}

lacks() {
    ! has "$@" >/dev/null || { echo "'$1' is in the output of: ${*:2}" && return 1; }
}

pc_dir() { # PREFIX
    dirname "$(find "$1" -name tortoise.pc)"
}

libdir() { # PREFIX
    dirname "$(pc_dir "$1")"
}

model_of() {
    sed -n 's/^  "model_sha256": "\([0-9a-f]*\)".*/\1/p' "$1/manifest.json"
}

# by_pkg_config PREFIX FOLDER
by_pkg_config() {
    cp -r "$source/examples/least_squares" "$2" && cd "$2" &&
        PKG_CONFIG_PATH=$(pc_dir "$1") make -s CC="$cc" LDFLAGS="-Wl,-rpath,$(libdir "$1")"
}

# by_cmake PREFIX FOLDER
by_cmake() {
    cp -r "$source/examples/least_squares" "$2" && cd "$2" &&
        cmake -S . -B . -DCMAKE_PREFIX_PATH="$1" -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=Release &&
        cmake --build .
}

# learns PROGRAM WORLD: the algorithm finds its answer, and leaves a model.
learns() {
    timeout 60 "$1" "$2" least-squares --policy bsp --nodes 2 --workers 2 --out "${1%/*}/out-$2" --force --quiet &&
        [ -n "$(model_of "${1%/*}/out-$2")" ]
}

same_model() { # FOLDER
    [ "$(model_of "$1/out-run")" = "$(model_of "$1/out-sim")" ]
}

# works CLAIM FOLDER PREFIX: the program in FOLDER, in every world that is installed.
works() {
    is "$1: it runs for real" learns "$2/least_squares" run
    is "$1: it has all commands" has 'least-squares: least squares' "$2/least_squares" help run least-squares
    is "$1: an unknown option is refused" has "^least_squares: unknown option --polcy; did you mean --policy" \
        "$2/least_squares" run least-squares --polcy bsp
    [ -n "$(find "$3" -name tortoise_sim.so)" ] || return 0
    is "$1: the plug-in is the one that was installed" has "simulator .*$3" "$2/least_squares" version --features
    is "$1: it simulates" learns "$2/least_squares" sim
    is "$1: both worlds give the same bits" same_model "$2"
}

# only_public LIBRARY: what it shows is declared in the public headers, and the other way round.
only_public() {
    diff <(nm -D --defined-only "$1" | awk '$2 ~ /^[TDRBVW]$/ { sub(/@.*/, "", $3); print $3 }' | sort -u) \
        <(cat "$source"/include/tortoise/*.h | sed 's|/\*.*\*/||; /^ *\/\*/,/\*\//d' | grep -oE '\bps_[a-z0-9_]+\(' |
            tr -d '(' | sort -u)
}

rm -rf "$scratch"
mkdir -p "$scratch"
prefix=$scratch/prefix
is 'it installs' cmake --install "$build" --prefix "$prefix"
is 'the library shows the public functions and no other' only_public "$(libdir "$prefix")/libtortoise.so"
echo 'int psi_leak(void); int psi_leak(void) { return 7; }' >"$scratch/leak.c"
"$cc" -shared -fPIC "$scratch/leak.c" -o "$scratch/leak.so"
if only_public "$scratch/leak.so" >/dev/null; then
    echo 'WRONG: a private symbol was not noticed'
    failed=$((failed + 1))
fi
while read -r file; do
    is "${file##*/} does not look into the build" lacks "RUNPATH.*($build|$source)" readelf -d "$file"
done < <(find "$prefix" -type f \( -name '*.so*' -o -name tortoise -perm -u+x \))
is 'the manual is there' zgrep -q 'policy' "$prefix/share/man/man1/tortoise-run.1.gz"
is 'the completion is there' grep -q 'policy' "$prefix/share/bash-completion/completions/tortoise"
is 'pkg-config: it builds' by_pkg_config "$prefix" "$scratch/by-pkg-config"
works pkg-config "$scratch/by-pkg-config" "$prefix"
# refuses_half TEXT FIELDS: an algorithm with these fields alone is refused.
refuses_half() {
    printf '#include <tortoise/program.h>\nint main(int argc, char **argv) {\n%s\n%s\n}\n' \
        "    const ps_algo half = {$2};" '    return ps_main(argc, argv, &half);' >"$scratch/half.c"
    "$cc" "$scratch/half.c" -I"$prefix/include" -o "$scratch/half" -L"$(libdir "$prefix")" -ltortoise \
        -Wl,-rpath,"$(libdir "$prefix")" || return 1
    has "$1" "$scratch/half" version || return 1
    "$scratch/half" version 2>/dev/null
    [ $? -eq 2 ]
}
is 'an algorithm without a name is refused' refuses_half "has no 'name'" ''
is 'an algorithm without functions is refused' refuses_half "'half' has no 'open'" \
    '.name = "half", .summary = "", .unit = "", .metrics = (const char *const[]){"objective"}, .metric_count = 1'
is 'CMake: it builds' by_cmake "$prefix" "$scratch/by-cmake"
works CMake "$scratch/by-cmake" "$prefix"

moved=$scratch/moved/here
is 'it installs for a package' env DESTDIR="$scratch/destdir" cmake --install "$build"
mkdir -p "$scratch/moved"
mv "$(dirname "$(dirname "$(find "$scratch/destdir" -path '*/bin/tortoise')")")" "$moved"
is 'moved: it builds' by_pkg_config "$moved" "$scratch/by-moved"
works moved "$scratch/by-moved" "$moved"
is 'moved: the program runs' timeout 60 "$moved/bin/tortoise" run mf --clocks 3 --nodes 2 --quiet --out "$scratch/mf"
if command -v gnuplot >/dev/null; then
    is 'moved: the program finds its plots' timeout 60 "$moved/bin/tortoise" report "$scratch/mf"
    is 'moved: the plots are in the report' grep -q '<svg' "$scratch/mf/report.html"
fi
is 'the page on algorithms has the same program' cmp "$source/examples/least_squares/least_squares.c" \
    <(sed -n '/^```c$/,/^```$/p' "$source/docs/write-an-algorithm.md" | sed '1d;$d')
echo "$failed wrong"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# package.sh BUILD: the Debian packages that cpack makes say what they need, hold what they should, and work: taken
# apart into a folder, the program runs there. With TORTOISE_CLEAN_ROOT=yes they are also installed by apt in a fresh
# Debian made by debootstrap, and run there; that needs root, a network and minutes.
set -uo pipefail
build=${1:?a build}
scratch=${TORTOISE_SCRATCH:?a folder}/packages
unset TORTOISE_SIM_PLUGIN TORTOISE_PLOTS LD_LIBRARY_PATH
failed=0

for tool in cpack dpkg-deb dpkg-shlibdeps file; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: packages need $tool"
        exit 77
    fi
done

wrong() {
    printf 'WRONG: %s\n' "$1"
    failed=$((failed + 1))
}

# field PACKAGE FIELD PATTERN
field() {
    local value
    value=$(dpkg-deb -f "$scratch/$1"_*.deb "$2")
    grep -qE "$3" <<<"$value" || wrong "$1 has $2: $value, not $3"
}

# holds PACKAGE PATTERN
holds() {
    local list
    list=$(dpkg-deb -c "$scratch/$1"_*.deb)
    grep -qE "$2" <<<"$list" || wrong "$1 does not hold $2"
}

rm -rf "$scratch"
mkdir -p "$scratch/tree"
cd "$scratch" || exit 2
cpack --config "$build/CPackConfig.cmake" -B "$scratch" >cpack.log 2>&1 || { cat cpack.log && exit 1; }
rm -rf _CPack_Packages
ls ./*.deb

field tortoise Depends 'libc6.*libgsl'
field tortoise Recommends gnuplot-nox
field tortoise Section science
field tortoise Description '^parameter server for research'
dpkg-deb -f tortoise_*.deb Depends | grep -q simgrid && wrong 'the program depends on SimGrid'
holds tortoise '/usr/bin/tortoise$'
holds tortoise '/usr/share/man/man1/tortoise-run.1.gz$'
holds tortoise '/usr/share/tortoise/plots/.*gp$'
holds tortoise '/usr/share/doc/tortoise/copyright$'
field libtortoise-dev Depends 'libtortoise0\.1 \(='
holds libtortoise-dev '/usr/include/tortoise/program.h$'
holds libtortoise0.1 '/usr/lib.*/libtortoise.so.0.1'
has_sim=no
if [ -n "$(find . -name 'tortoise-sim_*.deb')" ]; then
    has_sim=yes
    field tortoise-sim Depends 'libsimgrid'
    holds tortoise-sim '/usr/lib.*/tortoise/tortoise_sim.so$'
fi

for package in tortoise_*.deb tortoise-sim_*.deb; do
    [ -e "$package" ] && dpkg-deb -x "$package" tree
done
leaks=$(grep -rlaF "$build" tree)
[ -z "$leaks" ] || wrong "the path of the build is in: $leaks"
missing=$(find tree -type f \( -name '*.so*' -o -name tortoise -perm -u+x \) -exec ldd {} + 2>&1 | grep 'not found')
[ -z "$missing" ] || wrong "$missing"

# runs PREFIX-COMMAND...: the program, real and, where it is there, simulated.
runs() {
    "$@" tortoise version || wrong "$*: version"
    "$@" tortoise run mf --policy bsp --clocks 5 --nodes 2 --workers 2 --quiet --force --out /tmp/package-run-$$ ||
        wrong "$*: run"
    if [ "$has_sim" = yes ]; then
        "$@" tortoise sim mf --policy bsp --clocks 5 --nodes 2 --workers 2 --quiet --force --out /tmp/package-sim-$$ ||
            wrong "$*: sim"
    fi
    rm -rf "/tmp/package-run-$$" "/tmp/package-sim-$$"
}

runs env PATH="$scratch/tree/usr/bin:$PATH" timeout 60

in_root() { # COMMAND...: in the fresh Debian, with a /proc that vanishes with the command
    # shellcheck disable=SC2016 # the inner shell's words
    unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$scratch/root" "$@"
}

if [ "${TORTOISE_CLEAN_ROOT-}" = yes ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null; then
        echo "skipped: a clean root needs root and debootstrap"
        exit 77
    fi
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    debootstrap --variant=minbase "$codename" root >debootstrap.log 2>&1 || { tail debootstrap.log && exit 1; }
    cp ./*.deb root/tmp/
    export DEBIAN_FRONTEND=noninteractive
    in_root sh -c 'apt-get -qq update && apt-get -qq -y --no-install-recommends install /tmp/tortoise*.deb' >apt.log 2>&1 ||
        { tail apt.log && wrong 'apt does not install it'; }
    runs in_root timeout 60
    in_root sh -c 'apt-get -qq -y --no-install-recommends install /tmp/libtortoise*.deb gcc libc6-dev pkg-config make &&
        cp -r /usr/share/doc/tortoise/examples/least_squares /root && cd /root/least_squares && make -s CC=gcc &&
        ./least_squares run least-squares --quiet && ./least_squares sim least-squares --quiet' >apt-dev.log 2>&1 ||
        { tail apt-dev.log && wrong 'the example cannot be built there'; }
    rm -rf root
    echo "a fresh $codename runs it"
fi
echo "$failed wrong"
[ "$failed" -eq 0 ]

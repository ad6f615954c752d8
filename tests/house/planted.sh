#!/usr/bin/env bash
# planted.sh CC: proves that each checker of the house can fail. It plants one violation after another in a small
# tree that is clean otherwise, and expects the checker to name it; and none in the clean tree.
# shellcheck disable=SC2016 # what is in single quotes is planted, not run
set -uo pipefail
house=$(cd "$(dirname "$0")" && pwd)
cc=${1:?a compiler}
scratch=${TORTOISE_SCRATCH:?a folder}/tree
failed=0 count=0

repeat() { # TIMES TEXT
    local i
    for ((i = 0; i < $1; i++)); do echo "$2"; done
}

# A tree in which every checker finds nothing.
clean_tree() {
    rm -rf "$scratch"
    mkdir -p "$scratch"/{include/tortoise,src/{base,ps,node,runtime,sim,data,algos/mf,cli},tests}
    cd "$scratch" || exit 2
    printf '/* For tests. */\n#ifndef TORTOISE_GOOD_H\n#define TORTOISE_GOOD_H\nint ps_good(int a);\n#endif\n' \
        >include/tortoise/good.h
    printf '/* For tests. */\n#ifndef PSI_RING_H\n#define PSI_RING_H\n#include <stddef.h>\nsize_t psi_ring(void);\n#endif\n' \
        >src/base/ring.h
    printf '#include "base/ring.h"\n\nsize_t psi_ring(void) {\n    return 17;\n}\n' >src/base/ring.c
    printf '#!/usr/bin/env bash\necho "$1"\n' >good.sh
}

# expect PATTERN CHECKER ARG...: the checker fails and prints a line that matches.
expect() {
    local pattern=$1 output status
    shift
    count=$((count + 1))
    output=$(bash "$house/$1" "${@:2}" 2>&1)
    status=$?
    if [ "$status" -eq 1 ] && grep -qE "$pattern" <<<"$output"; then
        echo "found: $(grep -E "$pattern" <<<"$output" | head -n 1)"
    else
        printf 'NOT FOUND by %s (exit %d): %s\n%s\n' "$1" "$status" "$pattern" "$output"
        failed=$((failed + 1))
    fi
}

expect_clean() { # CHECKER ARG...
    local output
    count=$((count + 1))
    if output=$(bash "$house/$1" "${@:2}" 2>&1); then
        echo "clean: $1"
    else
        printf 'FALSE ALARM of %s\n%s\n' "$1" "$output"
        failed=$((failed + 1))
    fi
}

sizes() {
    clean_tree
    # At the limit: 70 lines, 6 parameters, 600 lines, 100 columns; things that only look like functions.
    {
        echo 'int psi_six(int a, int b, void (*c)(int x, int y), int d, int e, int f) {'
        repeat 68 '    a++;'
        echo '}'
        echo 'static const int table[] = {'
        repeat 80 '    1,'
        echo '};'
        repeat 447 ''
        printf '/* %094d */\n' 0
    } >src/ps/limit.c
    expect_clean sizes.sh "$scratch"

    { echo 'int psi_long(void) {' && repeat 69 '    a++;' && echo '}'; } >src/ps/bad.c
    expect 'src/ps/bad.c:1: function is 71 lines' sizes.sh "$scratch"
    clean_tree
    printf 'static int f(int a, int b, int c, int d, int e,\n             int f, int g) {\n    return a;\n}\n' >src/ps/bad.c
    expect 'src/ps/bad.c:1: more than 6 parameters' sizes.sh "$scratch"
    clean_tree
    sed -i 's/int ps_good.*/int ps_good(int a, int b, int c, int d, int e, int f,\n            int g);/' include/tortoise/good.h
    expect 'include/tortoise/good.h:4: more than 6 parameters' sizes.sh "$scratch"
    clean_tree
    repeat 601 '' >src/ps/bad.c
    expect 'src/ps/bad.c:601: file is longer' sizes.sh "$scratch"
    clean_tree
    printf '/* %095d */\n' 0 >src/ps/bad.c
    expect 'src/ps/bad.c:1: 101 columns' sizes.sh "$scratch"
    clean_tree
    cp src/base/ring.c src/ps/ring.c
    expect 'two files have the name ring.c' sizes.sh "$scratch"
    clean_tree
    sed -i 1d src/base/ring.h
    expect 'src/base/ring.h:1: does not open' sizes.sh "$scratch"
    clean_tree
    sed -i '/PSI_RING_H/d' src/base/ring.h
    expect 'src/base/ring.h:1: has no include guard' sizes.sh "$scratch"
    clean_tree
    echo 'void end(int process) { (void)kill(process, 9); }' >tests/bad.c
    expect 'tests/bad.c:1:.*signals_send' sizes.sh "$scratch"
    clean_tree
    echo '/* FIX''ME: later */' >>src/base/ring.c
    expect 'src/base/ring.c:6:.*unfinished' sizes.sh "$scratch"
    clean_tree
    echo '/* TO''DO: later */' >>src/base/ring.c
    expect 'src/base/ring.c:6:.*unfinished' sizes.sh "$scratch"
}

# arrow FILE INCLUDE PATTERN: the include in that file is refused.
arrow() {
    clean_tree
    printf '#include %s\n' "$2" >"$1"
    expect "$3" arrows.sh "$scratch"
}

arrows() {
    clean_tree
    printf '#include "base/ring.h"\n#include "tortoise/good.h"\n#include <string.h>\n' >src/ps/good.c
    printf '#include "node/port.h"\n#include <pthread.h>\n' >src/runtime/good.c
    printf '#include "sim/x.h"\n#include "runtime/x.h"\n#include <stdio.h>\n' >src/cli/good.c
    printf '#include <simgrid/actor.h>\n' >src/sim/good.c
    expect_clean arrows.sh "$scratch"

    arrow src/base/bad.c '"ps/frame.h"' 'src/base/bad.c:1: src/base may not include'
    arrow src/ps/bad.c '"node/port.h"' 'src/ps may not include'
    arrow src/node/bad.c '"runtime/run.h"' 'src/node may not include'
    arrow src/runtime/bad.c '"sim/x.h"' 'src/runtime may not include'
    arrow src/sim/bad.c '"runtime/x.h"' 'src/sim may not include'
    arrow src/data/bad.c '"ps/frame.h"' 'src/data may not include'
    arrow src/algos/mf/bad.c '"ps/frame.h"' 'src/algos may not include'
    arrow src/algos/mf/bad.c '"base/ring.h"' 'src/algos may not include'
    arrow src/cli/bad.c '"support/suite.h"' 'src/cli may not include'
    arrow src/ps/bad.c '"../base/ring.h"' 'climbs out'
    arrow src/ps/bad.c '"ring.h"' 'is not beside it'
    arrow src/ps/bad.c '<pthread.h>' 'src/ps may not include <pthread.h>'
    arrow src/ps/bad.c '<time.h>' 'src/ps may not include <time.h>'
    arrow src/ps/bad.c '<stdio.h>' 'src/ps may not include <stdio.h>'
    arrow src/base/bad.c '<stdio.h>' 'src/base may not include <stdio.h>'
    arrow src/node/bad.c '<sys/socket.h>' 'src/node may not include'
    arrow src/algos/mf/bad.c '<unistd.h>' 'src/algos may not include'
    arrow src/runtime/bad.c '<simgrid/actor.h>' 'only src/sim includes'
    arrow include/tortoise/bad.h '"ps/frame.h"' 'not public'
    clean_tree
    echo '/* In a simulation this is fast. */' >src/ps/bad.c
    expect 'src/ps/bad.c:1:.*which world' arrows.sh "$scratch"
    clean_tree
    echo 'static const char *const x = "SimGrid";' >src/algos/mf/bad.c
    expect 'src/algos/mf/bad.c:1:.*which world' arrows.sh "$scratch"
}

headers() {
    clean_tree
    expect_clean headers.sh "$scratch" "$cc"
    sed -i '/stddef/d' src/base/ring.h
    expect 'src/base/ring.h: does not compile alone' headers.sh "$scratch" "$cc"
    clean_tree
    printf '/* Twice. */\ntypedef enum bad { BAD } bad;\n' >include/tortoise/bad.h
    expect 'include/tortoise/bad.h: does not compile alone' headers.sh "$scratch" "$cc"
}

# library NAME SOURCE: makes lib NAME.a of C text.
library() {
    printf '%s\n' "$2" >"$1.c"
    "$cc" -std=c11 -O1 -fPIC -c "$1.c" -o "$1.o" && rm -f "$1.a" && ar rc "$1.a" "$1.o"
}

symbols() {
    clean_tree
    printf 'ps malloc free memset _GLOBAL_OFFSET_TABLE_ __stack_chk_fail\n' >allowed
    library base 'int psi_b(void); int psi_b(void) { return 2; }'
    library ps '#include <stdlib.h>
        int psi_b(void); int psi_a(void); void *psi_p(void);
        static int one(void) { return 1; }
        int (*const psi_table[])(void) = {one, psi_b, psi_a};
        static const int numbers[] = {1, 2, 3};
        int psi_a(void) { return psi_b() + numbers[psi_b() % 3] + psi_table[psi_b() % 2](); }
        void *psi_p(void) { return malloc(17); }'
    expect_clean symbols.sh allowed base=base.a ps=ps.a

    library ps 'int psi_g = 3; int psi_a(void); int psi_a(void) { return psi_g++; }'
    expect 'psi_g is a writable global \(\.data' symbols.sh allowed base=base.a ps=ps.a
    library ps 'int psi_a(void); int psi_a(void) { static int calls; return calls++; }'
    expect 'calls[.0-9]* is a writable global \(\.bss' symbols.sh allowed base=base.a ps=ps.a
    library ps 'int psi_a(void); int psi_a(void) { static _Thread_local int calls; return calls++; }'
    expect 'calls[.0-9]* is a writable global \(\.tbss' symbols.sh allowed base=base.a ps=ps.a
    library ps '#include <stdlib.h>
        int psi_a(void); int psi_a(void) { return rand(); }'
    expect 'src/ps: calls rand and may not' symbols.sh allowed base=base.a ps=ps.a
    library ps '#include <time.h>
        long psi_a(void); long psi_a(void) { return (long)time(NULL); }'
    expect 'src/ps: calls time and may not' symbols.sh allowed base=base.a ps=ps.a
    expect 'no symbols' symbols.sh allowed ps=absent.a
    expect 'src/node: there is no absent.a' symbols.sh allowed base=base.a node=absent.a
}

scripts() {
    command -v shellcheck >/dev/null || return 0
    clean_tree
    expect_clean scripts.sh "$scratch"
    printf '#!/usr/bin/env bash\nrm -rf $1/*\n' >bad.sh
    expect 'SC2086' scripts.sh "$scratch"
}

links() {
    clean_tree
    mkdir docs
    echo '[a](docs/a.md#part), [b](https://example.org/x), [c](#here)' >README.md
    echo '[back](../README.md)' >docs/a.md
    expect_clean links.sh "$scratch"
    echo '[gone](README.md)' >>docs/a.md
    expect 'docs/a.md:2: there is no README.md' links.sh "$scratch"
}

sizes
arrows
links
headers
symbols
scripts
echo "$count cases, $failed wrong"
[ "$failed" -eq 0 ]

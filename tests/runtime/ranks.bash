# What the tests of ranks share. To be sourced.
# shellcheck shell=bash disable=SC2034 # those that source it use the variables
scratch=$TORTOISE_SCRATCH/$(basename "$0" .sh)
rm -rf "$scratch"
mkdir -p "$scratch"
failures=0
task=(--policy bsp --clocks 5 --eval-every 0 --workers 4)
# No launcher that may have started this test shall be heeded.
while IFS= read -r variable; do
    unset "$variable"
done < <(env | sed -n 's/^\(PS_[A-Z_]*\|SLURM_[A-Z_]*\|OMPI_[A-Z_]*\|PMI_[A-Z_]*\|PMIX_[A-Z_]*\|RANK\|WORLD_SIZE\)=.*/\1/p')

skip() {
    echo "skipped: $*"
    exit 77
}

# claim WHAT COMMAND...: counts a failure unless the command succeeds.
claim() {
    local what=$1
    shift
    if ! "$@"; then
        echo "FAILED: $what"
        failures=$((failures + 1))
    fi
}

finish() {
    [ "$failures" -eq 0 ] && echo "as it should be"
    exit $((failures > 0))
}

# sha_of DIR: the model's digest of a run.
sha_of() {
    sed -n 's/^  "model_sha256": "\([0-9a-f]*\)".*/\1/p' "$1/manifest.json" 2>/dev/null
}

# The digest that all worlds must come to: of a simulation, or, without a simulator, of local processes.
simulated_sha() {
    "$TORTOISE" sim mf "${task[@]}" --nodes 4 --quiet --out "$scratch/sim" >/dev/null 2>&1 ||
        "$TORTOISE" run mf "${task[@]}" --nodes 4 --quiet --out "$scratch/sim" >/dev/null 2>&1
    sha_of "$scratch/sim"
}

# threads PROCESS: how many threads of the program's own it has; ThreadSanitizer has one more.
threads() {
    local count
    count=$(ps -o nlwp= -p "${1:-0}" 2>/dev/null | tr -d ' ')
    echo $((${count:-0} - sanitizer_threads))
}
sanitizer_threads=0
if grep -q __tsan_init "$TORTOISE"; then
    sanitizer_threads=1
fi

# A port that nobody listens at now.
free_port() {
    local port
    for port in $(shuf -i 20000-29999 -n 50); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

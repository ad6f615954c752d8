#!/usr/bin/env bash
# Started by mpirun, or with the variables that Slurm, MPICH, Kubernetes, torchrun or a hand would set, four ranks train
# the model of the simulation, and rank 0 says where it knew all this from.
set -uo pipefail
# shellcheck source=tests/runtime/ranks.bash
. "$TORTOISE_SOURCE/tests/runtime/ranks.bash"
expected=$(simulated_sha)
claim "a simulation gives a model" [ ${#expected} -eq 64 ]

# try NAME SAYS VARIABLE=VALUE... -- ARG...: four ranks, with %d for the rank in variables and arguments.
try() {
    local name=$1 says=$2 i code
    shift 2
    local pids=()
    for i in 3 1 0 2; do
        timeout 60 env "${@//%d/$i}" >"$scratch/$name.$i.out" 2>"$scratch/$name.$i.err" &
        pids[i]=$!
    done
    for i in 0 1 2 3; do
        wait "${pids[i]}"
        code=$?
        claim "$name: rank $i ends with 0, not $code: $(tail -1 "$scratch/$name.$i.err")" [ "$code" -eq 0 ]
    done
    claim "$name: the same bits" [ "$(sha_of "$scratch/$name")" = "$expected" ]
    claim "$name: rank 0 says '$says', not $(tail -1 "$scratch/$name.0.err")" grep -qF -- "$says" "$scratch/$name.0.err"
    claim "$name: the others say nothing" [ -z "$(cat "$scratch/$name".[123].*)" ]
}
# run NAME: the command line.
run() {
    command=("$TORTOISE" run mf "${task[@]}" --out "$scratch/$1")
}

port=$(free_port)
run slurm
try slurm 'rank 0 (SLURM_PROCID) of 4 (SLURM_STEP_NUM_TASKS), started by slurm; all on this machine' \
    SLURM_PROCID=%d SLURM_STEP_NUM_TASKS=4 SLURM_NTASKS=9 SLURM_STEP_ID=0 SLURM_JOB_ID="$$" \
    SLURM_STEP_NODELIST='n[07]' SLURM_TASKS_PER_NODE=4 "${command[@]}"
run mpich
try mpich 'rank 0 (PMI_RANK) of 4 (PMI_SIZE), started by mpich; all on this machine' \
    PMI_RANK=%d PMI_SIZE=4 MPI_LOCALNRANKS=4 MPI_LOCALRANKID=%d PMI_JOBID="$$" "${command[@]}"
run kubernetes
try kubernetes "rank 0 (JOB_COMPLETION_INDEX) of 4 (PS_SIZE), started by kubernetes; coordinator 127.0.0.1:$port" \
    JOB_COMPLETION_INDEX=%d PS_SIZE=4 PS_COORD="127.0.0.1:$port" HOSTNAME=job-%d "${command[@]}"
run torchrun
port=$(free_port)
try torchrun "started by torchrun; coordinator localhost:$port (MASTER_ADDR, MASTER_PORT)" \
    RANK=%d WORLD_SIZE=4 LOCAL_RANK=%d LOCAL_WORLD_SIZE=4 MASTER_ADDR=localhost MASTER_PORT="$port" "${command[@]}"
run ours
try ours 'rank 0 (PS_RANK) of 4 (PS_SIZE); all on this machine' PS_RANK=%d PS_SIZE=4 PS_JOB="j$$" "${command[@]}"
run flags
try flags "rank 0 (--ps-rank) of 4 (--ps-size); all on this machine; job 'f$$'" SLURM_PROCID=7 SLURM_STEP_ID=1 \
    SLURM_NTASKS=9 "${command[@]}" --ps-rank %d --ps-size 4 --job "f$$"

# Inside of a launcher's job, what is no rank stays what it was.
SLURM_PROCID=0 SLURM_NTASKS=9 SLURM_JOB_ID=1 "$TORTOISE" run mf "${task[@]}" --out "$scratch/batch" \
    >"$scratch/batch.out" 2>"$scratch/batch.err"
claim "a batch script is no rank: $(tail -1 "$scratch/batch.err")" [ "$(sha_of "$scratch/batch")" = "$expected" ]
SLURM_PROCID=0 SLURM_STEP_ID=0 SLURM_NTASKS=9 "$TORTOISE" run mf "${task[@]}" --launcher none --out "$scratch/none" \
    >"$scratch/none.out" 2>"$scratch/none.err"
claim "--launcher none heeds none" [ "$(sha_of "$scratch/none")" = "$expected" ]

if command -v mpirun >/dev/null && mpirun --version 2>/dev/null | grep -q 'Open MPI'; then
    as_root=()
    [ "$(id -u)" -eq 0 ] && as_root=(--allow-run-as-root)
    timeout 60 mpirun "${as_root[@]}" --oversubscribe -n 4 "$TORTOISE" run mf "${task[@]}" --out "$scratch/mpirun" \
        >"$scratch/mpirun.out" 2>"$scratch/mpirun.err"
    code=$?
    claim "mpirun ends with 0, not $code: $(tail -3 "$scratch/mpirun.err")" [ "$code" -eq 0 ]
    claim "mpirun: the same bits" [ "$(sha_of "$scratch/mpirun")" = "$expected" ]
    claim "mpirun: one summary" [ "$(grep -c model_sha256 "$scratch/mpirun.out")" -eq 1 ]
    claim "mpirun: one line says from where" [ "$(grep -c 'started by openmpi' "$scratch/mpirun.err")" -eq 1 ]
else
    echo "without mpirun: Open MPI is not here"
fi
finish

/* Which rank of how many a process is: options and launchers' variables, one a line, of which the
 * first character says what it is. And addresses as they are typed. */
#define _POSIX_C_SOURCE 200809L /* strnlen */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "runtime/placement.h"

enum { OPTIONS = 6, LINES_MAX = 32 };

static const char *const variables[] = {"PS_RANK",
                                        "PS_SIZE",
                                        "PS_COORD",
                                        "PS_HOSTS",
                                        "PS_JOB",
                                        "PS_LAUNCH",
                                        "PS_SERVICE",
                                        "SLURM_PROCID",
                                        "SLURM_NTASKS",
                                        "SLURM_STEP_ID",
                                        "SLURM_STEP_NUM_TASKS",
                                        "SLURM_JOB_ID",
                                        "SLURM_STEP_NODELIST",
                                        "SLURM_JOB_NODELIST",
                                        "SLURM_STEP_TASKS_PER_NODE",
                                        "SLURM_TASKS_PER_NODE",
                                        "OMPI_COMM_WORLD_RANK",
                                        "OMPI_COMM_WORLD_SIZE",
                                        "OMPI_COMM_WORLD_LOCAL_SIZE",
                                        "PMIX_NAMESPACE",
                                        "PMI_RANK",
                                        "PMI_SIZE",
                                        "MPI_LOCALNRANKS",
                                        "MPI_LOCALRANKID",
                                        "PMI_JOBID",
                                        "PMI_PORT",
                                        "PALS_LOCAL_SIZE",
                                        "PALS_APID",
                                        "JOB_COMPLETION_INDEX",
                                        "RANK",
                                        "WORLD_SIZE",
                                        "LOCAL_WORLD_SIZE",
                                        "MASTER_ADDR",
                                        "MASTER_PORT",
                                        "TORCHELASTIC_RUN_ID",
                                        "TORCHELASTIC_USE_AGENT_STORE",
                                        "HOSTNAME"};
enum { VARIABLES = sizeof variables / sizeof variables[0] };

typedef struct said {
    const char *values[OPTIONS + VARIABLES]; /* NULL: nothing */
} said;

static const char *get_variable(void *context, const char *name) {
    const said *const all = context;
    for (size_t i = 0; i < VARIABLES; i++) {
        if (strcmp(variables[i], name) == 0) {
            return all->values[OPTIONS + i];
        }
    }
    return NULL;
}

/* Cuts the text into lines. */
static void read_lines(char *text, said *all) {
    char *rest = text;
    for (uint32_t i = 0; i < LINES_MAX && rest != NULL && *rest != '\0'; i++) {
        char *const line = rest;
        rest = strchr(line, '\n');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        all->values[(unsigned char)line[0] % (OPTIONS + VARIABLES)] = line + (line[0] != '\0');
    }
}

static void check_placement(const psi_placement *placement) {
    FUZZ_CHECK(strnlen(placement->line, sizeof placement->line) < sizeof placement->line);
    FUZZ_CHECK(strnlen(placement->job, sizeof placement->job) < sizeof placement->job);
    const size_t room = sizeof placement->coordinator;
    FUZZ_CHECK(strnlen(placement->coordinator, room) < room);
    if (placement->is_ranked) {
        FUZZ_CHECK(placement->size >= 1 && placement->rank < placement->size);
        FUZZ_CHECK(placement->line[0] != '\0');
    }
}

static void judge_placement(char *text) {
    said all = {{NULL}};
    read_lines(text, &all);
    const psi_placement_options options = {.launcher = all.values[0],
                                           .rank = all.values[1],
                                           .size = all.values[2],
                                           .coordinator = all.values[3],
                                           .hosts = all.values[4],
                                           .job = all.values[5]};
    const psi_environment environment = {.get = get_variable, .context = &all, .parent_pid = 77};
    psi_placement placement;
    ps_fault fault = {0};
    const ps_err err = psi_placement_find(&placement, &options, &environment, &fault);
    fuzz_check_fault(err, &fault);
    if (err == PS_OK) {
        check_placement(&placement);
    }
    psi_placement_fini(&placement);
}

static void judge_address(const char *text) {
    char host[PSI_ADDRESS_HOST_BYTES] = "before";
    uint16_t port = 77;
    ps_fault fault = {0};
    const ps_err err = psi_address_split(text, "--bind", 4711, host, &port, &fault);
    fuzz_check_fault(err, &fault);
    FUZZ_CHECK(strnlen(host, sizeof host) < sizeof host);
    FUZZ_CHECK(err != PS_OK || strlen(host) <= strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    const uint8_t what = fuzz_u8(&input);
    char *const text = fuzz_text(&input);
    if (what % 4 == 0) {
        judge_address(text);
    } else {
        judge_placement(text);
    }
    free(text);
    return 0;
}

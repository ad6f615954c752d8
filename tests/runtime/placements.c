/* Which rank a process is and where rank 0 is, from variables that launchers set. A wrong guess
 * makes a run hang or train something else, so what is incomplete is refused, and what was used is
 * said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/placement.h"

#include "support/suite.h"

enum { VARIABLES_MAX = 12 };

typedef struct scene {
    const char *variables[VARIABLES_MAX]; /* "NAME=VALUE" */
    psi_placement_options options;
} scene;

static const char *get_variable(void *context, const char *name) {
    const scene *const all = context;
    const size_t length = strlen(name);
    for (size_t i = 0; i < VARIABLES_MAX && all->variables[i] != NULL; i++) {
        if (strncmp(all->variables[i], name, length) == 0 && all->variables[i][length] == '=') {
            return all->variables[i] + length + 1;
        }
    }
    return NULL;
}

static ps_err find(const scene *all, psi_placement *placement, ps_fault *fault) {
    scene copy = *all;
    const psi_environment environment = {.get = get_variable, .context = &copy, .parent_pid = 4711};
    *fault = (ps_fault){0};
    return psi_placement_find(placement, &all->options, &environment, fault);
}

typedef struct expected_place {
    scene scene;
    uint32_t rank, size;
    const char *coordinator; /* "": they meet on this machine */
    const char *line;        /* a part of it */
} expected_place;

static void expect(const expected_place *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        psi_placement placement;
        ps_fault fault;
        const expected_place *const one = &cases[i];
        CU_ASSERT_EQUAL(find(&one->scene, &placement, &fault), PS_OK);
        CU_ASSERT_TRUE(placement.is_ranked);
        CU_ASSERT_EQUAL(placement.rank, one->rank);
        CU_ASSERT_EQUAL(placement.size, one->size);
        CU_ASSERT_STRING_EQUAL(placement.coordinator, one->coordinator);
        CU_ASSERT_PTR_NOT_NULL(strstr(placement.line, one->line));
        if (strstr(placement.line, one->line) == NULL || fault.err != PS_OK) {
            printf("  case %zu: '%s', '%s'\n", i, placement.line, fault.text);
        }
        psi_placement_fini(&placement);
    }
}

static void each_launcher_is_understood(void) {
    static const expected_place cases[] = {
        {{{"PS_RANK=2", "PS_SIZE=5", "PS_COORD=n1:99"}, {0}},
         2,
         5,
         "n1:99",
         "rank 2 (PS_RANK) of 5 (PS_SIZE); coordinator n1:99 (PS_COORD)"},
        {{{"SLURM_PROCID=3", "SLURM_NTASKS=9", "SLURM_STEP_NUM_TASKS=6", "SLURM_STEP_ID=1",
           "SLURM_JOB_ID=77", "SLURM_STEP_NODELIST=n[01-03]", "SLURM_TASKS_PER_NODE=2(x3)"},
          {0}},
         3,
         6,
         "n01:21310",
         "started by slurm; coordinator n01:21310 (SLURM_STEP_NODELIST)"},
        {{{"SLURM_PROCID=1", "SLURM_NTASKS=2", "SLURM_STEP_ID=0", "SLURM_JOB_NODELIST=n7"}, {0}},
         1,
         2,
         "",
         "all on this machine"},
        {{{"OMPI_COMM_WORLD_RANK=1", "OMPI_COMM_WORLD_SIZE=4", "OMPI_COMM_WORLD_LOCAL_SIZE=4",
           "PMIX_NAMESPACE=9.1"},
          {0}},
         1,
         4,
         "",
         "started by openmpi; all on this machine; job 'openmpi-9.1' (openmpi)"},
        {{{"OMPI_COMM_WORLD_RANK=1", "OMPI_COMM_WORLD_SIZE=4", "OMPI_COMM_WORLD_LOCAL_SIZE=2",
           "PS_COORD=[fe80::1]"},
          {0}},
         1,
         4,
         "[fe80::1]:27800",
         "coordinator [fe80::1]:27800 (PS_COORD)"},
        {{{"PMI_RANK=0", "PMI_SIZE=2", "MPI_LOCALRANKID=0", "MPI_LOCALNRANKS=2"}, {0}},
         0,
         2,
         "",
         "started by mpich"},
        {{{"JOB_COMPLETION_INDEX=2", "PS_SIZE=3", "HOSTNAME=train-2", "PS_SERVICE=ranks"}, {0}},
         2,
         3,
         "train-0.ranks:27800",
         "coordinator train-0.ranks:27800 (HOSTNAME, PS_SERVICE)"},
        {{{"RANK=1", "WORLD_SIZE=2", "MASTER_ADDR=10.0.0.1", "MASTER_PORT=29500"}, {0}},
         1,
         2,
         "10.0.0.1:29500",
         "started by torchrun"},
        {{{"RANK=1", "WORLD_SIZE=2", "MASTER_ADDR=10.0.0.1", "MASTER_PORT=29500",
           "TORCHELASTIC_USE_AGENT_STORE=True"},
          {0}},
         1,
         2,
         "10.0.0.1:29501",
         "started by torchrun"},
    };
    expect(cases, sizeof cases / sizeof cases[0]);
}

/* Options before our variables, those before a launcher's; mpirun's before those of the Slurm job
 * that it runs in, which are of its daemons. */
static void the_order_holds(void) {
    static const expected_place cases[] = {
        {{{"PS_RANK=2", "PS_SIZE=5", "SLURM_PROCID=1", "SLURM_NTASKS=8", "SLURM_STEP_ID=0"},
          {.rank = "4", .coordinator = "h:5"}},
         4,
         5,
         "h:5",
         "rank 4 (--ps-rank) of 5 (PS_SIZE); coordinator h:5 (--coordinator)"},
        {{{"PS_RANK=2", "PS_SIZE=5", "SLURM_PROCID=1", "SLURM_NTASKS=8", "SLURM_STEP_ID=0"}, {0}},
         2,
         5,
         "",
         "rank 2 (PS_RANK) of 5 (PS_SIZE); all on this machine"},
        {{{"OMPI_COMM_WORLD_RANK=3", "OMPI_COMM_WORLD_SIZE=4", "SLURM_PROCID=1", "SLURM_NTASKS=2",
           "SLURM_STEP_ID=0"},
          {0}},
         3,
         4,
         "",
         "started by openmpi"},
        {{{"SLURM_PROCID=1", "SLURM_NTASKS=2", "SLURM_STEP_ID=0", "PMI_RANK=5", "PMI_SIZE=6"}, {0}},
         1,
         2,
         "",
         "started by slurm"},
        {{{"SLURM_PROCID=1", "SLURM_NTASKS=2", "SLURM_STEP_ID=0", "PMI_RANK=5", "PMI_SIZE=6"},
          {.launcher = "mpich"}},
         5,
         6,
         "",
         "started by mpich"},
        {{{"PS_HOSTS=a:2,b:3"}, {.rank = "4"}},
         4,
         5,
         "a:27800",
         "rank 4 (--ps-rank) of 5 (PS_HOSTS); coordinator a:27800 (PS_HOSTS)"},
        {{{"PS_HOSTS=a:2,b:3", "PS_JOB=x"}, {.rank = "1", .hosts = "c,d", .job = "y"}},
         1,
         2,
         "c:27800",
         "(--hosts); coordinator c:27800 (--hosts); job 'y' (--job)"},
    };
    expect(cases, sizeof cases / sizeof cases[0]);
}

static void what_is_no_rank_stays_alone(void) {
    static const scene cases[] = {
        {{NULL}, {0}},
        {{"SLURM_PROCID=0", "SLURM_NTASKS=8", "SLURM_JOB_ID=1"}, {0}}, /* a batch script */
        {{"JOB_COMPLETION_INDEX=3", "HOSTNAME=job-3"}, {0}},           /* a job of single runs */
        {{"RANK=1", "WORLD_SIZE=2"}, {0}},                             /* words of somebody else */
        {{"PMIX_RANK=1"}, {0}},
        {{"OMPI_COMM_WORLD_RANK=0", "OMPI_COMM_WORLD_SIZE=1"}, {0}},
        {{"PS_RANK=1", "PS_SIZE=2", "SLURM_PROCID=0"}, {.launcher = "none"}},
        {{"PS_RANK=", "PS_SIZE="}, {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psi_placement placement;
        ps_fault fault;
        CU_ASSERT_EQUAL(find(&cases[i], &placement, &fault), PS_OK);
        CU_ASSERT_FALSE(placement.is_ranked);
        psi_placement_fini(&placement);
    }
}

static void what_is_incomplete_is_refused(void) {
    static const struct {
        scene scene;
        const char *word;
    } cases[] = {
        {{{"PS_RANK=1"}, {0}}, "PS_RANK says which rank this is, but not how many there are"},
        {{{"PS_SIZE=4"}, {0}}, "PS_SIZE says how many ranks there are, but not which one this is"},
        {{{"PS_RANK=x", "PS_SIZE=4"}, {0}}, "PS_RANK: 'x' is no whole number"},
        {{{"PS_RANK=-1", "PS_SIZE=4"}, {0}}, "PS_RANK: '-1' is no whole number"},
        {{{"PS_RANK=0", "PS_SIZE=1025"}, {0}}, "PS_SIZE: '1025' is no whole number from 0 to 1024"},
        {{{"PS_RANK=4", "PS_SIZE=4"}, {0}}, "PS_RANK: rank 4 of 4 (PS_SIZE)"},
        {{{NULL}, {.hosts = "a,b"}}, "'tortoise launch'"},
        {{{NULL}, {.rank = "0", .hosts = "a", .hostfile = "b"}}, "give one of them"},
        {{{"PS_RANK=0", "PS_SIZE=2", "PS_COORD=h:99999"}, {0}},
         "PS_COORD: 'h:99999' is no address"},
        {{{"OMPI_COMM_WORLD_RANK=1", "OMPI_COMM_WORLD_SIZE=4", "OMPI_COMM_WORLD_LOCAL_SIZE=2"},
          {0}},
         "openmpi does not say where rank 0 is, and not all ranks are on this machine"},
        {{{"JOB_COMPLETION_INDEX=2", "PS_SIZE=3", "HOSTNAME=train-2"}, {0}}, "set PS_COORD"},
        {{{"SLURM_PROCID=0", "SLURM_NTASKS=2", "SLURM_STEP_ID=0", "SLURM_JOB_NODELIST=n[2-1]"},
          {0}},
         "SLURM_JOB_NODELIST: at character"},
        {{{NULL}, {.launcher = "slurm"}}, "SLURM_PROCID"},
        {{{NULL}, {.launcher = "slrum"}}, "unknown value 'slrum'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        psi_placement placement;
        ps_fault fault;
        CU_ASSERT_EQUAL(find(&cases[i].scene, &placement, &fault), PS_EINVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, cases[i].word));
        if (strstr(fault.text, cases[i].word) == NULL) {
            printf("  case %zu: '%s' is not in '%s'\n", i, cases[i].word, fault.text);
        }
        psi_placement_fini(&placement);
    }
}

/* Ranks of one run meet under one name, and no two runs under the same. */
static void meetings_have_names_of_their_own(void) {
    static const scene scenes[] = {
        {{"PS_RANK=0", "PS_SIZE=2"}, {0}},
        {{"PS_RANK=0", "PS_SIZE=2", "PS_JOB=a"}, {0}},
        {{"PS_RANK=0", "PS_SIZE=2", "PS_LAUNCH=17"}, {0}},
        {{"PS_RANK=0", "PS_SIZE=2", "PS_LAUNCH=18"}, {0}},
        {{"OMPI_COMM_WORLD_RANK=0", "OMPI_COMM_WORLD_SIZE=2", "PMIX_NAMESPACE=1"}, {0}},
        {{"OMPI_COMM_WORLD_RANK=0", "OMPI_COMM_WORLD_SIZE=2", "PMIX_NAMESPACE=2"}, {0}},
        {{"PMI_RANK=0", "PMI_SIZE=2"}, {0}},
    };
    enum { SCENES = sizeof scenes / sizeof scenes[0] };
    char names[SCENES][sizeof((psi_placement *)NULL)->meeting];
    for (size_t i = 0; i < SCENES; i++) {
        psi_placement placement;
        ps_fault fault;
        CU_ASSERT_EQUAL_FATAL(find(&scenes[i], &placement, &fault), PS_OK);
        (void)strcpy(names[i], placement.meeting);
        psi_placement_fini(&placement);
        for (size_t other = 0; other < i; other++) {
            CU_ASSERT_STRING_NOT_EQUAL(names[i], names[other]);
        }
    }
}

static const suite_test tests[] = {
    SUITE_TEST(each_launcher_is_understood),      SUITE_TEST(the_order_holds),
    SUITE_TEST(what_is_no_rank_stays_alone),      SUITE_TEST(what_is_incomplete_is_refused),
    SUITE_TEST(meetings_have_names_of_their_own),
};
SUITE_MAIN("placements", tests)

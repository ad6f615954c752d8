#include "runtime/placement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/hostfile.h"
#include "runtime/runtime.h"

const char psi_placement_launchers[] = "auto|none|slurm|openmpi|mpich|kubernetes|torchrun";

/* What a launcher calls the things that we want to know; NULL: it does not tell. */
typedef struct launcher {
    const char *name;
    const char *rank, *size, *other_size, *local_size;
    const char *sign;       /* must be set, too, for it to count */
    const char *job_ids[2]; /* that no two of its runs share */
} launcher;

enum { SLURM, KUBERNETES, TORCHRUN, OPENMPI, HYDRA, PMI, LAUNCHERS };

static const launcher launchers[LAUNCHERS] = {
    [SLURM] = {.name = "slurm",
               .rank = "SLURM_PROCID",
               .size = "SLURM_STEP_NUM_TASKS",
               .other_size = "SLURM_NTASKS",
               .sign = "SLURM_STEP_ID",
               .job_ids = {"SLURM_JOB_ID", "SLURM_STEP_ID"}},
    [OPENMPI] = {.name = "openmpi",
                 .rank = "OMPI_COMM_WORLD_RANK",
                 .size = "OMPI_COMM_WORLD_SIZE",
                 .local_size = "OMPI_COMM_WORLD_LOCAL_SIZE",
                 .job_ids = {"PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"}},
    [HYDRA] = {.name = "mpich",
               .rank = "PMI_RANK",
               .size = "PMI_SIZE",
               .local_size = "MPI_LOCALNRANKS",
               .sign = "MPI_LOCALRANKID",
               .job_ids = {"PMI_JOBID", "PMI_PORT"}},
    [PMI] = {.name = "mpich",
             .rank = "PMI_RANK",
             .size = "PMI_SIZE",
             .local_size = "PALS_LOCAL_SIZE",
             .job_ids = {"PALS_APID", "PMI_JOBID"}},
    [KUBERNETES] = {.name = "kubernetes", .rank = "JOB_COMPLETION_INDEX", .size = "PS_SIZE"},
    [TORCHRUN] = {.name = "torchrun",
                  .rank = "RANK",
                  .size = "WORLD_SIZE",
                  .local_size = "LOCAL_WORLD_SIZE",
                  .sign = "MASTER_ADDR",
                  .job_ids = {"TORCHELASTIC_RUN_ID", NULL}},
};

/* mpirun inside of a Slurm job: Slurm's variables are those of its daemons. */
static const int search_order[LAUNCHERS] = {OPENMPI, HYDRA, SLURM, PMI, KUBERNETES, TORCHRUN};

/* A value and what said it. */
typedef struct finding {
    const char *text, *from;
} finding;

typedef struct search {
    psi_placement *placement;
    const psi_placement_options *options;
    const psi_environment *environment;
    const launcher *by; /* NULL: none */
    finding rank, size, hosts, coordinator, job;
    ps_fault *fault;
} search;

/* An empty variable says nothing. */
static const char *get(const search *in, const char *name) {
    const char *const value =
        name == NULL ? NULL : in->environment->get(in->environment->context, name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static finding first_of(const search *in, const char *option, const char *flag,
                        const char *variable) {
    if (option != NULL) {
        return (finding){option, flag};
    }
    const char *const value = get(in, variable);
    return value == NULL ? (finding){NULL, NULL} : (finding){value, variable};
}

static ps_err read_count(const search *in, const finding *from, uint32_t max, uint32_t *value_out) {
    const size_t length = strspn(from->text, "0123456789");
    const unsigned long value = length > 0 && length < 10 ? strtoul(from->text, NULL, 10) : ~0UL;
    if (from->text[length] != '\0' || value > max) {
        return ps_fault_set(in->fault, PS_EINVAL, "%s: '%s' is no whole number from 0 to %u",
                            from->from, from->text, max);
    }
    *value_out = (uint32_t)value;
    return PS_OK;
}

/* ---- Which launcher ---- */

static bool is_there(const search *in, const launcher *one) {
    const bool has_size = get(in, one->size) != NULL || get(in, one->other_size) != NULL;
    return get(in, one->rank) != NULL && has_size &&
           (one->sign == NULL || get(in, one->sign) != NULL);
}

static ps_err find_launcher(search *in) {
    const char *const wanted = in->options->launcher == NULL ? "auto" : in->options->launcher;
    const bool is_auto = strcmp(wanted, "auto") == 0;
    if (strcmp(wanted, "none") == 0 ||
        (is_auto && in->rank.text != NULL && in->size.text != NULL)) {
        return PS_OK; /* what is said by hand needs no launcher */
    }
    const launcher *named = NULL;
    for (int i = 0; i < LAUNCHERS; i++) {
        const launcher *const one = &launchers[search_order[i]];
        if (!is_auto && strcmp(wanted, one->name) != 0) {
            continue;
        }
        named = one;
        if (is_there(in, one)) {
            in->by = one;
            return PS_OK;
        }
    }
    if (is_auto) {
        return PS_OK;
    }
    if (named == NULL) {
        return ps_fault_set(in->fault, PS_EINVAL, "--launcher: unknown value '%s'; it is one of %s",
                            wanted, psi_placement_launchers);
    }
    return ps_fault_set(in->fault, PS_EINVAL,
                        "--launcher %s: its variables %s and %s%s%s are not set; start the rank "
                        "with it, or give --ps-rank and --ps-size",
                        wanted, named->rank, named->size, named->sign == NULL ? "" : " and ",
                        named->sign == NULL ? "" : named->sign);
}

/* ---- Where rank 0 is ---- */

static void set_coordinator(psi_placement *placement, const char *host, unsigned port) {
    const bool is_ipv6 = strchr(host, ':') != NULL;
    (void)snprintf(placement->coordinator, sizeof placement->coordinator, "%s%s%s:%u",
                   is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port);
}

static ps_err read_slurm_hosts(search *in) {
    psi_placement *const placement = in->placement;
    const finding list = get(in, "SLURM_STEP_NODELIST") != NULL
                             ? first_of(in, NULL, NULL, "SLURM_STEP_NODELIST")
                             : first_of(in, NULL, NULL, "SLURM_JOB_NODELIST");
    const finding tasks = get(in, "SLURM_STEP_TASKS_PER_NODE") != NULL
                              ? first_of(in, NULL, NULL, "SLURM_STEP_TASKS_PER_NODE")
                              : first_of(in, NULL, NULL, "SLURM_TASKS_PER_NODE");
    if (list.text == NULL) {
        return PS_OK;
    }
    PS_TRY(
        psi_hostlist_parse(list.text, strlen(list.text), list.from, &placement->hosts, in->fault));
    if (tasks.text != NULL) {
        PS_TRY(psi_hostlist_parse_tasks(tasks.text, strlen(tasks.text), tasks.from,
                                        &placement->hosts, in->fault));
    }
    in->hosts = list;
    return PS_OK;
}

/* Slurm gives no port. One below those that the system hands out, other for every step, is most
 * likely free; if it is not, rank 0 says so. */
static unsigned slurm_port(const search *in) {
    enum { PORT_MIN = 20000, PORTS = 10000 };
    const char *const job = get(in, "SLURM_JOB_ID");
    const char *const step = get(in, "SLURM_STEP_ID");
    const unsigned long long number = job == NULL ? 0 : strtoull(job, NULL, 10);
    const unsigned long long step_number = step == NULL ? 0 : strtoull(step, NULL, 10);
    return (unsigned)(PORT_MIN + (number % PORTS * 17 + step_number % PORTS) % PORTS);
}

/* In an indexed job with a headless service the pod of index 0 is "NAME-0.SERVICE". */
static ps_err find_pod_0(search *in) {
    const char *const own = get(in, "HOSTNAME");
    const char *const service = get(in, "PS_SERVICE");
    const char *const end = own == NULL ? NULL : strrchr(own, '-');
    char host[PSI_ADDRESS_HOST_BYTES];
    if (end == NULL || strcmp(end + 1, in->rank.text) != 0 || service == NULL) {
        return ps_fault_set(in->fault, PS_EINVAL,
                            "kubernetes does not say where rank 0 is; set PS_COORD to "
                            "JOB-0.SERVICE:%d, or PS_SERVICE to the name of the headless service",
                            PSI_RUNTIME_COORDINATOR_PORT);
    }
    (void)snprintf(host, sizeof host, "%.*s-0.%s", (int)(end - own), own, service);
    set_coordinator(in->placement, host, PSI_RUNTIME_COORDINATOR_PORT);
    in->coordinator = (finding){in->placement->coordinator, "HOSTNAME, PS_SERVICE"};
    return PS_OK;
}

static ps_err find_master(search *in) {
    const finding port = first_of(in, NULL, NULL, "MASTER_PORT");
    uint32_t number = PSI_RUNTIME_COORDINATOR_PORT;
    if (port.text != NULL) {
        PS_TRY(read_count(in, &port, UINT16_MAX - 1, &number));
    }
    const char *const is_taken = get(in, "TORCHELASTIC_USE_AGENT_STORE");
    number += is_taken != NULL && strcmp(is_taken, "True") == 0; /* its agent listens there */
    set_coordinator(in->placement, get(in, "MASTER_ADDR"), number);
    in->coordinator = (finding){in->placement->coordinator, "MASTER_ADDR, MASTER_PORT"};
    return PS_OK;
}

static ps_err read_hosts(search *in) {
    psi_hosts *const hosts = &in->placement->hosts;
    const psi_placement_options *const options = in->options;
    const finding list = options->hostfile != NULL
                             ? (finding){NULL, NULL}
                             : first_of(in, options->hosts, "--hosts", "PS_HOSTS");
    const finding file = options->hosts != NULL
                             ? (finding){NULL, NULL}
                             : first_of(in, options->hostfile, "--hostfile", "PS_HOSTFILE");
    if (options->hosts != NULL && options->hostfile != NULL) {
        return ps_fault_set(in->fault, PS_EINVAL, "--hosts and --hostfile: give one of them");
    }
    in->hosts = list.text != NULL ? list : file;
    if (list.text != NULL) {
        return psi_hostlist_parse(list.text, strlen(list.text), list.from, hosts, in->fault);
    }
    return file.text != NULL ? psi_hostfile_read(file.text, hosts, in->fault) : PS_OK;
}

/* Whether the launcher says that ranks are on other machines, too. */
static ps_err has_other_machines(const search *in, bool *has_out) {
    const finding local =
        in->by == NULL ? (finding){NULL, NULL} : first_of(in, NULL, NULL, in->by->local_size);
    *has_out = false;
    if (local.text != NULL) {
        uint32_t count = 0;
        PS_TRY(read_count(in, &local, UINT32_MAX / 8, &count));
        *has_out = count < in->placement->size;
    }
    return PS_OK;
}

/* By the launcher's own knowledge. */
static ps_err ask_launcher(search *in) {
    const int kind = in->by == NULL ? LAUNCHERS : (int)(in->by - launchers);
    psi_placement *const placement = in->placement;
    if (kind == KUBERNETES) {
        return find_pod_0(in);
    }
    if (kind == TORCHRUN) {
        return find_master(in);
    }
    if (kind == SLURM && placement->hosts.count > 1) {
        set_coordinator(placement, placement->hosts.items[0].name, slurm_port(in));
        in->coordinator = (finding){placement->coordinator, in->hosts.from};
        return PS_OK;
    }
    bool has_others = false;
    PS_TRY(has_other_machines(in, &has_others));
    return !has_others
               ? PS_OK
               : ps_fault_set(in->fault, PS_EINVAL,
                              "%s does not say where rank 0 is, and not all ranks are on this "
                              "machine; give --coordinator HOST:PORT or PS_COORD, with the host "
                              "of rank 0",
                              in->by->name);
}

static ps_err find_coordinator(search *in) {
    psi_placement *const placement = in->placement;
    const int kind = in->by == NULL ? LAUNCHERS : (int)(in->by - launchers);
    in->coordinator = first_of(in, in->options->coordinator, "--coordinator", "PS_COORD");
    placement->names_may_appear = kind == KUBERNETES;
    if (in->coordinator.text != NULL) {
        char host[PSI_ADDRESS_HOST_BYTES];
        uint16_t port = 0;
        PS_TRY(psi_address_split(in->coordinator.text, in->coordinator.from,
                                 PSI_RUNTIME_COORDINATOR_PORT, host, &port, in->fault));
        set_coordinator(placement, host, port);
        return PS_OK;
    }
    const bool hosts_are_ours = in->hosts.text != NULL && placement->hosts.count > 0;
    if (hosts_are_ours && kind != SLURM) {
        set_coordinator(placement, placement->hosts.items[0].name, PSI_RUNTIME_COORDINATOR_PORT);
        in->coordinator = (finding){placement->coordinator, in->hosts.from};
        return PS_OK;
    }
    return ask_launcher(in);
}

/* ---- Names ---- */

/* A name that was cut off would be another's. */
static ps_err find_job(search *in) {
    in->job = first_of(in, in->options->job, "--job", "PS_JOB");
    const size_t length = in->job.text == NULL ? 1 : strlen(in->job.text);
    return length >= 1 && length <= PSI_PLACEMENT_JOB_MAX
               ? PS_OK
               : ps_fault_set(in->fault, PS_EINVAL,
                              "%s: a name of %zu characters; it has 1 to %d of them", in->job.from,
                              length, PSI_PLACEMENT_JOB_MAX);
}

/* The job's name, and what the ranks of one machine call their meeting. */
static void name_run(search *in) {
    psi_placement *const placement = in->placement;
    char id[PSI_PLACEMENT_TEXT_BYTES] = "";
    const char *const first = in->by == NULL ? NULL : get(in, in->by->job_ids[0]);
    const char *const second = in->by == NULL ? NULL : get(in, in->by->job_ids[1]);
    const char *const launch = get(in, "PS_LAUNCH");
    if (launch != NULL && in->by == NULL) {
        (void)snprintf(id, sizeof id, "launch-%s", launch);
    } else if (first != NULL || second != NULL) {
        (void)snprintf(id, sizeof id, "%s-%s%s%s", in->by->name, first == NULL ? "" : first,
                       first == NULL || second == NULL ? "" : ".", second == NULL ? "" : second);
    }
    const bool has_name = in->job.text != NULL;
    if (has_name) {
        (void)snprintf(placement->job, sizeof placement->job, "%s", in->job.text);
    } else {
        (void)snprintf(placement->job, sizeof placement->job, "%s",
                       id[0] != '\0' ? id : "tortoise");
        in->job.from = id[0] == '\0' ? "default" : in->by == NULL ? "PS_LAUNCH" : in->by->name;
    }
    if (id[0] != '\0') {
        (void)snprintf(placement->meeting, sizeof placement->meeting, "%s %s", id, placement->job);
    } else if (has_name || in->by == NULL) {
        (void)snprintf(placement->meeting, sizeof placement->meeting, "job %s", placement->job);
    } else {
        (void)snprintf(placement->meeting, sizeof placement->meeting, "children of %ld",
                       in->environment->parent_pid);
    }
}

static void describe(const search *in) {
    psi_placement *const placement = in->placement;
    const char *const launcher_name = in->by == NULL ? NULL : in->by->name;
    char where[PSI_ADDRESS_HOST_BYTES + 80];
    if (placement->coordinator[0] != '\0') {
        (void)snprintf(where, sizeof where, "coordinator %s (%s)", placement->coordinator,
                       in->coordinator.from);
    } else {
        (void)snprintf(where, sizeof where, "all on this machine");
    }
    (void)snprintf(placement->line, sizeof placement->line,
                   "rank %u (%s) of %u (%s)%s%s; %s; job '%s' (%s)", placement->rank, in->rank.from,
                   placement->size, in->size.from, launcher_name == NULL ? "" : ", started by ",
                   launcher_name == NULL ? "" : launcher_name, where, placement->job, in->job.from);
}

/* ---- All together ---- */

static ps_err read_rank_and_size(search *in) {
    psi_placement *const placement = in->placement;
    char total[16];
    if (in->by != NULL && in->rank.text == NULL) {
        in->rank = first_of(in, NULL, NULL, in->by->rank);
    }
    if (in->by != NULL && in->size.text == NULL) {
        in->size = first_of(in, NULL, NULL,
                            get(in, in->by->size) != NULL ? in->by->size : in->by->other_size);
    }
    if (in->rank.text != NULL && in->size.text == NULL && placement->hosts.count > 0) {
        (void)snprintf(total, sizeof total, "%u", psi_hosts_slots(&placement->hosts));
        in->size = (finding){total, in->hosts.from};
    }
    if (in->rank.text == NULL || in->size.text == NULL) {
        const bool has_rank = in->rank.text != NULL;
        const finding *const there = has_rank ? &in->rank : &in->size;
        return ps_fault_set(in->fault, PS_EINVAL, "%s says %s, but not %s; give %s, too",
                            there->from,
                            has_rank ? "which rank this is" : "how many ranks there are",
                            has_rank ? "how many there are" : "which one this is",
                            has_rank ? "--ps-size or PS_SIZE" : "--ps-rank or PS_RANK");
    }
    PS_TRY(read_count(in, &in->size, PSI_RUNTIME_RANKS_MAX, &placement->size));
    PS_TRY(read_count(in, &in->rank, UINT32_MAX / 8, &placement->rank));
    in->size.text = NULL; /* it may have been ours */
    if (placement->rank >= placement->size) {
        return ps_fault_set(in->fault, PS_EINVAL,
                            "%s: rank %u of %u (%s): ranks go from 0 to the number of ranks less "
                            "one",
                            in->rank.from, placement->rank, placement->size, in->size.from);
    }
    return PS_OK;
}

ps_err psi_placement_find(psi_placement *placement, const psi_placement_options *options,
                          const psi_environment *environment, ps_fault *fault) {
    *placement = (psi_placement){0};
    search in = {
        .placement = placement, .options = options, .environment = environment, .fault = fault};
    const bool heeds_variables =
        options->launcher == NULL || strcmp(options->launcher, "none") != 0;
    in.rank = first_of(&in, options->rank, "--ps-rank", heeds_variables ? "PS_RANK" : NULL);
    in.size = first_of(&in, options->size, "--ps-size", heeds_variables ? "PS_SIZE" : NULL);
    PS_TRY(find_job(&in));
    PS_TRY(find_launcher(&in));
    const bool says_something = options->rank != NULL || options->size != NULL ||
                                options->hosts != NULL || options->hostfile != NULL ||
                                options->coordinator != NULL || in.rank.text != NULL ||
                                in.size.text != NULL || in.by != NULL;
    if (!says_something) {
        return PS_OK;
    }
    PS_TRY(read_hosts(&in));
    if (in.by == &launchers[SLURM] && in.hosts.text == NULL) {
        PS_TRY(read_slurm_hosts(&in));
    }
    if (in.rank.text == NULL && in.size.text == NULL && in.by == NULL) {
        return ps_fault_set(fault, PS_EINVAL,
                            "hosts or a coordinator are given, but neither --ps-rank nor a "
                            "launcher's variable says which rank this is; 'tortoise launch' "
                            "starts one on each host");
    }
    PS_TRY(read_rank_and_size(&in));
    if (placement->size == 1 && options->rank == NULL && in.by != NULL) {
        return PS_OK; /* "srun -n 1 tortoise run --nodes 4" is four processes of its own */
    }
    PS_TRY(find_coordinator(&in));
    placement->is_ranked = true;
    name_run(&in);
    describe(&in);
    return PS_OK;
}

void psi_placement_fini(psi_placement *placement) {
    psi_hosts_fini(&placement->hosts);
}

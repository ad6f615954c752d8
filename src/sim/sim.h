/* Simulated clusters: what is simulated (psi_sim_spec), and running a plan on it.
 *
 * Everything declared here is in the library tortoise_sim_spec, which does not need SimGrid.
 * psi_sim_run() loads the plug-in module that does, so that a program which only runs for real
 * starts without it. The order of calls:
 *
 *     psi_sim_spec_create
 *     psi_sim_spec_read_file     --cluster FILE, if there is one
 *     psi_sim_spec_set           each option of psi_sim_options that was given; it beats the file
 *     psi_sim_spec_resolve       against the plan: counts, defaults, the network model by size
 *     psi_sim_describe           what will be simulated, for people
 *     psi_sim_run
 *     psi_sim_spec_destroy
 *
 * Nothing here prints. One thread at a time may use a spec. */
#ifndef PSI_SIM_H
#define PSI_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

#include "node/run.h"

/* An option that tells something of the simulated cluster, "--name ARGUMENT" on the command line.
 */
typedef struct psi_sim_option {
    const char *name;          /* "bandwidth" */
    const char *argument;      /* "RATE", for the help */
    const char *default_value; /* as it would be typed; "" if there is none */
    bool repeats;              /* may be given several times, each adds to the others */
    const char *help;          /* one line */
} psi_sim_option;

/* All of them but --cluster: net, flow-model, bandwidth, latency, jitter, straggler, fail, jobs,
 * unit-cost ... */
extern const psi_sim_option psi_sim_options[];
extern const size_t psi_sim_option_count;

typedef enum psi_sim_net { PSI_SIM_NET_BY_SIZE, PSI_SIM_NET_NIC, PSI_SIM_NET_FLOW } psi_sim_net;
typedef enum psi_sim_flow_model { PSI_SIM_FLOW_LV08, PSI_SIM_FLOW_CM02 } psi_sim_flow_model;

enum {
    PSI_SIM_NODES_MAX = 1000000,
    /* Above either, the network model is nic unless one is asked for: the fluid model's cost grows
     * with the flows at a time, which are nodes x shards when all talk to all. */
    PSI_SIM_FLOW_NODES_MAX = 64,
    PSI_SIM_FLOW_PAIRS_MAX = 256,
    PSI_SIM_JOBS_MAX = 1024
};

/* Stands for every node where a straggler names none. */
#define PSI_SIM_ALL_NODES UINT32_MAX

typedef enum psi_straggler_kind {
    PSI_STRAGGLER_SLOW,      /* node is `factor` times slower, for ever */
    PSI_STRAGGLER_LOGNORMAL, /* each (worker, clock) takes exp(sigma * N(0,1)) times as long: median
                                1 */
    PSI_STRAGGLER_EXPONENTIAL, /* ... 1 + Exp(mean) times as long */
    PSI_STRAGGLER_PARETO,      /* ... Pareto(alpha) >= 1 times as long */
    PSI_STRAGGLER_ROTATE,      /* at time t node floor(t / period) mod N is `factor` times slower */
    PSI_STRAGGLER_PAUSE,       /* node stands still from at_s for for_s */
    PSI_STRAGGLER_TRACE        /* a file of lines "time_s node factor": from time_s on */
} psi_straggler_kind;

/* From `time_s` on the node is `factor` times slower. */
typedef struct psi_slowdown {
    double time_s;
    uint32_t node;
    double factor;
} psi_slowdown;

typedef struct psi_straggler {
    psi_straggler_kind kind;
    uint32_t node;       /* PSI_SIM_ALL_NODES: all */
    double factor;       /* of slow and rotate, > 0 */
    double sigma;        /* of lognormal */
    double mean;         /* of exponential */
    double alpha;        /* of pareto */
    double period_s;     /* of rotate */
    double at_s, for_s;  /* of pause */
    psi_slowdown *steps; /* of trace, by (node, time_s); owned */
    size_t step_count;
    char *text; /* as it was given; owned */
} psi_straggler;

/* A node, or the link of a node, that fails at a time. */
typedef struct psi_failure {
    bool is_link;
    uint32_t node;
    double at_s;
    double until_s; /* when it returns; INFINITY: never */
} psi_failure;

/* What one node has; links are full duplex, and a path has the latencies of both its ends. */
typedef struct psi_sim_node {
    double speed;            /* 1: the reference machine, which unit costs were measured on */
    double up_bytes_per_s;   /* its link towards the network */
    double down_bytes_per_s; /* and back */
    double latency_s;        /* its half of the latency of a path */
} psi_sim_node;

/* Exceptions to what holds for all nodes, from a cluster file: nodes first..last. Fields < 0 are
 * not set. */
typedef struct psi_sim_group {
    uint32_t first, last;
    double speed, up_bytes_per_s, down_bytes_per_s, latency_s;
} psi_sim_group;

/* Seconds that a node's server spends on each frame that reaches one of its endpoints. Frames queue
 * for it. */
typedef struct psi_sim_server_cost {
    double per_frame_s, per_byte_s, per_row_s;
} psi_sim_server_cost;

typedef struct psi_sim_spec {
    char *cluster_path;   /* as given; owned, or NULL */
    bool is_platform_xml; /* the cluster file is a SimGrid platform */
    uint32_t node_count;  /* that the cluster file has; 0: as many as are asked for */
    psi_sim_net net;
    psi_sim_flow_model flow_model;
    double speed; /* of every node, a factor */
    double bandwidth_bytes_per_s, latency_s, jitter_s;
    double loopback_bytes_per_s, loopback_latency_s; /* between endpoints of one node */
    psi_sim_server_cost server;
    double unit_cost_s;    /* seconds per unit of work; 0: the algorithm's own */
    double work_scale;     /* units that each unit of work stands for */
    uint32_t jobs;         /* OS threads for mathematics; 0: all cores */
    psi_sim_group *groups; /* owned */
    size_t group_count, group_capacity;
    psi_straggler *stragglers; /* owned */
    size_t straggler_count, straggler_capacity;
    psi_failure *failures; /* owned */
    size_t failure_count, failure_capacity;
    uint64_t options_set; /* bit i: psi_sim_options[i] was given and beats the cluster file */

    /* Filled by psi_sim_spec_resolve(). */
    bool is_resolved;
    psi_sim_node *nodes; /* of the plan's nodes; owned */
    size_t resolved_node_count;
} psi_sim_spec;

/* Makes a spec of defaults: 1 Gbps, 50 us, no stragglers. Returns PS_OK or PS_ENOMEM. */
PS_MUST_CHECK ps_err psi_sim_spec_create(psi_sim_spec **spec_out);
void psi_sim_spec_destroy(psi_sim_spec *spec); /* accepts NULL */

/* Reads a cluster file: libconfig (docs/simulate.md has the keys) or a SimGrid platform XML, told
 * by content. `fault` names file and line of what is wrong: a missing or damaged file, an unknown
 * key (and the nearest known one), a value out of range. Returns PS_OK, PS_EIO, PS_EFORMAT,
 * PS_EINVAL or PS_ENOMEM. */
PS_MUST_CHECK ps_err psi_sim_spec_read_file(psi_sim_spec *spec, const char *path, ps_fault *fault);

/* Sets one option by its name in psi_sim_options. `fault` names the option, the value and the
 * nearest known word. Returns PS_OK, PS_EINVAL for an unknown name or a bad value, PS_ENOMEM, or
 * what reading a trace gave. */
PS_MUST_CHECK ps_err psi_sim_spec_set(psi_sim_spec *spec, const char *name, const char *value,
                                      ps_fault *fault);

/* Writes the value in force of psi_sim_options[index] into `text`, as psi_sim_spec_set() reads it
 * (repeated ones joined by a blank), for the manifest. Returns the length, as snprintf does. */
int psi_sim_spec_value(const psi_sim_spec *spec, size_t index, char *text, size_t text_size_bytes);

/* Fits the spec to the plan: every node gets its speed and link, stragglers and failures must name
 * nodes that exist, the network model is chosen by size, a platform XML is tried in a child
 * process. Call it once, before psi_sim_describe() and psi_sim_run(). Returns PS_OK, PS_EINVAL,
 * PS_EFORMAT or PS_ENOMEM. */
PS_MUST_CHECK ps_err psi_sim_spec_resolve(psi_sim_spec *spec, const psi_plan *plan,
                                          ps_fault *fault);

/* Describes what will be simulated, in a few lines for people: nodes, effective latency and
 * bandwidth of a path under the chosen model, cost per unit, stragglers, failures, expected
 * simulated and wall time, and lines that begin with "warning:" for what would surprise. Returns
 * the length, as snprintf does. */
int psi_sim_describe(const psi_sim_spec *spec, const psi_plan *plan, char *text,
                     size_t text_size_bytes);

/* Seconds of a unit of work: what was said, or the algorithm's own. O(1). */
static inline double psi_sim_unit_cost_s(const psi_sim_spec *spec, const psi_plan *plan) {
    return spec->unit_cost_s > 0.0 ? spec->unit_cost_s : plan->algo->unit_cost_s;
}

/* Whether the fluid network model simulates the plan in reasonable time. O(1). */
static inline bool psi_sim_flow_is_quick(const psi_plan *plan) {
    return plan->node_count <= PSI_SIM_FLOW_NODES_MAX &&
           (uint64_t)plan->node_count * plan->shard_count <= PSI_SIM_FLOW_PAIRS_MAX;
}

/* The wall time in seconds that the run is expected to take; a rough estimate. */
double psi_sim_expected_wall_s(const psi_sim_spec *spec, const psi_plan *plan);

/* Simulates the plan (all of whose nodes are in this process: plan->process_count is 1) and fills
 * `results`, an all-zero one, also as far as it came when the run fails. At most once per process:
 * SimGrid cannot start twice. Errors: PS_EINVAL (no plug-in or no SimGrid: what to install),
 * PS_EPEER (a node or link failed), PS_ESTALL, PS_EBROKEN, PS_ENOMEM, or what the algorithm failed
 * with; `fault` has the line. Blocks. */
PS_MUST_CHECK ps_err psi_sim_run(const psi_plan *plan, const psi_sim_spec *spec,
                                 psi_results *results, ps_fault *fault);

/* Whether simulation works here: loads the plug-in and writes its versions and where it was found
 * into `text`
 * ("SimGrid 3.32, /usr/lib/tortoise/tortoise_sim.so"). Otherwise PS_EINVAL, and `fault` says what
 * to install. */
PS_MUST_CHECK ps_err psi_sim_available(char *text, size_t text_size_bytes, ps_fault *fault);

#endif

/* The options of `sim` and `run` that are tortoise's own; those of the simulated cluster and of the
 * algorithms are listed where they are implemented, and join these in settings.c. */
#include "settings.h"

/* What the fields that follow are for an option of tortoise itself. */
#define TORTOISES .is_repeatable = false, .of_algorithm = NULL, .is_of_sim = false

enum { BOTH = TT_SIM | TT_RUN };

const tt_option tt_option_table[] = {
    {"data", "FILE", "synthetic", "input: a file (also .gz) or synthetic[:k=v,...]", TT_PROBLEM,
     BOTH, TORTOISES},
    {"policy", "bsp|ssp:S|essp:S|async", "ssp:3", "what a read may miss", TT_PROBLEM, BOTH,
     TORTOISES},
    {"nodes", "N", "4", "machines; local processes in 'run'", TT_PROBLEM, BOTH, TORTOISES},
    {"workers", "P", "4", "workers in all, a multiple of the nodes", TT_PROBLEM, BOTH, TORTOISES},
    {"servers", "M", "0", "server shards; 0: one on every node", TT_PROBLEM, BOTH, TORTOISES},
    {"clocks", "C", "0", "clocks to run; 0: the algorithm's own number", TT_PROBLEM, BOTH,
     TORTOISES},
    {"batch", "B", "0",
     "a worker's data per clock: share (0.1) or examples (100); 0: the algorithm's own", TT_PROBLEM,
     BOTH, TORTOISES},
    {"until", "KEY<=X", NULL, "stop when a metric reaches a value: 'objective<=0.75'", TT_PROBLEM,
     BOTH, TORTOISES},
    {"eval-every", "K", "1", "evaluate every K clocks of the slowest worker", TT_PROBLEM, BOTH,
     TORTOISES},
    {"seed", "S", "1", "seed of everything random", TT_PROBLEM, BOTH, TORTOISES},
    {"cluster", "FILE", NULL, "simulated cluster: libconfig or SimGrid XML", TT_CLUSTER, TT_SIM,
     TORTOISES},
    {"calibration", "FILE", NULL, "costs of a unit of work, from 'tortoise calibrate'", TT_CLUSTER,
     TT_SIM, TORTOISES},
    {"out", "DIR", NULL, "where files go (default out/ALGO-WORLD-POLICY-...)", TT_OUTPUT, BOTH,
     TORTOISES},
    {"force", NULL, NULL, "replace the run that DIR holds", TT_OUTPUT, BOTH, TORTOISES},
    {"config", "FILE", NULL, "read settings from a file; the command line wins", TT_OUTPUT, BOTH,
     TORTOISES},
    {"trace", "FILE", NULL, "who did what and when, for ui.perfetto.dev", TT_OUTPUT, BOTH,
     TORTOISES},
    {"trace-events", "N", "200000", "the last N that each process remembers for --trace", TT_OUTPUT,
     BOTH, TORTOISES},
    {"format", "text|json|csv", "text", "of the summary", TT_OUTPUT, BOTH, TORTOISES},
    {"ps-rank", "R", NULL, "this is rank R of a cluster (else from the launcher's variables)",
     TT_OUTPUT, TT_RUN, TORTOISES},
    {"ps-size", "N", NULL, "ranks in all", TT_OUTPUT, TT_RUN, TORTOISES},
    {"coordinator", "HOST:PORT", NULL, "where rank 0 listens", TT_OUTPUT, TT_RUN, TORTOISES},
    {"hosts", "A,B:2,...", NULL, "hosts of the ranks, with slots", TT_OUTPUT, TT_RUN, TORTOISES},
    {"hostfile", "FILE", NULL, "the same: a host per line", TT_OUTPUT, TT_RUN, TORTOISES},
    {"launcher", "auto|none|slurm|openmpi|mpich|kubernetes|torchrun", "auto",
     "whose variables to heed", TT_OUTPUT, TT_RUN, TORTOISES},
    {"bind", "ADDR[:PORT]", NULL, "listen there (default: loopback, or all with --insecure)",
     TT_OUTPUT, TT_RUN, TORTOISES},
    {"advertise", "HOST[:PORT]", NULL, "where others reach this rank", TT_OUTPUT, TT_RUN,
     TORTOISES},
    {"insecure", NULL, NULL, "allow other addresses than loopback, without encryption", TT_OUTPUT,
     TT_RUN, TORTOISES},
    {"job", "NAME", NULL, "ranks of another job are turned away", TT_OUTPUT, TT_RUN, TORTOISES},
    {"start-timeout", "T", "30s", "for all ranks to be there", TT_OUTPUT, TT_RUN, TORTOISES},
    {"stall-timeout", "T", "60s", "nothing moves: end and say who waits", TT_OUTPUT, TT_RUN,
     TORTOISES},
    {"silence-timeout", "T", "10s", "a silent process counts as dead", TT_OUTPUT, TT_RUN,
     TORTOISES},
    {"spin", "T", NULL, "poll so long before sleeping; 0: never (default: by the CPUs)", TT_OUTPUT,
     TT_RUN, TORTOISES},
    {"send-buffer", "BYTES", "64MiB", "queued for one process before workers wait", TT_OUTPUT,
     TT_RUN, TORTOISES},
    {"quiet", NULL, NULL, "no progress and no description on stderr", TT_OUTPUT, BOTH, TORTOISES},
};

const size_t tt_option_count = sizeof tt_option_table / sizeof tt_option_table[0];

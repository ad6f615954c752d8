/* Experiment files: which runs a figure or a table is made of. libconfig:
 *
 *     name = "ssp-mf";                       letters, digits, '-', '_': the directory under out/
 *     title = "What staleness buys";
 *     world = "sim";                         or "run"
 *     algo = "mf";
 *     settings = { nodes = 32; straggler = [ "lognormal:sigma=0.5" ]; };     options by their names
 *     axes = { policy = [ "bsp", "ssp:3" ]; seed = [ 1, 2, 3 ]; };           their product is run
 *     target = { metric = "objective"; at_most = 0.75; };                    time to target, or
 *     target = { metric = "objective"; reached_by = "policy=bsp"; };         what that run ends
 *                                            at_least for a metric of which more is better
 * with baseline = "policy=bsp";               what times are compared to; default: of reached_by
 *
 *     claims = ( { ... } );                  what the runs must show: claims.h
 *     pictures = ( { script = "lda_samplers.gp"; caption = "Five samplers."; } );    of plots/
 *
 * An unknown key is an error with its line and the nearest known one. */
#ifndef TT_EXPERIMENT_H
#define TT_EXPERIMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "tortoise/algo.h"

#include "claims.h"
#include "outdir.h"
#include "settings.h"

enum {
    TT_AXES_MAX = 8,
    TT_AXIS_VALUES_MAX = 64,
    TT_FIXED_MAX = 128,
    TT_SWEEP_RUNS_MAX = 10000,
    TT_PICTURES_MAX = 8,
    TT_EXPERIMENT_TEXT_BYTES = 256
};

typedef struct tt_assignment {
    char name[64];
    char value[TT_EXPERIMENT_TEXT_BYTES];
    unsigned line;
} tt_assignment;

typedef struct tt_axis {
    char name[64];
    char values[TT_AXIS_VALUES_MAX][TT_EXPERIMENT_TEXT_BYTES];
    size_t value_count;
    unsigned line;
} tt_axis;

/* When a run has arrived. */
typedef struct tt_target {
    bool is_set;
    size_t metric;     /* of the algorithm */
    bool is_fixed;     /* at `value`; else at what the runs with `by` end with */
    bool is_maximised; /* arrived is at least the value, not at most */
    double value;
    double factor; /* times which it is enough: 1.01 is within one per cent */
    tt_assignment by;
} tt_target;

/* A picture of the whole experiment, by a gnuplot script of its own. */
typedef struct tt_picture {
    char script[64]; /* in plots/ */
    char caption[TT_EXPERIMENT_TEXT_BYTES];
} tt_picture;

typedef struct tt_experiment {
    char path[TT_PATH_MAX];
    char name[64];
    char title[TT_EXPERIMENT_TEXT_BYTES];
    tt_world world;
    const ps_algo *algo;
    tt_assignment fixed[TT_FIXED_MAX];
    size_t fixed_count;
    tt_axis axes[TT_AXES_MAX];
    size_t axis_count;
    tt_target target;
    tt_assignment baseline; /* empty name: none */
    tt_claim claims[TT_CLAIMS_MAX];
    size_t claim_count;
    tt_picture pictures[TT_PICTURES_MAX];
    size_t picture_count;
} tt_experiment;

/* Reads and checks a file; *experiment_out is owned by the caller (free()). PS_EINVAL or
 * PS_EFORMAT, with file and line. */
PS_MUST_CHECK ps_err tt_experiment_read(const char *path, tt_experiment **experiment_out,
                                        ps_fault *fault);

/* How many runs there are. */
size_t tt_experiment_run_count(const tt_experiment *experiment);

/* The value of axis `axis` in run `run`: the last axis changes fastest. */
const char *tt_experiment_value(const tt_experiment *experiment, size_t run, size_t axis);

/* The axis `name`, or axis_count. */
size_t tt_experiment_axis(const tt_experiment *experiment, const char *name);

#endif

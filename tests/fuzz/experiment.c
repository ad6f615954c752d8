/* Experiment files. What is accepted names its runs, and each of its axes has a value in each. */
#define _GNU_SOURCE /* memmem */
#include "cli/experiment.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

static void check_experiment(const tt_experiment *experiment) {
    FUZZ_CHECK(experiment->name[0] != '\0' && experiment->algo != NULL);
    const size_t run_count = tt_experiment_run_count(experiment);
    FUZZ_CHECK(run_count >= 1 && run_count <= TT_SWEEP_RUNS_MAX);
    for (size_t axis = 0; axis < experiment->axis_count; axis++) {
        FUZZ_CHECK(tt_experiment_axis(experiment, experiment->axes[axis].name) == axis);
        for (size_t run = 0; run < run_count; run += 1 + run_count / 7) {
            const char *const value = tt_experiment_value(experiment, run, axis);
            FUZZ_CHECK(strlen(value) < TT_EXPERIMENT_TEXT_BYTES);
        }
    }
    if (experiment->target.is_set) {
        FUZZ_CHECK(experiment->target.metric < experiment->algo->metric_count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const fuzz_input input = {data, size};
    if (memmem(data, size, "@include", 8) != NULL) {
        return 0; /* the fuzzer must not choose files */
    }
    tt_experiment *experiment = NULL;
    ps_fault fault = {0};
    const ps_err err = tt_experiment_read(fuzz_file(&input), &experiment, &fault);
    fuzz_check_fault(err, &fault);
    FUZZ_CHECK((err == PS_OK) == (experiment != NULL));
    if (experiment != NULL) {
        check_experiment(experiment);
    }
    free(experiment);
    return 0;
}

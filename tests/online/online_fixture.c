#include "online_fixture.h"

#include <stdio.h>

#include "algos/online/virtual_workers.h"
#include "support/suite.h"

psi_online_problem *online_fixture_open(uint64_t seed, uint32_t rounds,
                                        const option_setting *settings, size_t count) {
    const char *values[PSI_ONLINE_OPTIONS];
    options_set(psi_online_option_list, PSI_ONLINE_OPTIONS, settings, count, values);
    const ps_settings all = {.data = "synthetic",
                             .seed = seed,
                             .worker_count = 1,
                             .clock_count = 1,
                             .batch = rounds,
                             .values = values};
    psi_online_problem *problem = NULL;
    ps_fault fault = {0};
    if (psi_online_problem_open(&all, &problem, &fault) != PS_OK) {
        printf("%s\n", fault.text);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(problem);
    return problem;
}

/* Plays all rounds, and returns what was logged. */
static psi_online_log learner_play(const psi_online_problem *problem) {
    psi_learner learner;
    const psi_learner_options options = {.kind = problem->learner,
                                         .game = &problem->game,
                                         .theorem = problem->theorem,
                                         .facts = &problem->facts,
                                         .step_scale = problem->step_scale,
                                         .delays = problem->delays};
    CU_ASSERT_EQUAL_FATAL(psi_learner_init(&learner, &options), PS_OK);
    for (uint64_t t = 0; t < problem->stream.round_count; t++) {
        psi_learner_round(&learner);
    }
    const psi_online_log log = learner.log;
    psi_learner_fini(&learner);
    return log;
}

static psi_online_log virtual_play(const psi_online_problem *problem) {
    psi_virtual game;
    CU_ASSERT_EQUAL_FATAL(psi_virtual_init(&game, problem), PS_OK);
    psi_virtual_play(&game, problem->stream.round_count);
    const psi_online_log log = game.log;
    psi_virtual_fini(&game);
    return log;
}

void online_fixture_play(const psi_online_problem *problem, double *metrics) {
    const psi_online_log log =
        problem->virtual_workers > 0 ? virtual_play(problem) : learner_play(problem);
    double sums[PSI_ONLINE_SUMS];
    psi_online_evaluate(problem, 0, &log, problem->stream.round_count, sums);
    psi_online_finish(problem, sums, metrics);
}

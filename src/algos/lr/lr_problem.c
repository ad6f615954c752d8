#include "algos/lr/lr_problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double default_batch = 0.005;

const ps_option psi_lr_option_list[PSI_LR_OPTIONS] = {
    [PSI_LR_BITS] = {"bits", PS_OPTION_COUNT, NULL, "0", 0, PSI_LR_BITS_MAX,
                     "hash features into 2^bits weights; 0: a weight for each"},
    [PSI_LR_QUADRATIC] = {"quadratic", PS_OPTION_FLAG, NULL, "no", 0, 0,
                          "pairs of features are features, too; needs --bits"},
    [PSI_LR_BIAS] = {"bias", PS_OPTION_FLAG, NULL, "yes", 0, 0, "a constant feature"},
    [PSI_LR_STEP] = {"step", PS_OPTION_NUMBER, NULL, "0.5", 1e-9, 1e9, "step size"},
    [PSI_LR_SCHEDULE] = {"schedule", PS_OPTION_WORD, "constant|inverse-sqrt|adaptive|normalized",
                         "normalized", 0, 0, "how the step size falls"},
    [PSI_LR_L2] = {"l2", PS_OPTION_NUMBER, NULL, "0", 0, 1e9, "weight of l2/2 |w|^2"},
    [PSI_LR_DELAY] = {"delay", PS_OPTION_COUNT, NULL, "0", 0, 1 << 24,
                      "examples of a worker between a gradient and its use"},
    [PSI_LR_MIXING] = {"mixing", PS_OPTION_FLAG, NULL, "no", 0, 0,
                       "average what the workers learn in a clock, do not add it"},
    [PSI_LR_HELDOUT] = {"heldout", PS_OPTION_NUMBER, NULL, "0.1", 0, 0.9,
                        "share of the examples that is not learned from"},
    [PSI_LR_SHUFFLE] = {"shuffle", PS_OPTION_FLAG, NULL, "no", 0, 0,
                        "learn in a random order, by --seed; for files sorted by label"},
};

static int flag_of(const ps_settings *settings, int option) {
    return strcmp(settings->values[option], "yes") == 0;
}

static psi_lr_schedule schedule_of(const char *word) {
    if (strcmp(word, "constant") == 0) {
        return PSI_LR_CONSTANT;
    }
    if (strcmp(word, "normalized") == 0) {
        return PSI_LR_NORMALIZED;
    }
    return strcmp(word, "adaptive") == 0 ? PSI_LR_ADAPTIVE : PSI_LR_INVERSE_SQRT;
}

static void options_take(psi_lr_problem *problem, const ps_settings *settings) {
    problem->shape.bits = (uint32_t)ps_option_number(settings->values[PSI_LR_BITS]);
    problem->shape.is_quadratic = flag_of(settings, PSI_LR_QUADRATIC);
    problem->shape.has_bias = flag_of(settings, PSI_LR_BIAS);
    problem->step = ps_option_number(settings->values[PSI_LR_STEP]);
    problem->schedule = schedule_of(settings->values[PSI_LR_SCHEDULE]);
    problem->l2 = ps_option_number(settings->values[PSI_LR_L2]);
    problem->delay = (uint32_t)ps_option_number(settings->values[PSI_LR_DELAY]);
    problem->mixes = flag_of(settings, PSI_LR_MIXING);
    problem->batch = settings->batch > 0 ? settings->batch : default_batch;
    problem->worker_count = settings->worker_count;
}

ps_err psi_lr_labels_check(psi_examples *examples, const char *data, ps_fault *fault) {
    int has_zero = 0, has_minus = 0;
    for (size_t i = 0; i < examples->count; i++) {
        const float label = examples->labels[i];
        has_zero |= label == 0;
        has_minus |= label == -1;
        if ((label != 1 && label != 0 && label != -1) || (has_zero && has_minus)) {
            return ps_fault_set(fault, PS_EFORMAT,
                                "%s: example %zu has label %g; labels are -1 and +1, or 0 and 1",
                                data, i + 1, (double)label);
        }
    }
    for (size_t i = 0; i < examples->count && has_zero; i++) {
        examples->labels[i] = examples->labels[i] > 0 ? 1 : -1;
    }
    return PS_OK;
}

/* Which examples are held out depends on the seed and their places alone. The order of the others
 * is that of the stream, or a random one, which all passes share. */
static ps_err examples_split(psi_lr_problem *problem, uint64_t seed, double share,
                             int is_shuffled) {
    const size_t count = problem->examples.count;
    problem->training = calloc(count, sizeof *problem->training);
    problem->heldout = calloc(count, sizeof *problem->heldout);
    if (problem->training == NULL || problem->heldout == NULL) {
        return PS_ENOMEM;
    }
    ps_random random = ps_random_stream(seed, "lr-heldout", 0);
    for (size_t i = 0; i < count; i++) {
        if (ps_random_uniform(&random) < share) {
            problem->heldout[problem->heldout_count++] = (uint32_t)i;
        } else {
            problem->training[problem->training_count++] = (uint32_t)i;
        }
    }
    if (is_shuffled) {
        ps_random order = ps_random_stream(seed, "lr-shuffle", 0);
        ps_random_shuffle_u32(&order, problem->training, problem->training_count);
    }
    return PS_OK;
}

static ps_err problem_check(const psi_lr_problem *problem, const char *data, ps_fault *fault) {
    if (problem->shape.is_quadratic && problem->shape.bits == 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--quadratic needs places for the pairs; add --bits 18, say");
    }
    if (problem->training_count < problem->worker_count) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%s: %zu examples to learn from are too few for %u workers", data,
                            problem->training_count, problem->worker_count);
    }
    if (problem->delay >= psi_lr_own_count(problem, problem->worker_count - 1)) {
        return ps_fault_set(fault, PS_EINVAL,
                            "--delay %u is too long: a worker has %zu examples; lower it",
                            problem->delay, psi_lr_own_count(problem, problem->worker_count - 1));
    }
    return PS_OK;
}

static ps_err problem_fill(psi_lr_problem *problem, const ps_settings *settings, ps_fault *fault) {
    PS_TRY(psi_examples_open(settings->data, settings->seed, settings->worker_count,
                             &problem->examples, fault));
    options_take(problem, settings);
    problem->shape.feature_count = problem->examples.feature_count;
    PS_TRY(psi_lr_labels_check(&problem->examples, settings->data, fault));
    PS_TRY(examples_split(problem, settings->seed,
                          ps_option_number(settings->values[PSI_LR_HELDOUT]),
                          flag_of(settings, PSI_LR_SHUFFLE)));
    PS_TRY(problem_check(problem, settings->data, fault));
    PS_TRY(psi_lr_prepare(&problem->shape, &problem->examples));
    if (problem->l2 > 0) {
        problem->inverse_shares =
            calloc(psi_lr_weight_count(&problem->shape) + 1, sizeof *problem->inverse_shares);
        if (problem->inverse_shares == NULL) {
            return PS_ENOMEM;
        }
        psi_lr_shares(&problem->shape, &problem->examples, problem->inverse_shares);
    }
    return PS_OK;
}

ps_err psi_lr_problem_open(const ps_settings *settings, psi_lr_problem **problem_out,
                           ps_fault *fault) {
    *problem_out = NULL;
    psi_lr_problem *const problem = calloc(1, sizeof *problem);
    ps_err err = problem == NULL ? PS_ENOMEM : problem_fill(problem, settings, fault);
    if (err != PS_OK) {
        psi_lr_problem_close(problem);
        return ps_fault_set(fault, err, "%s: %s", settings->data, ps_err_text(err));
    }
    *problem_out = problem;
    return PS_OK;
}

void psi_lr_problem_close(psi_lr_problem *problem) {
    if (problem != NULL) {
        psi_examples_fini(&problem->examples);
        free(problem->training);
        free(problem->heldout);
        free(problem->inverse_shares);
        free(problem);
    }
}

size_t psi_lr_batch_size(const psi_lr_problem *problem, uint32_t rank) {
    const double own = (double)psi_lr_own_count(problem, rank);
    const double wanted = problem->batch < 1 ? ceil(own * problem->batch) : floor(problem->batch);
    return (size_t)(wanted < own ? wanted : own);
}

#include "data/synthetic_examples.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <gsl/gsl_randist.h>

#include "data/synthetic_keys.h"
#include "tortoise/random.h"

enum { EXAMPLES_MIN = 10000, EXAMPLES_PER_WORKER = 64 };

static const psi_synthetic_key key_rows[] = {
    {"examples", PSI_KEY_COUNT, offsetof(psi_synthetic_examples, examples), 1, 0x1p31},
    {"features", PSI_KEY_COUNT, offsetof(psi_synthetic_examples, features), 1, 0x1p28},
    {"nonzeros", PSI_KEY_COUNT, offsetof(psi_synthetic_examples, nonzeros), 1, 0x1p24},
    {"margin", PSI_KEY_NUMBER, offsetof(psi_synthetic_examples, margin), 1e-6, 1e6},
    {"skew", PSI_KEY_NUMBER, offsetof(psi_synthetic_examples, skew), 0, 4},
    {"seed", PSI_KEY_COUNT, offsetof(psi_synthetic_examples, seed), 0, 0x1p64},
};
static const psi_synthetic_keys keys = {.keys = key_rows,
                                        .count = sizeof key_rows / sizeof key_rows[0],
                                        .what = "key of synthetic examples",
                                        .example = "synthetic:examples=10000,features=1000"};

static ps_err spec_check(const psi_synthetic_examples *spec, ps_fault *fault) {
    PS_TRY(psi_synthetic_keys_check(&keys, spec, fault));
    if (2 * spec->nonzeros > spec->features && spec->nonzeros != 1) {
        return ps_fault_set(fault, PS_EINVAL,
                            "synthetic: nonzeros=%" PRIu64 " of %" PRIu64
                            " features are too many; at most half of them",
                            spec->nonzeros, spec->features);
    }
    return PS_OK;
}

ps_err psi_synthetic_examples_parse(const char *data, uint64_t seed, uint32_t worker_count,
                                    psi_synthetic_examples *spec_out, ps_fault *fault) {
    const uint64_t examples = (uint64_t)worker_count * EXAMPLES_PER_WORKER;
    psi_synthetic_examples spec = {.examples = examples > EXAMPLES_MIN ? examples : EXAMPLES_MIN,
                                   .features = 1000,
                                   .nonzeros = 20,
                                   .margin = 3,
                                   .skew = 1,
                                   .seed = seed};
    PS_TRY(psi_synthetic_keys_read(&keys, data, &spec, fault));
    PS_TRY(spec_check(&spec, fault));
    *spec_out = spec;
    return PS_OK;
}

int psi_synthetic_examples_format(const psi_synthetic_examples *spec, char *text,
                                  size_t text_size) {
    return snprintf(text, text_size,
                    "synthetic:examples=%" PRIu64 ",features=%" PRIu64 ",nonzeros=%" PRIu64
                    ",margin=%.17g,skew=%.17g,seed=%" PRIu64,
                    spec->examples, spec->features, spec->nonzeros, spec->margin, spec->skew,
                    spec->seed);
}

ps_err psi_synthetic_examples_weights(const psi_synthetic_examples *spec, double *weights_out) {
    gsl_rng *const rng = gsl_rng_alloc(ps_random_gsl_type());
    if (rng == NULL) {
        return PS_ENOMEM;
    }
    const double deviation = spec->margin / sqrt((double)spec->nonzeros);
    for (uint64_t j = 0; j < spec->features; j++) {
        ps_random_gsl(rng, ps_random_stream(spec->seed, "synthetic-weight", j));
        weights_out[j] = gsl_ran_gaussian(rng, deviation);
    }
    gsl_rng_free(rng);
    return PS_OK;
}

/* What making examples needs beside the spec. All owned. */
typedef struct maker {
    gsl_rng *rng;
    double *weights, *popularity; /* [features] */
    gsl_ran_discrete_t *law;
    uint32_t *stamps; /* [features]: the last example that has it, + 1 */
} maker;

static void maker_fini(maker *m) {
    if (m->rng != NULL) {
        gsl_rng_free(m->rng);
    }
    if (m->law != NULL) {
        gsl_ran_discrete_free(m->law);
    }
    free(m->weights);
    free(m->popularity);
    free(m->stamps);
}

/* The maker is safe to release whatever this returns. */
static ps_err maker_init(maker *m, const psi_synthetic_examples *spec) {
    *m = (maker){.rng = gsl_rng_alloc(ps_random_gsl_type())};
    m->weights = calloc(spec->features, sizeof *m->weights);
    m->popularity = calloc(spec->features, sizeof *m->popularity);
    m->stamps = calloc(spec->features, sizeof *m->stamps);
    if (m->rng == NULL || m->weights == NULL || m->popularity == NULL || m->stamps == NULL) {
        return PS_ENOMEM;
    }
    for (uint64_t j = 0; j < spec->features; j++) {
        m->popularity[j] = pow((double)j + 1, -spec->skew);
    }
    m->law = gsl_ran_discrete_preproc(spec->features, m->popularity);
    return m->law == NULL ? PS_ENOMEM : psi_synthetic_examples_weights(spec, m->weights);
}

static ps_err example_make(maker *m, const psi_synthetic_examples *spec, uint32_t example,
                           psi_examples *examples) {
    ps_random_gsl(m->rng, ps_random_stream(spec->seed, "synthetic-example", example));
    PS_TRY(psi_examples_add(examples, 1));
    double margin = 0;
    for (uint64_t n = 0; n < spec->nonzeros;) {
        const size_t feature = gsl_ran_discrete(m->rng, m->law);
        if (m->stamps[feature] != example + 1) {
            m->stamps[feature] = example + 1;
            margin += m->weights[feature];
            PS_TRY(psi_examples_add_feature(examples, (uint32_t)feature, 1));
            n++;
        }
    }
    if (gsl_rng_uniform(m->rng) >= 1 / (1 + exp(-margin))) {
        examples->labels[example] = -1;
    }
    return PS_OK;
}

ps_err psi_synthetic_examples_make(const psi_synthetic_examples *spec, psi_examples *examples_out,
                                   ps_fault *fault) {
    *examples_out = (psi_examples){.format = PSI_EXAMPLES_SYNTHETIC};
    PS_TRY(spec_check(spec, fault));
    maker m;
    ps_err err = maker_init(&m, spec);
    for (uint32_t i = 0; i < spec->examples && err == PS_OK; i++) {
        err = example_make(&m, spec, i, examples_out);
    }
    maker_fini(&m);
    if (err != PS_OK) {
        psi_examples_fini(examples_out);
        return ps_fault_set(fault, err, "synthetic: %s", ps_err_text(err));
    }
    examples_out->feature_count = (uint32_t)spec->features;
    return PS_OK;
}

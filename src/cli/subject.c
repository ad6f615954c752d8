#include "subject.h"

#include <stdio.h>
#include <string.h>

#include "algos/registry.h"
#include "data/keyword.h"

enum { SUBJECTS_MAX = 64 };

/* The caller's own algorithm; set once, before anything else of the program runs. */
static const ps_algo *own_algo;

/* The function that `algo` lacks, or NULL. */
static const char *lacking(const ps_algo *algo) {
    const struct {
        const char *name;
        bool is_there;
    } parts[] = {{"name", algo->name != NULL && algo->name[0] != '\0'},
                 {"summary", algo->summary != NULL},
                 {"unit", algo->unit != NULL},
                 {"options", algo->options != NULL || algo->option_count == 0},
                 {"metrics", algo->metrics != NULL && algo->metric_count > 0},
                 {"open", algo->open != NULL},
                 {"close", algo->close != NULL},
                 {"tables", algo->tables != NULL},
                 {"worker", algo->worker != NULL},
                 {"evaluate", algo->evaluate != NULL},
                 {"finish", algo->finish != NULL}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!parts[i].is_there) {
            return parts[i].name;
        }
    }
    return NULL;
}

ps_err tt_subject_add(const ps_algo *algo, ps_fault *fault) {
    const char *const missing = lacking(algo);
    const char *const name = algo->name == NULL ? "" : algo->name;
    if (missing != NULL) {
        return ps_fault_set(fault, PS_EINVAL, "the algorithm '%s' has no '%s'; see tortoise/algo.h",
                            name, missing);
    }
    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
        strlen(name)) {
        return ps_fault_set(fault, PS_EINVAL,
                            "the algorithm's name '%s' has more than letters, digits, '-' and '_'",
                            name);
    }
    if (algo->metric_count > PS_METRICS_MAX || algo->sum_count > PS_SUMS_MAX) {
        return ps_fault_set(fault, PS_EINVAL,
                            "the algorithm '%s' has more than %d metrics or %d sums", name,
                            PS_METRICS_MAX, PS_SUMS_MAX);
    }
    for (size_t i = 0; i < algo->since_count; i++) {
        const ps_since *const since = &algo->since[i];
        if (since->metric >= algo->metric_count || since->mean >= algo->metric_count ||
            since->count >= algo->metric_count) {
            return ps_fault_set(fault, PS_EINVAL,
                                "the algorithm '%s' has %zu metrics, and since[%zu] names another",
                                name, algo->metric_count, i);
        }
    }
    own_algo = algo;
    return PS_OK;
}

bool tt_subject_is_own(const ps_algo *algo) {
    return algo == own_algo;
}

size_t tt_subject_count(void) {
    size_t count = 0;
    (void)psi_algos(&count);
    return count + (own_algo != NULL);
}

const ps_algo *tt_subject_at(size_t index) {
    size_t count = 0;
    const ps_algo *const *const algos = psi_algos(&count);
    if (own_algo != NULL && index == 0) {
        return own_algo;
    }
    index -= own_algo != NULL;
    PS_ASSERT(index < count);
    return algos[index];
}

ps_err tt_subject_of(const char *name, const ps_algo **algo_out, ps_fault *fault) {
    const char *names[SUBJECTS_MAX];
    const size_t count = tt_subject_count();
    PS_ASSERT(count <= SUBJECTS_MAX);
    *algo_out = NULL;
    for (size_t i = 0; i < count; i++) {
        names[i] = tt_subject_at(i)->name;
        if (strcmp(names[i], name) == 0) {
            *algo_out = tt_subject_at(i);
            return PS_OK;
        }
    }
    return psi_keyword_refuse("algorithm", name, names, count, fault);
}

ps_err tt_subject_find(size_t count, char *const *arguments, const ps_algo **algo_out,
                       ps_fault *fault) {
    *algo_out = NULL;
    if (count > 0 && arguments[0][0] != '-') {
        return tt_subject_of(arguments[0], algo_out, fault);
    }
    for (size_t i = 0; i < count; i++) {
        if (tt_subject_of(arguments[i], algo_out, NULL) == PS_OK) {
            return PS_OK;
        }
    }
    return PS_OK;
}

const ps_algo *tt_subject_first(void) {
    return tt_subject_at(0);
}

void tt_subject_print_names(void) {
    for (size_t i = 0; i < tt_subject_count(); i++) {
        (void)printf("%s%s", i == 0 ? "" : ", ", tt_subject_at(i)->name);
    }
}

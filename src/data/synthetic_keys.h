/* "synthetic:key=value,...": the specs of synthetic data, read into a struct by a table of keys. */
#ifndef PSI_SYNTHETIC_KEYS_H
#define PSI_SYNTHETIC_KEYS_H

#include <stddef.h>

#include "tortoise/err.h"

/* What a key holds: a uint64_t, or a double. */
typedef enum psi_key_kind { PSI_KEY_COUNT, PSI_KEY_NUMBER } psi_key_kind;

/* A key: where its value goes in the spec, and what it may be, inclusive. */
typedef struct psi_synthetic_key {
    const char *name;
    psi_key_kind kind;
    size_t offset;
    double min, max;
} psi_synthetic_key;

enum { PSI_SYNTHETIC_KEYS_MAX = 16 };

typedef struct psi_synthetic_keys {
    const psi_synthetic_key *keys;
    size_t count;        /* <= PSI_SYNTHETIC_KEYS_MAX */
    const char *what;    /* "key of a synthetic corpus", for messages */
    const char *example; /* "synthetic:docs=2000,topics=20", for messages */
} psi_synthetic_keys;

/* Reads `data`, "synthetic" or "synthetic:key=value,...", into `spec`, whose other fields stay.
 * Returns PS_OK, or PS_EINVAL with the reason: an unknown key (the nearest known one is named), one
 * that is given twice, or a value that is out of range. O(length). */
PS_MUST_CHECK ps_err psi_synthetic_keys_read(const psi_synthetic_keys *keys, const char *data,
                                             void *spec, ps_fault *fault);

/* Checks the ranges of a spec that was filled by hand. Returns PS_OK, or PS_EINVAL. O(keys). */
PS_MUST_CHECK ps_err psi_synthetic_keys_check(const psi_synthetic_keys *keys, const void *spec,
                                              ps_fault *fault);

#endif

#include "data/synthetic_keys.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "data/keyword.h"
#include "data/synthetic.h"

enum { PREFIX_SIZE = sizeof "synthetic" - 1, VALUE_MAX = 64 };

static ps_err key_set(const psi_synthetic_key *key, const char *value, void *spec,
                      ps_fault *fault) {
    char what[VALUE_MAX];
    (void)snprintf(what, sizeof what, "synthetic: %s", key->name);
    char *const place = (char *)spec + key->offset;
    uint64_t count = 0;
    double number = 0;
    if (key->kind == PSI_KEY_COUNT) {
        PS_TRY(psi_parse_count(value, what, &count, fault));
        number = (double)count;
    } else {
        PS_TRY(psi_parse_number(value, what, &number, fault));
    }
    if (!(number >= key->min && number <= key->max)) {
        return ps_fault_set(fault, PS_EINVAL, "%s=%s is out of range; it is %g to %g", what, value,
                            key->min, key->max);
    }
    if (key->kind == PSI_KEY_COUNT) {
        memcpy(place, &count, sizeof count);
    } else {
        memcpy(place, &number, sizeof number);
    }
    return PS_OK;
}

/* Takes "key=value" out of text[0..size). */
static ps_err pair_read(const psi_synthetic_keys *keys, const char *text, size_t size, bool *seen,
                        void *spec, ps_fault *fault) {
    char pair[2 * VALUE_MAX];
    if (size >= sizeof pair) {
        return ps_fault_set(fault, PS_EINVAL, "synthetic: '%.*s' is too long", 40, text);
    }
    memcpy(pair, text, size);
    pair[size] = '\0';
    char *const equals = strchr(pair, '=');
    if (equals == NULL) {
        return ps_fault_set(fault, PS_EINVAL, "synthetic: '%s' is no key=value; write %s", pair,
                            keys->example);
    }
    *equals = '\0';
    const char *names[PSI_SYNTHETIC_KEYS_MAX];
    for (size_t k = 0; k < keys->count; k++) {
        names[k] = keys->keys[k].name;
        if (strcmp(pair, names[k]) != 0) {
            continue;
        }
        if (seen[k]) {
            return ps_fault_set(fault, PS_EINVAL, "synthetic: key '%s' is given twice", pair);
        }
        seen[k] = true;
        return key_set(&keys->keys[k], equals + 1, spec, fault);
    }
    return psi_keyword_refuse(keys->what, pair, names, keys->count, fault);
}

ps_err psi_synthetic_keys_read(const psi_synthetic_keys *keys, const char *data, void *spec,
                               ps_fault *fault) {
    PS_ASSERT(psi_synthetic_is_named(data) && keys->count <= PSI_SYNTHETIC_KEYS_MAX);
    bool seen[PSI_SYNTHETIC_KEYS_MAX] = {false};
    const char *at = data + PREFIX_SIZE;
    at += *at == ':';
    while (*at != '\0') {
        const size_t size = strcspn(at, ",");
        PS_TRY(pair_read(keys, at, size, seen, spec, fault));
        at += size;
        at += *at == ',';
    }
    return PS_OK;
}

ps_err psi_synthetic_keys_check(const psi_synthetic_keys *keys, const void *spec, ps_fault *fault) {
    for (size_t k = 0; k < keys->count; k++) {
        const psi_synthetic_key *const key = &keys->keys[k];
        const char *const place = (const char *)spec + key->offset;
        uint64_t count;
        double number;
        memcpy(&count, place, sizeof count);
        memcpy(&number, place, sizeof number);
        number = key->kind == PSI_KEY_COUNT ? (double)count : number;
        if (!(number >= key->min && number <= key->max)) {
            return ps_fault_set(fault, PS_EINVAL, "synthetic: %s is out of range", key->name);
        }
    }
    return PS_OK;
}

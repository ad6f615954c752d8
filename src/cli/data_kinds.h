/* What `tortoise data` does for one kind of data each; command_data.c has the table of kinds. */
#ifndef TT_DATA_KINDS_H
#define TT_DATA_KINDS_H

#include <stdint.h>

#include "settings.h"
#include "tortoise/err.h"

/* A call of `tortoise data`, read. */
typedef struct tt_data_request {
    const tt_settings *settings;
    const tt_words *words; /* the verb is the first */
    const char *format;    /* text, json or csv */
    uint64_t seed;
    uint32_t workers;
} tt_data_request;

/* `data info NAME` and `data convert NAME TO` of a corpus. PS_EINVAL, PS_EIO, PS_EFORMAT or
 * PS_ENOMEM, with one line in `fault`. */
PS_MUST_CHECK ps_err tt_corpus_inform(const tt_data_request *asked, const char *name,
                                      ps_fault *fault);
PS_MUST_CHECK ps_err tt_corpus_convert(const tt_data_request *asked, const char *name,
                                       const char *to, ps_fault *fault);

/* `data gen lda[:k=v,...] --out FILE`: `spec` is what follows "lda". The true topics go to
 * topics.npy in the folder of `path`. */
PS_MUST_CHECK ps_err tt_corpus_generate(const tt_data_request *asked, const char *spec,
                                        const char *path, ps_fault *fault);

/* `data match TRUE.npy MODEL`: learned topics beside the true ones. */
PS_MUST_CHECK ps_err tt_topics_match(const tt_data_request *asked, ps_fault *fault);

#endif

/* Labelled examples with sparse features, in the order of their file.
 *
 * Format: libsvm, "label feature:value ..." per line, plain or compressed with gzip. Feature ids
 * start at 1 and may come in any order; a '#' begins a comment. Reading is strict: a damaged file
 * is refused with "file:line:column: what; what to do". Nothing here knows what the labels mean. */
#ifndef PSI_EXAMPLES_H
#define PSI_EXAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "tortoise/err.h"

typedef enum psi_examples_format {
    PSI_EXAMPLES_LIBSVM,
    PSI_EXAMPLES_SYNTHETIC /* made here, not read */
} psi_examples_format;

/* `count` examples. Owned arrays; release with psi_examples_fini(). All zero is empty. */
typedef struct psi_examples {
    float *labels;          /* [count], finite */
    size_t *begins;         /* [count + 1]: of features and values */
    uint32_t *features;     /* [nonzero_count], from 0: the file's id - 1; < feature_count */
    float *values;          /* [nonzero_count], finite */
    size_t count, capacity; /* < 2^32 */
    size_t nonzero_count, nonzero_capacity;
    uint32_t feature_count; /* the highest id */
    psi_examples_format format;
} psi_examples;

/* "libsvm" or "synthetic". Static. */
const char *psi_examples_format_name(psi_examples_format format);

/* Reads the file `path`. At least one example is there on success. On failure examples_out is all
 * zero and `fault` says in one line what is wrong and where. Blocks on the file. Returns PS_OK;
 * PS_EIO when the operating system refuses the file; PS_EFORMAT for damaged or empty content;
 * PS_ENOMEM. O(bytes). */
PS_MUST_CHECK ps_err psi_examples_read(const char *path, psi_examples *examples_out,
                                       ps_fault *fault);

/* Reads a file, or makes what "synthetic[:k=v,...]" asks for (synthetic_examples.h). `seed` and
 * `worker_count` are for synthetic data alone. Errors as those of psi_examples_read() and
 * psi_synthetic_examples_parse(). */
PS_MUST_CHECK ps_err psi_examples_open(const char *data, uint64_t seed, uint32_t worker_count,
                                       psi_examples *examples_out, ps_fault *fault);

/* Appends an example without features, and a feature, from 0, to the last one. Return PS_OK or
 * PS_ENOMEM. Amortised O(1). */
PS_MUST_CHECK ps_err psi_examples_add(psi_examples *examples, float label);
PS_MUST_CHECK ps_err psi_examples_add_feature(psi_examples *examples, uint32_t feature,
                                              float value);

/* Releases the arrays; the examples are empty and usable again. */
void psi_examples_fini(psi_examples *examples);

#endif

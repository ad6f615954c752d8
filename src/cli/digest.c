#include "digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"

struct tt_digest {
    EVP_MD_CTX *context; /* owned */
    bool failed;
};

tt_digest *tt_digest_begin(void) {
    tt_digest *const digest = calloc(1, sizeof *digest);
    if (digest == NULL) {
        return NULL;
    }
    digest->context = EVP_MD_CTX_new();
    if (digest->context == NULL || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(digest->context);
        free(digest);
        return NULL;
    }
    return digest;
}

void tt_digest_add(tt_digest *digest, const void *bytes, size_t size_bytes) {
    if (digest == NULL || size_bytes == 0) {
        return;
    }
    if (EVP_DigestUpdate(digest->context, bytes, size_bytes) != 1) {
        digest->failed = true;
    }
}

bool tt_digest_end(tt_digest *digest, char text_out[static TT_DIGEST_TEXT_BYTES]) {
    text_out[0] = '\0';
    if (digest == NULL) {
        return false;
    }
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned int raw_size = 0;
    const bool is_good =
        EVP_DigestFinal_ex(digest->context, raw, &raw_size) == 1 && !digest->failed;
    EVP_MD_CTX_free(digest->context);
    free(digest);
    if (!is_good || raw_size * 2 + 1 != TT_DIGEST_TEXT_BYTES) {
        return false;
    }
    static const char digits[] = "0123456789abcdef";
    for (unsigned int i = 0; i < raw_size; i++) {
        text_out[2 * i] = digits[raw[i] >> 4];
        text_out[2 * i + 1] = digits[raw[i] & 15];
    }
    text_out[2 * raw_size] = '\0';
    return true;
}

ps_err tt_digest_file(const char *path, char text_out[static TT_DIGEST_TEXT_BYTES],
                      ps_fault *fault) {
    text_out[0] = '\0';
    FILE *const file = fopen(path, "rb");
    if (file == NULL) {
        return ps_fault_set(fault, PS_EINVAL, "%s: %s", path, strerror(errno));
    }
    tt_digest *const digest = tt_digest_begin();
    unsigned char block[16384];
    size_t got = 0;
    while ((got = fread(block, 1, sizeof block, file)) > 0) {
        tt_digest_add(digest, block, got);
    }
    const bool failed = ferror(file) != 0;
    (void)fclose(file);
    const bool is_good = tt_digest_end(digest, text_out);
    if (failed || !is_good) {
        text_out[0] = '\0';
        return ps_fault_set(fault, PS_EIO, "%s: cannot be read to its end", path);
    }
    return PS_OK;
}

static void add_u32(tt_digest *digest, uint32_t value) {
    uint8_t bytes[4];
    psi_put_u32(bytes, value);
    tt_digest_add(digest, bytes, sizeof bytes);
}

static void add_sparse(tt_digest *digest, const ps_table_spec *spec, const ps_sparse_row *rows) {
    for (uint64_t i = 0; i < spec->row_count; i++) {
        add_u32(digest, rows[i].count);
        for (uint32_t j = 0; j < rows[i].count; j++) {
            add_u32(digest, rows[i].columns[j]);
        }
        tt_digest_add(digest, rows[i].values, rows[i].count * ps_type_size_bytes(spec->type));
    }
}

bool tt_digest_model(const psi_plan *plan, const psi_results *results,
                     char text_out[static TT_DIGEST_TEXT_BYTES]) {
    text_out[0] = '\0';
    if (!results->model_is_complete) {
        return false;
    }
    tt_digest *const digest = tt_digest_begin();
    for (size_t t = 0; t < plan->table_count; t++) {
        const ps_table_spec *const spec = &plan->specs[t];
        if (spec->layout == PS_DENSE && results->model_dense[t] != NULL) {
            const size_t row_bytes = spec->column_count * ps_type_size_bytes(spec->type);
            tt_digest_add(digest, results->model_dense[t], (size_t)spec->row_count * row_bytes);
        }
        if (spec->layout == PS_SPARSE && results->model_sparse[t] != NULL) {
            add_sparse(digest, spec, results->model_sparse[t]);
        }
    }
    return tt_digest_end(digest, text_out);
}

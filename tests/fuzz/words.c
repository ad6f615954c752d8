/* What people type: numbers, quantities with units, policies, synthetic data, and the nearest known
 * word. A text that is accepted means one thing: written out and read again it is the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/units.h"
#include "data/number.h"
#include "data/synthetic.h"
#include "data/synthetic_corpus.h"
#include "fuzz/fuzz.h"
#include "cli/numbers.h"
#include "ps/policy.h"

static void judge_number(const char *text) {
    const size_t length = strlen(text);
    float real = 77;
    const psi_number_verdict verdict = psi_number_real(text, text + length, &real);
    if (verdict == PSI_NUMBER_GOOD) {
        char *end = NULL;
        const float expected = (float)strtod(text, &end);
        FUZZ_CHECK(*end == '\0' && memcmp(&real, &expected, sizeof real) == 0);
        FUZZ_CHECK(isfinite(real));
    } else {
        FUZZ_CHECK(memcmp(&real, &(float){77}, sizeof real) == 0);
    }
    uint64_t whole = 77;
    if (psi_number_whole(text, text + length, &whole) == PSI_NUMBER_GOOD) {
        uint64_t again = 0;
        FUZZ_CHECK(psi_parse_count(text, NULL, &again, NULL) == PS_OK && again == whole);
    } else {
        FUZZ_CHECK(whole == 77);
    }
}

typedef ps_err (*quantity_parser)(const char *text, const char *what, double *value_out,
                                  ps_fault *fault);

static void judge_quantity(const char *text, uint8_t which) {
    static const quantity_parser parsers[] = {psi_parse_number, psi_parse_seconds, psi_parse_rate,
                                              psi_parse_factor};
    double value = -77;
    ps_fault fault = {0};
    const ps_err err = parsers[which % 4](text, which < 128 ? "--x" : NULL, &value, &fault);
    fuzz_check_fault(err, &fault);
    if (err != PS_OK) {
        FUZZ_CHECK(value < -76 && value > -78);
        return;
    }
    FUZZ_CHECK(isfinite(value) && value >= 0 && (which % 4 < 2 || value > 0));
    char short_text[PSI_UNITS_TEXT_MAX];
    psi_format_seconds(value, short_text);
    psi_format_bytes(value, short_text);
    psi_format_rate(value, short_text);
    char exact[TT_NUMBER_TEXT_BYTES];
    const double again = strtod(tt_number_exact(value, exact), NULL);
    FUZZ_CHECK(memcmp(&again, &value, sizeof value) == 0);
    (void)tt_number_time(value, exact);
    (void)tt_number_bytes(value, exact);
    (void)tt_number_scaled(value, "x", exact);
}

static void judge_count(const char *text) {
    uint64_t bytes = 77;
    ps_fault fault = {0};
    ps_err err = psi_parse_bytes(text, "--x", &bytes, &fault);
    fuzz_check_fault(err, &fault);
    FUZZ_CHECK(err == PS_OK ? bytes < UINT64_C(1) << 53 : bytes == 77);
    uint64_t count = 77;
    fault = (ps_fault){0};
    err = tt_number_read_count("--x", text, 3, 1000, &count, &fault);
    fuzz_check_fault(err, &fault);
    FUZZ_CHECK(err == PS_OK ? count >= 3 && count <= 1000 : count == 77);
    double real = 77;
    fault = (ps_fault){0};
    err = tt_number_read_real("--x", text, -1, 2.5, &real, &fault);
    fuzz_check_fault(err, &fault);
    FUZZ_CHECK(err == PS_OK ? real >= -1 && real <= 2.5 : real > 76);
}

static void judge_policy(const char *text) {
    psi_policy policy = {.slack = 77};
    ps_fault fault = {0};
    const ps_err err = psi_policy_parse(text, &policy, &fault);
    fuzz_check_fault(err, &fault);
    if (err != PS_OK) {
        FUZZ_CHECK(policy.slack == 77);
        return;
    }
    char written[32];
    psi_policy again;
    psi_policy_format(&policy, written);
    FUZZ_CHECK(psi_policy_parse(written, &again, NULL) == PS_OK);
    FUZZ_CHECK(again.ops == policy.ops && again.slack == policy.slack);
}

static void judge_synthetic(const char *text, uint8_t which) {
    psi_synthetic spec = {.rank = 77};
    ps_fault fault = {0};
    if (!psi_synthetic_is_named(text)) {
        return;
    }
    ps_err err = psi_synthetic_parse(text, which, 1 + which % 64U, &spec, &fault);
    fuzz_check_fault(err, &fault);
    if (err != PS_OK) {
        FUZZ_CHECK(spec.rank == 77);
        return;
    }
    char written[512];
    psi_synthetic again;
    const int length = psi_synthetic_format(&spec, written, sizeof written);
    FUZZ_CHECK(length > 0 && (size_t)length < sizeof written);
    FUZZ_CHECK(psi_synthetic_parse(written, 0, 1, &again, NULL) == PS_OK);
    FUZZ_CHECK(memcmp(&again, &spec, sizeof spec) == 0);
    if (spec.ratings > 500 || spec.users > 500 || spec.items > 500 || spec.rank > 8) {
        return; /* what is asked for may be large; what is parsed is not */
    }
    psi_ratings ratings;
    err = psi_synthetic_make(&spec, &ratings, &fault);
    FUZZ_CHECK(err == PS_OK && ratings.count == spec.ratings);
    FUZZ_CHECK(ratings.user_count == spec.users && ratings.item_count == spec.items);
    psi_ratings_fini(&ratings);
}

static void judge_synthetic_corpus(const char *text, uint8_t which) {
    psi_synthetic_corpus spec = {.topics = 77};
    ps_fault fault = {0};
    if (!psi_synthetic_is_named(text)) {
        return;
    }
    const ps_err err = psi_synthetic_corpus_parse(text, which, 1 + which % 64U, &spec, &fault);
    fuzz_check_fault(err, &fault);
    if (err != PS_OK) {
        FUZZ_CHECK(spec.topics == 77);
        return;
    }
    char written[512];
    psi_synthetic_corpus again;
    const int length = psi_synthetic_corpus_format(&spec, written, sizeof written);
    FUZZ_CHECK(length > 0 && (size_t)length < sizeof written);
    FUZZ_CHECK(psi_synthetic_corpus_parse(written, 0, 1, &again, NULL) == PS_OK);
    FUZZ_CHECK(memcmp(&again, &spec, sizeof spec) == 0);
    if (spec.docs > 50 || spec.words > 200 || spec.topics > 8 || spec.length > 20) {
        return; /* what is asked for may be large; what is parsed is not */
    }
    psi_corpus corpus;
    if (psi_synthetic_corpus_make(&spec, &corpus, &fault) == PS_OK) {
        FUZZ_CHECK(corpus.doc_count == spec.docs && corpus.token_count > 0);
    }
    psi_corpus_fini(&corpus);
}

static void judge_nearest(const char *text) {
    static const char *const known[] = {"policy", "nodes", "bandwidth", "loopback-bandwidth", ""};
    const char *const nearest = psi_nearest(text, known, sizeof known / sizeof known[0]);
    FUZZ_CHECK(nearest == NULL || nearest[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    const uint8_t what = fuzz_u8(&input);
    const uint8_t which = fuzz_u8(&input);
    char *const text = fuzz_text(&input);
    switch (what % 8) {
    case 0:
        judge_number(text);
        break;
    case 1:
        judge_quantity(text, which);
        break;
    case 2:
        judge_count(text);
        break;
    case 3:
        judge_policy(text);
        break;
    case 4:
        judge_synthetic(text, which);
        break;
    case 6:
        judge_synthetic_corpus(text, which);
        break;
    default:
        judge_nearest(text);
        break;
    }
    free(text);
    return 0;
}

/* Settings from files and from the command line, calibration files, and the tables that reports
 * read. What is accepted can be asked for. */
#define _GNU_SOURCE /* memmem */
#include "cli/settings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "algos/registry.h"
#include "cli/calibration.h"
#include "cli/csv_table.h"
#include "fuzz/fuzz.h"

enum { ARGUMENTS_MAX = 24 };

static void check_settings(const tt_settings *settings) {
    for (size_t i = 0; i < settings->count; i++) {
        const tt_setting *const item = &settings->items[i];
        FUZZ_CHECK(item->value_count <= 1 || item->option.is_repeatable);
        for (size_t v = 0; v < item->value_count; v++) {
            FUZZ_CHECK(item->values[v] != NULL);
        }
    }
}

static void judge_file(const fuzz_input *input, uint8_t how) {
    tt_settings settings;
    ps_fault fault = {0};
    const tt_world world = (how & 1) != 0 ? TT_SIM : TT_RUN;
    const ps_algo *const algo = (how & 2) != 0 ? psi_algo_find("mf", NULL) : NULL;
    FUZZ_CHECK(tt_settings_init(&settings, world, algo) == PS_OK);
    const ps_err err = tt_settings_read_file(&settings, fuzz_file(input), &fault);
    fuzz_check_fault(err, &fault);
    check_settings(&settings);
    tt_settings_fini(&settings);
}

/* The text as words, one a line. */
static void judge_arguments(const fuzz_input *input, uint8_t how) {
    char *const text = fuzz_text(input);
    char *arguments[ARGUMENTS_MAX + 1] = {NULL};
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, "\n", &rest); word != NULL && count < ARGUMENTS_MAX;
         word = strtok_r(NULL, "\n", &rest)) {
        arguments[count++] = word;
    }
    tt_settings settings;
    tt_words words = {.count = 0};
    ps_fault fault = {0};
    const tt_world world = (how & 1) != 0 ? TT_SIM : TT_RUN;
    FUZZ_CHECK(tt_settings_init(&settings, world, psi_algo_find("mf", NULL)) == PS_OK);
    const ps_err err = tt_settings_read_arguments(&settings, count, arguments, &words, &fault);
    fuzz_check_fault(err, &fault);
    FUZZ_CHECK(words.count <= sizeof words.words / sizeof words.words[0]);
    check_settings(&settings);
    tt_settings_fini(&settings);
    free(text);
}

static void judge_calibration(const fuzz_input *input) {
    char cost[TT_NUMBER_TEXT_BYTES] = "before";
    ps_fault fault = {0};
    const ps_err err = tt_calibration_read_cost(fuzz_file(input), "mf", cost, &fault);
    fuzz_check_fault(err, &fault);
    FUZZ_CHECK(err == PS_OK || strcmp(cost, "before") == 0);
}

static void judge_table(const fuzz_input *input) {
    tt_csv_table table;
    ps_fault fault = {0};
    const ps_err err = tt_csv_read(fuzz_file(input), &table, &fault);
    fuzz_check_fault(err, &fault);
    for (size_t row = 0; err == PS_OK && row < table.row_count; row++) {
        for (size_t column = 0; column < table.column_count; column++) {
            FUZZ_CHECK(tt_csv_text(&table, row, column) != NULL);
            (void)tt_csv_number(&table, row, column);
            FUZZ_CHECK(tt_csv_column(&table, table.names[column]) <= column);
        }
    }
    tt_csv_fini(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    const uint8_t how = fuzz_u8(&input);
    if (memmem(data, size, "@include", 8) != NULL) {
        return 0; /* the fuzzer must not choose files */
    }
    switch (how >> 2 & 3) {
    case 0:
        judge_file(&input, how);
        break;
    case 1:
        judge_arguments(&input, how);
        break;
    case 2:
        judge_calibration(&input);
        break;
    default:
        judge_table(&input);
        break;
    }
    return 0;
}

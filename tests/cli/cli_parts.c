/* The program's own parts: numbers as text, tables, paths, digests, experiments. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include "cli/csv_table.h"
#include "cli/digest.h"
#include "cli/experiment.h"
#include "cli/npy.h"
#include "cli/numbers.h"
#include "cli/outdir.h"
#include "cli/run_files.h"
#include "cli/settings.h"
#include "support/suite.h"

/* Files are equal only if every number has one text, and scripts lose nothing only if it reads
 * back. */
static void exact_numbers_read_back(void) {
    static const double values[] = {
        0,      0.1,    1e-9, 2.385, 1.0 / 3.0, 123456789.125,     1e300,
        5e-324, -17.25, 0.3,  1e22,  2.0 / 3.0, 4503599627370497.5};
    char text[TT_NUMBER_TEXT_BYTES];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const double back = strtod(tt_number_exact(values[i], text), NULL);
        CU_ASSERT_EQUAL(memcmp(&back, &values[i], sizeof back), 0);
    }
    CU_ASSERT_STRING_EQUAL(tt_number_exact(0.1, text), "0.1");
    CU_ASSERT_STRING_EQUAL(tt_number_exact((double)NAN, text), "nan");
    CU_ASSERT_STRING_EQUAL(tt_number_exact(-(double)NAN, text), "nan");
}

static void times_have_units(void) {
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {0, "0 s"},          {1.25, "1.25 s"},  {0.00034, "340 us"}, {12.34, "12.3 s"},
        {0.0999, "99.9 ms"}, {2.5e-8, "25 ns"}, {75, "1 min 15 s"},  {3 * 3600 + 240, "3 h 04 min"},
        {0.99999, "1.00 s"}};
    char text[TT_NUMBER_TEXT_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_STRING_EQUAL(tt_number_time(cases[i].seconds, text), cases[i].text);
    }
}

static void counts_are_strict(void) {
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "abc", "18446744073709551616", "11"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t value = 77;
        ps_fault fault = {0};
        CU_ASSERT_EQUAL(tt_number_read_count("--x", bad[i], 0, 10, &value, &fault), PS_EINVAL);
        CU_ASSERT_EQUAL(value, 77);
        CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "--x"));
    }
}

/* SHA-256 of FIPS 180-4's example "abc". */
static void digest_is_sha256(void) {
    char text[TT_DIGEST_TEXT_BYTES];
    tt_digest *const digest = tt_digest_begin();
    tt_digest_add(digest, "a", 1);
    tt_digest_add(digest, "bc", 2);
    CU_ASSERT_TRUE(tt_digest_end(digest, text));
    CU_ASSERT_STRING_EQUAL(text,
                           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* The results of a made-up run with a dense and a sparse table. */
typedef struct fixture {
    ps_algo algo;
    psi_plan plan;
    psi_results results;
    psi_metrics_row metrics[2];
    psi_trace_row trace[1];
    uint8_t *trace_chunk;
    uint64_t staleness[4], tally[9];
    float dense[6];
    uint32_t columns[3];
    double values[3];
    ps_sparse_row rows[3];
} fixture;

static void fixture_fill(fixture *made) {
    static const char *const names[] = {"objective", "gap"}, *const seen[] = {"few", "many"};
    static const ps_tally_file tally = {
        .name = "ages.csv", .number = "days", .columns = seen, .column_count = 2};
    *made = (fixture){
        .algo = {.name = "made-up", .metrics = names, .metric_count = 2, .tally = &tally},
        .metrics = {{.time_s = 0, .values = {3.5, 0.25}},
                    {.time_s = 1.5,
                     .clock_min = 4,
                     .clock_max = 6,
                     .work_units = 120,
                     .bytes_sent = 900,
                     .frames_sent = 7,
                     .values = {2.25, (double)INFINITY}}},
        .trace = {{.rank = 2,
                   .clock = 4,
                   .start_s = 0.5,
                   .compute_s = 0.25,
                   .wait_s = 0.125,
                   .end_s = 1}},
        .staleness = {5, 0, 2, 0},
        .tally = {7, 1, 0, 0, 0, 0, 0, 8, 3},
        .dense = {1, 2, 3, 4, 5, 6.5f},
        .columns = {1, 7, 2},
        .values = {0.5, -1, 9},
    };
    made->rows[0] = (ps_sparse_row){.count = 2, .columns = made->columns, .values = made->values};
    made->rows[2] =
        (ps_sparse_row){.count = 1, .columns = made->columns + 2, .values = made->values + 2};
    made->plan.algo = &made->algo;
    made->plan.table_count = 2;
    made->plan.specs[0] = (ps_table_spec){
        .name = "weights", .type = PS_F32, .layout = PS_DENSE, .row_count = 2, .column_count = 3};
    made->plan.specs[1] = (ps_table_spec){
        .name = "counts", .type = PS_F64, .layout = PS_SPARSE, .row_count = 3, .column_count = 10};
    CU_ASSERT_EQUAL(psi_policy_parse("ssp:2", &made->plan.policy, NULL), PS_OK);
    made->results.metrics = made->metrics;
    made->results.metrics_count = 2;
    made->trace_chunk = (uint8_t *)made->trace;
    made->results.trace = (psi_chunks){.chunks = &made->trace_chunk,
                                       .chunk_count = 1,
                                       .first_capacity = 1,
                                       .item_size_bytes = sizeof made->trace[0]};
    made->results.trace_count = 1;
    made->results.staleness = made->staleness;
    made->results.staleness_count = 4;
    made->results.tally = (psi_tally){.counts = made->tally, .count = 9};
    made->results.model_is_complete = true;
    made->results.model_dense[0] = made->dense;
    made->results.model_sparse[1] = made->rows;
}

static void scratch_make(char path[static TT_PATH_MAX], const char *name) {
    suite_scratch_path(name, path, TT_PATH_MAX);
    tt_directory_remove(path);
    CU_ASSERT_EQUAL(tt_directory_create(path, NULL), PS_OK);
}

static bool text_is(const char *directory, const char *name, const char *expected) {
    char path[TT_PATH_MAX];
    char text[1024] = "";
    if (!tt_path_join(path, directory, name)) {
        return false;
    }
    FILE *const file = fopen(path, "rb");
    if (file != NULL) {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
    }
    return strcmp(text, expected) == 0;
}

/* Values, order and the smallest text of every number; the histogram ends at the last count; the
 * tally leaves out numbers that nobody met. */
static void csv_files_hold_the_results(void) {
    fixture made;
    tt_extras extras;
    char path[TT_PATH_MAX];
    scratch_make(path, "csv");
    fixture_fill(&made);
    CU_ASSERT_EQUAL_FATAL(tt_run_files_write(path, &made.plan, &made.results, &extras, NULL),
                          PS_OK);
    CU_ASSERT_TRUE(text_is(path, "metrics.csv",
                           "time_s,clock_min,clock_max,work_units,objective,gap,bytes_sent,"
                           "frames_sent\n0,0,0,0,3.5,0.25,0,0\n1.5,4,6,120,2.25,inf,900,7\n"));
    CU_ASSERT_TRUE(text_is(path, "workers.csv",
                           "rank,clock,start_s,compute_s,wait_s,end_s\n2,4,0.5,0.25,0.125,1\n"));
    CU_ASSERT_TRUE(text_is(path, "staleness.csv",
                           "policy,clock_difference,reads\nssp:2,-3,2\nssp:2,-2,0\nssp:2,-1,5\n"));
    CU_ASSERT_TRUE(
        text_is(path, "ages.csv", "policy,days,few,many\nssp:2,0,7,1\nssp:2,3,0,8\nssp:2,4,3,0\n"));
}

/* Reads what stands behind the header of an .npy file. */
static size_t npy_content(const char *directory, const char *name, void *bytes, size_t size) {
    char path[TT_PATH_MAX];
    uint8_t prefix[10];
    size_t got = 0;
    CU_ASSERT_TRUE_FATAL(tt_path_join(path, directory, name));
    FILE *const file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    if (fread(prefix, 1, sizeof prefix, file) == sizeof prefix &&
        fseek(file, prefix[8] + 256 * prefix[9], SEEK_CUR) == 0) {
        got = fread(bytes, 1, size, file);
    }
    fclose(file);
    return got;
}

static void models_read_back(void) {
    fixture made;
    tt_extras extras;
    char path[TT_PATH_MAX];
    char model[TT_PATH_MAX];
    scratch_make(path, "model_files");
    fixture_fill(&made);
    CU_ASSERT_EQUAL_FATAL(tt_run_files_write(path, &made.plan, &made.results, &extras, NULL),
                          PS_OK);
    CU_ASSERT_TRUE(tt_path_join(model, path, "model"));
    float dense[7];
    uint64_t indptr[5];
    uint32_t indices[4];
    double values[4];
    CU_ASSERT_EQUAL(npy_content(model, "weights.npy", dense, sizeof dense), sizeof made.dense);
    CU_ASSERT_EQUAL(memcmp(dense, made.dense, sizeof made.dense), 0);
    static const uint64_t expected[] = {0, 2, 2, 3};
    CU_ASSERT_EQUAL(npy_content(model, "counts.indptr.npy", indptr, sizeof indptr),
                    sizeof expected);
    CU_ASSERT_EQUAL(memcmp(indptr, expected, sizeof expected), 0);
    CU_ASSERT_EQUAL(npy_content(model, "counts.indices.npy", indices, sizeof indices),
                    sizeof made.columns);
    CU_ASSERT_EQUAL(memcmp(indices, made.columns, sizeof made.columns), 0);
    CU_ASSERT_EQUAL(npy_content(model, "counts.values.npy", values, sizeof values),
                    sizeof made.values);
    CU_ASSERT_EQUAL(memcmp(values, made.values, sizeof made.values), 0);
}

/* Any bit of the model, and where it stands, is in its digest. */
static void digest_sees_every_part_of_the_model(void) {
    fixture made;
    char before[TT_DIGEST_TEXT_BYTES];
    char after[TT_DIGEST_TEXT_BYTES];
    fixture_fill(&made);
    CU_ASSERT_TRUE(tt_digest_model(&made.plan, &made.results, before));
    made.dense[4] = 5.0000005f;
    CU_ASSERT_TRUE(tt_digest_model(&made.plan, &made.results, after));
    CU_ASSERT_STRING_NOT_EQUAL(before, after);
    fixture_fill(&made);
    made.columns[2] = 3;
    CU_ASSERT_TRUE(tt_digest_model(&made.plan, &made.results, after));
    CU_ASSERT_STRING_NOT_EQUAL(before, after);
    fixture_fill(&made);
    CU_ASSERT_TRUE(tt_digest_model(&made.plan, &made.results, after));
    CU_ASSERT_STRING_EQUAL(before, after);
    made.results.model_is_complete = false;
    CU_ASSERT_FALSE(tt_digest_model(&made.plan, &made.results, after));
}

/* A directory is there whole or not at all, and what another wrote meanwhile is not replaced. */
static void directories_appear_at_once(void) {
    char parent[TT_PATH_MAX];
    char path[TT_PATH_MAX];
    char file[TT_PATH_MAX];
    tt_outdir first;
    tt_outdir second;
    scratch_make(parent, "outdir");
    CU_ASSERT_TRUE(tt_path_join(path, parent, "deep/run"));
    CU_ASSERT_EQUAL_FATAL(tt_outdir_open(&first, path, false, NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(tt_outdir_open(&second, path, false, NULL), PS_OK);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    CU_ASSERT_EQUAL_FATAL(tt_outdir_stage(&first, NULL), PS_OK);
    CU_ASSERT_TRUE(tt_path_join(file, first.staging, "manifest.json"));
    CU_ASSERT_EQUAL(tt_file_replace(file, "{}\n", 3, NULL), PS_OK);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    CU_ASSERT_EQUAL(tt_outdir_commit(&first, NULL), PS_OK);
    CU_ASSERT_TRUE(tt_outdir_holds_run(path));
    CU_ASSERT_TRUE(text_is(path, "manifest.json", "{}\n"));
    CU_ASSERT_EQUAL_FATAL(tt_outdir_stage(&second, NULL), PS_OK);
    CU_ASSERT_TRUE(tt_path_join(file, second.staging, "manifest.json"));
    CU_ASSERT_EQUAL(tt_file_replace(file, "{1}\n", 4, NULL), PS_OK);
    ps_fault fault = {0};
    CU_ASSERT_EQUAL(tt_outdir_commit(&second, &fault), PS_EINVAL);
    CU_ASSERT_TRUE(text_is(path, "manifest.json", "{}\n"));
    CU_ASSERT_EQUAL(second.staging[0], '\0');
}

static void tables_are_checked(void) {
    char path[TT_PATH_MAX];
    tt_csv_table table;
    ps_fault fault = {0};
    suite_scratch_path("table.csv", path, sizeof path);
    CU_ASSERT_EQUAL(tt_file_replace(path, "a,b\n1,x\n2.5,\n", 13, NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(tt_csv_read(path, &table, NULL), PS_OK);
    CU_ASSERT_EQUAL(table.row_count, 2);
    CU_ASSERT_EQUAL(tt_csv_column(&table, "b"), 1);
    CU_ASSERT_EQUAL(tt_csv_column(&table, "c"), 2);
    CU_ASSERT_DOUBLE_EQUAL(tt_csv_number(&table, 1, 0), 2.5, 0);
    CU_ASSERT_TRUE(isnan(tt_csv_number(&table, 1, 1)));
    tt_csv_fini(&table);
    CU_ASSERT_EQUAL(tt_file_replace(path, "a,b\n1\n", 6, NULL), PS_OK);
    CU_ASSERT_EQUAL(tt_csv_read(path, &table, &fault), PS_EFORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "table.csv:2"));
}

/* The last axis changes fastest, as an odometer's last wheel does. */
static void runs_are_the_product_of_the_axes(void) {
    static const char text[] = "name = \"p\"; algo = \"mf\";\n"
                               "axes = { policy = [ \"bsp\", \"async\" ]; seed = [ 1, 2, 3 ]; };\n"
                               "target = { metric = \"objective\"; at_most = 0.5; };\n";
    char path[TT_PATH_MAX];
    tt_experiment *experiment = NULL;
    suite_scratch_path("product.cfg", path, sizeof path);
    CU_ASSERT_EQUAL(tt_file_replace(path, text, strlen(text), NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(tt_experiment_read(path, &experiment, NULL), PS_OK);
    CU_ASSERT_EQUAL(tt_experiment_run_count(experiment), 6);
    CU_ASSERT_STRING_EQUAL(tt_experiment_value(experiment, 4, 0), "async");
    CU_ASSERT_STRING_EQUAL(tt_experiment_value(experiment, 4, 1), "2");
    CU_ASSERT_TRUE(experiment->target.is_set);
    CU_ASSERT_DOUBLE_EQUAL(experiment->target.value, 0.5, 0);
    free(experiment);
}

static const suite_test tests[] = {
    SUITE_TEST(exact_numbers_read_back),
    SUITE_TEST(times_have_units),
    SUITE_TEST(counts_are_strict),
    SUITE_TEST(digest_is_sha256),
    SUITE_TEST(csv_files_hold_the_results),
    SUITE_TEST(models_read_back),
    SUITE_TEST(digest_sees_every_part_of_the_model),
    SUITE_TEST(directories_appear_at_once),
    SUITE_TEST(tables_are_checked),
    SUITE_TEST(runs_are_the_product_of_the_axes),
};

SUITE_MAIN("cli_parts", tests)

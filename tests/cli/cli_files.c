/* The files of a run, as scripts and plots read them: names, columns, keys, and equality. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/suite.h"

#define DATA "--data synthetic:users=200,items=60,ratings=5000,seed=7"

static char scratch[256];

/* Runs the program with arguments, quietly, into the directory `name` of the scratch folder. */
static int run(const char *arguments, const char *name) {
    char command[4096];
    snprintf(command, sizeof command, "\"%s\" %s --out %s/%s --force --quiet >%s/stdout 2>&1",
             getenv("TORTOISE"), arguments, scratch, name, scratch);
    const int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *read_text(const char *directory, const char *name, size_t *size_out) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s", scratch, directory, name);
    FILE *const file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    if (file != NULL) {
        text = calloc(1, 1 << 22);
        size = text == NULL ? 0 : fread(text, 1, (1 << 22) - 1, file);
        fclose(file);
    }
    if (size_out != NULL) {
        *size_out = size;
    }
    return text;
}

static json_t *read_manifest(const char *directory) {
    char *const text = read_text(directory, "manifest.json", NULL);
    json_t *const object = text == NULL ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    return object;
}

static bool first_line_is(const char *directory, const char *name, const char *line) {
    char *const text = read_text(directory, name, NULL);
    const bool is_same =
        text != NULL && strncmp(text, line, strlen(line)) == 0 && text[strlen(line)] == '\n';
    free(text);
    return is_same;
}

static bool files_are_equal(const char *left, const char *right, const char *name) {
    size_t left_size = 0;
    size_t right_size = 0;
    char *const left_text = read_text(left, name, &left_size);
    char *const right_text = read_text(right, name, &right_size);
    const bool is_same = left_text != NULL && right_text != NULL && left_size > 0 &&
                         left_size == right_size && memcmp(left_text, right_text, left_size) == 0;
    free(left_text);
    free(right_text);
    return is_same;
}

/* Scripts read columns by these names and in this order. */
static void columns_are_those_of_the_contract(void) {
    CU_ASSERT_EQUAL_FATAL(run("sim mf --clocks 6 " DATA, "columns"), 0);
    CU_ASSERT_TRUE(first_line_is("columns", "metrics.csv",
                                 "time_s,clock_min,clock_max,work_units,objective,train_rmse,"
                                 "heldout_rmse,bytes_sent,frames_sent"));
    CU_ASSERT_TRUE(
        first_line_is("columns", "workers.csv", "rank,clock,start_s,compute_s,wait_s,end_s"));
    CU_ASSERT_TRUE(first_line_is("columns", "staleness.csv", "policy,clock_difference,reads"));
}

/* One row per evaluation, from clock 0 on; one per worker and clock. */
static void rows_are_all_there(void) {
    CU_ASSERT_EQUAL_FATAL(run("sim mf --clocks 6 --eval-every 2 " DATA, "rows"), 0);
    static const struct {
        const char *name;
        size_t rows;
    } files[] = {{"metrics.csv", 4}, {"workers.csv", 4 * 6}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *const text = read_text("rows", files[i].name, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(text);
        size_t lines = 0;
        for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
            lines++;
        }
        CU_ASSERT_EQUAL(lines, files[i].rows + 1);
        free(text);
    }
}

/* A manifest is enough to know, and to repeat, what was run. */
static void manifest_has_every_key(void) {
    CU_ASSERT_EQUAL_FATAL(run("sim mf --clocks 3 --policy essp:2 " DATA, "manifest"), 0);
    json_t *const manifest = read_manifest("manifest");
    CU_ASSERT_PTR_NOT_NULL_FATAL(manifest);
    static const char *const keys[] = {
        "command_line", "settings",       "versions",  "seed",    "data_sha256",
        "model_sha256", "metrics_sha256", "start",     "end",     "exit_code",
        "host",         "world",          "algorithm", "results", "interrupted",
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        CU_ASSERT_PTR_NOT_NULL(json_object_get(manifest, keys[i]));
    }
    static const char *const digests[] = {"data_sha256", "model_sha256", "metrics_sha256"};
    for (size_t i = 0; i < sizeof digests / sizeof digests[0]; i++) {
        const char *const digest = json_string_value(json_object_get(manifest, digests[i]));
        CU_ASSERT_PTR_NOT_NULL_FATAL(digest);
        CU_ASSERT_EQUAL(strlen(digest), 64);
        CU_ASSERT_EQUAL(strspn(digest, "0123456789abcdef"), 64);
    }
    const json_t *const settings = json_object_get(manifest, "settings");
    static const struct {
        const char *name, *value, *origin;
    } expected[] = {
        {"policy", "essp:2", "command line"},
        {"clocks", "3", "command line"},
        {"nodes", "4", "default"},
        {"seed", "1", "default"},
        {"rank", "16", "algorithm"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const json_t *const one = json_object_get(settings, expected[i].name);
        CU_ASSERT_PTR_NOT_NULL_FATAL(one);
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(one, "value")), expected[i].value);
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(one, "origin")),
                               expected[i].origin);
    }
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(manifest, "exit_code")), 0);
    json_decref(manifest);
}

/* Settings of a file are marked as such, and the command line beats them. */
static void settings_file_is_between_default_and_command_line(void) {
    char arguments[1024];
    char path[512];
    snprintf(path, sizeof path, "%s/settings.cfg", scratch);
    FILE *const file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs("policy = \"bsp\";\nclocks = 5;\nrank = 3;\n", file);
    fclose(file);
    snprintf(arguments, sizeof arguments, "sim mf --config %s --clocks 2 " DATA, path);
    CU_ASSERT_EQUAL_FATAL(run(arguments, "settings"), 0);
    json_t *const manifest = read_manifest("settings");
    const json_t *const settings = json_object_get(manifest, "settings");
    static const struct {
        const char *name, *value, *origin;
    } expected[] = {
        {"policy", "bsp", "file"}, {"clocks", "2", "command line"}, {"rank", "3", "file"}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const json_t *const one = json_object_get(settings, expected[i].name);
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(one, "value")), expected[i].value);
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(one, "origin")),
                               expected[i].origin);
    }
    json_decref(manifest);
}

static const char *const deterministic[] = {"metrics.csv", "workers.csv", "staleness.csv",
                                            "model/items.npy"};

/* G8: the same configuration and seed, the same bytes, whatever the number of threads. */
static void simulations_are_equal_byte_for_byte(void) {
    const char *const what = "sim mf --clocks 8 --policy ssp:2 --straggler lognormal:sigma=0.7 ";
    char arguments[1024];
    snprintf(arguments, sizeof arguments, "%s" DATA " --jobs 1", what);
    CU_ASSERT_EQUAL_FATAL(run(arguments, "equal1"), 0);
    CU_ASSERT_EQUAL_FATAL(run(arguments, "equal2"), 0);
    snprintf(arguments, sizeof arguments, "%s" DATA " --jobs 2", what);
    CU_ASSERT_EQUAL_FATAL(run(arguments, "equal3"), 0);
    for (size_t i = 0; i < sizeof deterministic / sizeof deterministic[0]; i++) {
        CU_ASSERT_TRUE(files_are_equal("equal1", "equal2", deterministic[i]));
        CU_ASSERT_TRUE(files_are_equal("equal1", "equal3", deterministic[i]));
    }
    snprintf(arguments, sizeof arguments, "%s" DATA " --seed 2", what);
    CU_ASSERT_EQUAL_FATAL(run(arguments, "equal4"), 0);
    CU_ASSERT_FALSE(files_are_equal("equal1", "equal4", "metrics.csv"));
}

/* What may differ between two manifests of one simulation is named in the contract; all else is
 * equal. */
static void manifests_differ_in_times_alone(void) {
    CU_ASSERT_EQUAL_FATAL(run("sim mf --clocks 3 " DATA, "same"), 0);
    json_t *const first = read_manifest("same");
    CU_ASSERT_EQUAL_FATAL(run("sim mf --clocks 3 " DATA, "same"), 0);
    json_t *const second = read_manifest("same");
    static const char *const free_keys[] = {"start", "end", "host"};
    for (size_t i = 0; i < sizeof free_keys / sizeof free_keys[0]; i++) {
        CU_ASSERT_EQUAL(json_object_del(first, free_keys[i]), 0);
        CU_ASSERT_EQUAL(json_object_del(second, free_keys[i]), 0);
    }
    CU_ASSERT_TRUE(json_equal(first, second));
    json_decref(first);
    json_decref(second);
}

/* BSP is the same model in both worlds, to the last bit. */
static void bsp_is_equal_in_both_worlds(void) {
    CU_ASSERT_EQUAL_FATAL(run("sim mf --clocks 5 --policy bsp " DATA, "world1"), 0);
    CU_ASSERT_EQUAL_FATAL(run("run mf --clocks 5 --policy bsp " DATA, "world2"), 0);
    CU_ASSERT_TRUE(files_are_equal("world1", "world2", "model/items.npy"));
    json_t *const simulated = read_manifest("world1");
    json_t *const real = read_manifest("world2");
    CU_ASSERT_TRUE(json_equal(json_object_get(simulated, "model_sha256"),
                              json_object_get(real, "model_sha256")));
    CU_ASSERT_TRUE(json_equal(json_object_get(simulated, "data_sha256"),
                              json_object_get(real, "data_sha256")));
    json_decref(simulated);
    json_decref(real);
}

/* NumPy reads the model: magic, version, an aligned header, and as many numbers as it says. */
static void model_reads_back_as_npy(void) {
    CU_ASSERT_EQUAL_FATAL(run("sim mf --clocks 2 --rank 5 --biases no " DATA, "npy"), 0);
    size_t size = 0;
    char *const text = read_text("npy", "model/items.npy", &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_TRUE_FATAL(size > 64);
    CU_ASSERT_EQUAL(memcmp(text, "\x93NUMPY\x01\x00", 8), 0);
    const size_t header = 10 + (size_t)(uint8_t)text[8] + 256 * (size_t)(uint8_t)text[9];
    CU_ASSERT_EQUAL(header % 64, 0);
    CU_ASSERT_EQUAL(text[header - 1], '\n');
    unsigned width = 0;
    unsigned rows = 0;
    unsigned columns = 0;
    CU_ASSERT_EQUAL(sscanf(text + 10,
                           "{'descr': '<f%u', 'fortran_order': False, 'shape': (%u, %u), }", &width,
                           &rows, &columns),
                    3);
    CU_ASSERT_EQUAL(rows, 60);
    CU_ASSERT_TRUE(columns >= 5);
    CU_ASSERT_EQUAL(size, header + (size_t)width * rows * columns);
    free(text);
}

/* --until ends a run early and says so. */
static void until_ends_a_run(void) {
    CU_ASSERT_EQUAL_FATAL(run("sim mf --clocks 5 --until 'objective<=1000' " DATA, "until"), 0);
    json_t *const manifest = read_manifest("until");
    const json_t *const results = json_object_get(manifest, "results");
    CU_ASSERT_TRUE(json_is_true(json_object_get(results, "until_reached")));
    CU_ASSERT_TRUE(json_integer_value(json_object_get(results, "clock_min")) < 5);
    json_decref(manifest);
}

/* The summary of --format json is one JSON object, that of csv two lines with as many cells. */
static void summaries_parse(void) {
    CU_ASSERT_EQUAL_FATAL(run("run mf --nodes 1 --clocks 2 --format json " DATA, "summary"), 0);
    char *text = read_text(".", "stdout", NULL);
    json_t *const object = json_loads(text, 0, NULL);
    CU_ASSERT_TRUE(json_is_object(object));
    CU_ASSERT_TRUE(
        json_is_number(json_object_get(json_object_get(object, "metrics"), "objective")));
    json_decref(object);
    free(text);
    CU_ASSERT_EQUAL_FATAL(run("run mf --nodes 1 --clocks 2 --format csv " DATA, "summary"), 0);
    text = read_text(".", "stdout", NULL);
    size_t commas[2] = {0, 0};
    size_t line = 0;
    for (const char *at = text; *at != '\0'; at++) {
        line += *at == '\n' ? 1 : 0;
        if (*at == ',' && line < 2) {
            commas[line]++;
        }
    }
    CU_ASSERT_EQUAL(line, 2);
    CU_ASSERT_EQUAL(commas[0], commas[1]);
    CU_ASSERT_TRUE(commas[0] > 10);
    free(text);
}

static const suite_test tests[] = {
    SUITE_TEST(columns_are_those_of_the_contract),
    SUITE_TEST(rows_are_all_there),
    SUITE_TEST(manifest_has_every_key),
    SUITE_TEST(settings_file_is_between_default_and_command_line),
    SUITE_TEST(simulations_are_equal_byte_for_byte),
    SUITE_TEST(manifests_differ_in_times_alone),
    SUITE_TEST(bsp_is_equal_in_both_worlds),
    SUITE_TEST(model_reads_back_as_npy),
    SUITE_TEST(until_ends_a_run),
    SUITE_TEST(summaries_parse),
};

int main(int argc, char **argv) {
    const char *const folder = getenv("TORTOISE_SCRATCH");
    if (getenv("TORTOISE") == NULL) {
        suite_skip("TORTOISE does not name the program");
    }
    snprintf(scratch, sizeof scratch, "%s", folder == NULL ? "." : folder);
    char command[4096];
    snprintf(command, sizeof command, "\"%s\" version --features | grep -q '^  simulator *SimGrid'",
             getenv("TORTOISE"));
    if (system(command) != 0) {
        suite_skip("this build cannot simulate");
    }
    return suite_run("cli_files", tests, sizeof tests / sizeof tests[0], argc > 1 ? argv[1] : NULL);
}

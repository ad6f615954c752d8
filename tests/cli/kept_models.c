/* A model that is read back is what was written, to the last bit; whatever byte of it is changed,
 * missing or too many, it is refused with one line that names the file. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include "cli/model_files.h"
#include "cli/npy.h"
#include "cli/run_files.h"
#include "support/suite.h"

/* Numbers that a careless reader or printer changes. */
static const double reals[] = {0.1, -0.0, 5e-324, 1.0 / 3.0, 1e300, -2.385};
static const float singles[] = {0.1f, -0.0f, 1e-45f, 3.4e38f};
static const int32_t table[] = {INT32_MIN, -1, 0, 1, 2, INT32_MAX};
static const int64_t longs[] = {INT64_MIN, 0x0123456789abcdef, INT64_MAX};
static const char lines[] = "caf\xc3\xa9\nword, \"two\"\n\n";

static const ps_piece pieces[] = {
    {PS_MODEL_ARRAY, "reals", PS_F64, 6, 0, reals, sizeof reals, 0},
    {PS_MODEL_ARRAY, "singles", PS_F32, 2, 2, singles, sizeof singles, 0},
    {PS_MODEL_ARRAY, "longs", PS_I64, 1, 3, longs, sizeof longs, 0},
    {PS_MODEL_ARRAY, "nothing", PS_I32, 0, 7, "", 0, 0},
    {PS_MODEL_TEXT, "lines.txt", PS_F32, 0, 0, lines, sizeof lines - 1, 0},
    {PS_MODEL_TEXT, "empty.txt", PS_F32, 0, 0, "", 0, 0},
    {PS_MODEL_NUMBER, "third", PS_F32, 0, 0, NULL, 0, 1.0 / 3.0},
    {PS_MODEL_NUMBER, "tiny", PS_F32, 0, 0, NULL, 0, 5e-324},
    {PS_MODEL_NUMBER, "whole", PS_F32, 0, 0, NULL, 0, 100},
    {PS_RUN_TEXT, "beside.txt", PS_F32, 0, 0, "beside\n", 7, 0},
    {PS_RUN_NUMBER, "result", PS_F32, 0, 0, NULL, 0, 0.25},
};
enum { PIECES = sizeof pieces / sizeof pieces[0], OF_MODEL = 9 };

static ps_err leave(const void *problem, const ps_model *model, const ps_sink *sink) {
    (void)problem;
    CU_ASSERT_PTR_EQUAL(model->dense[0], table);
    for (size_t i = 0; i < PIECES; i++) {
        PS_TRY(sink->put(sink->context, &pieces[i]));
    }
    return PS_OK;
}

static ps_err leave_elsewhere(const void *problem, const ps_model *model, const ps_sink *sink) {
    (void)problem, (void)model;
    static const ps_piece outside = {PS_MODEL_TEXT, "../outside.txt", PS_F32, 0, 0, "x", 1, 0};
    return sink->put(sink->context, &outside);
}

/* Writes the files of a made-up run into a fresh folder. */
static ps_err model_make(const char *name, const ps_algo *algo, char directory[static TT_PATH_MAX],
                         tt_extras *extras, ps_fault *fault) {
    psi_plan plan = {
        .algo = algo,
        .table_count = 1,
        .specs = {{.name = "table", .type = PS_I32, .row_count = 3, .column_count = 2}}};
    const psi_results results = {.model_is_complete = true,
                                 .model_dense = {(void *)(uintptr_t)table}};
    CU_ASSERT_EQUAL_FATAL(psi_policy_parse("bsp", &plan.policy, NULL), PS_OK);
    suite_scratch_path(name, directory, TT_PATH_MAX);
    tt_directory_remove(directory);
    CU_ASSERT_EQUAL_FATAL(mkdir(directory, 0777), 0);
    return tt_run_files_write(directory, &plan, &results, extras, fault);
}

static const char *const metrics[] = {"objective"};
static const ps_algo algo = {
    .name = "made-up", .metrics = metrics, .metric_count = 1, .leave = leave};

static const ps_piece *find(const tt_model *model, const ps_piece *wanted) {
    const ps_question question = {.pieces = model->pieces, .piece_count = model->piece_count};
    return ps_piece_find(&question, wanted->kind, wanted->name);
}

static void what_was_written_reads_back(void) {
    char directory[TT_PATH_MAX], inner[TT_PATH_MAX];
    tt_extras extras;
    tt_model model;
    CU_ASSERT_EQUAL_FATAL(model_make("kept", &algo, directory, &extras, NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(extras.count, 1);
    CU_ASSERT_STRING_EQUAL(extras.items[0].name, "result");
    CU_ASSERT_EQUAL(extras.items[0].value, 0.25);
    CU_ASSERT_TRUE(tt_path_join(inner, directory, "beside.txt") && access(inner, R_OK) == 0);
    CU_ASSERT_TRUE_FATAL(tt_path_join(inner, directory, "model"));
    const char *const ways[] = {directory, inner};
    for (size_t way = 0; way < 2; way++) {
        CU_ASSERT_EQUAL_FATAL(tt_model_read(ways[way], &model, NULL), PS_OK);
        CU_ASSERT_STRING_EQUAL(model.algorithm, "made-up");
        CU_ASSERT_EQUAL(model.piece_count, OF_MODEL + 1);
        for (size_t i = 0; i < OF_MODEL; i++) {
            const ps_piece *const back = find(&model, &pieces[i]);
            CU_ASSERT_PTR_NOT_NULL_FATAL(back);
            CU_ASSERT_EQUAL(memcmp(&back->number, &pieces[i].number, sizeof(double)), 0);
            CU_ASSERT_EQUAL_FATAL(back->size_bytes, pieces[i].size_bytes);
            CU_ASSERT_EQUAL(back->row_count, pieces[i].row_count);
            CU_ASSERT_EQUAL(back->column_count, pieces[i].column_count);
            CU_ASSERT(pieces[i].size_bytes == 0 ||
                      memcmp(back->content, pieces[i].content, back->size_bytes) == 0);
        }
        const ps_piece named = {.kind = PS_MODEL_ARRAY, .name = "table"};
        const ps_piece *const back = find(&model, &named);
        CU_ASSERT_PTR_NOT_NULL_FATAL(back);
        CU_ASSERT_EQUAL(memcmp(back->content, table, sizeof table), 0);
        tt_model_fini(&model);
    }
}

/* ---- Damage ---- */

typedef struct content {
    char *bytes; /* owned */
    size_t size;
} content;

static content content_of(const char *path) {
    content read = {.bytes = malloc(1 << 16)};
    FILE *const file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(read.bytes);
    read.size = fread(read.bytes, 1, 1 << 16, file);
    fclose(file);
    return read;
}

static void content_write(const char *path, const char *bytes, size_t size) {
    FILE *const file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, size, file), size);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

/* Whether all numbers are what they were: a digit of model.json beyond those that a double has
 * tells nothing. */
static bool is_unchanged(const tt_model *model) {
    bool is_same = model->piece_count == OF_MODEL + 1;
    for (size_t i = 0; i < OF_MODEL && is_same; i++) {
        const ps_piece *const back = find(model, &pieces[i]);
        is_same = back != NULL && memcmp(&back->number, &pieces[i].number, sizeof(double)) == 0;
    }
    return is_same;
}

static void refused(const char *directory, const char *file, const char *damage) {
    tt_model model;
    ps_fault fault = {.err = PS_OK};
    const ps_err err = tt_model_read(directory, &model, &fault);
    if (err == PS_OK && strcmp(file, "model.json") == 0 && is_unchanged(&model)) {
        tt_model_fini(&model);
        return;
    }
    if (err == PS_OK || ps_err_exit_code(err) != 2 || strstr(fault.text, file) == NULL) {
        printf("%s, %s: %s\n", file, damage, err == PS_OK ? "accepted" : fault.text);
        CU_FAIL("not refused as it should be");
    }
    CU_ASSERT(err == PS_OK || (model.piece_count == 0 && model.pieces == NULL));
    if (err == PS_OK) {
        tt_model_fini(&model);
    }
}

/* Every single byte changed in two ways, the file cut, too long, and away. */
static void file_damage(const char *directory, const char *path, const char *name) {
    const content right = content_of(path);
    for (size_t i = 0; i < right.size; i++) {
        static const char flips[] = {1, (char)0x80};
        for (size_t f = 0; f < sizeof flips; f++) {
            right.bytes[i] = (char)(right.bytes[i] ^ flips[f]);
            content_write(path, right.bytes, right.size);
            refused(directory, name, "a byte changed");
            right.bytes[i] = (char)(right.bytes[i] ^ flips[f]);
        }
    }
    for (size_t size = 0; size < right.size; size += 1 + right.size / 40) {
        content_write(path, right.bytes, size);
        refused(directory, name, "cut");
    }
    content_write(path, right.bytes, right.size);
    if (strcmp(name, "model.json") != 0) { /* of which a blank at the end is no damage */
        right.bytes[right.size] = '\n';
        content_write(path, right.bytes, right.size + 1);
        refused(directory, name, "too long");
        content_write(path, right.bytes, right.size);
    }
    CU_ASSERT_EQUAL(unlink(path), 0);
    refused(directory, name, "away");
    content_write(path, right.bytes, right.size);
    free(right.bytes);
}

static void any_damage_is_refused(void) {
    char directory[TT_PATH_MAX], inner[TT_PATH_MAX];
    tt_extras extras;
    size_t count = 0;
    CU_ASSERT_EQUAL_FATAL(model_make("damaged", &algo, directory, &extras, NULL), PS_OK);
    CU_ASSERT_TRUE_FATAL(tt_path_join(inner, directory, "model"));
    char names[16][64];
    DIR *const folder = opendir(inner);
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            CU_ASSERT_FATAL(count < 16);
            (void)snprintf(names[count++], sizeof names[0], "%.63s", entry->d_name);
        }
    }
    closedir(folder);
    CU_ASSERT_EQUAL(count, 8); /* five arrays, two texts, model.json */
    for (size_t i = 0; i < count; i++) {
        char path[TT_PATH_MAX];
        CU_ASSERT_TRUE_FATAL(tt_path_join(path, inner, names[i]));
        file_damage(inner, path, names[i]);
    }
    tt_model model;
    CU_ASSERT_EQUAL_FATAL(tt_model_read(inner, &model, NULL), PS_OK);
    tt_model_fini(&model);
}

/* A header that promises more or less than there is, where no digest stands guard. */
static void headers_must_tell_the_truth(void) {
    static const struct {
        const char *from, *to;
    } lies[] = {{"(2, 2)", "(2, 3)"},
                {"(2, 2)", "(1, 2)"},
                {"(2, 2)", "(2, 0)"},
                {"<f4", "<f8"},
                {"<f4", "<u4"},
                {"<f4", ">f4"},
                {"False", "True "},
                {"(2, 2)", "(2,2,)"},
                {"descr", "descs"},
                {"(2, 2)", "(-2,2"},
                {"NUMPY\x01", "NUMPY\x02"},
                {"'shape'", "'shapf'"}};
    char directory[TT_PATH_MAX], path[TT_PATH_MAX];
    tt_extras extras;
    CU_ASSERT_EQUAL_FATAL(model_make("lies", &algo, directory, &extras, NULL), PS_OK);
    CU_ASSERT_TRUE_FATAL(tt_path_join(path, directory, "model/singles.npy"));
    content right = content_of(path);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        content lie = content_of(path);
        size_t at = 0;
        const size_t length = strlen(lies[i].from);
        while (at + length < lie.size && memcmp(lie.bytes + at, lies[i].from, length) != 0) {
            at++;
        }
        CU_ASSERT_FATAL(at + length < lie.size);
        memcpy(lie.bytes + at, lies[i].to, strlen(lies[i].to));
        content_write(path, lie.bytes, lie.size);
        ps_piece piece = {.kind = PS_MODEL_ARRAY};
        ps_fault fault = {.err = PS_OK};
        CU_ASSERT_EQUAL(tt_npy_read(path, &piece, &fault), PS_EFORMAT);
        CU_ASSERT_PTR_NULL(piece.content);
        CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "singles.npy"));
        content_write(path, right.bytes, right.size);
        free(lie.bytes);
    }
    free(right.bytes);
}

/* Neither a run nor a model.json may write or read outside of the model's folder. */
static void no_name_leaves_the_folder(void) {
    const ps_algo wanderer = {
        .name = "wanderer", .metrics = metrics, .metric_count = 1, .leave = leave_elsewhere};
    char directory[TT_PATH_MAX];
    tt_extras extras;
    ps_fault fault = {.err = PS_OK};
    CU_ASSERT_EQUAL(model_make("wanderer", &wanderer, directory, &extras, &fault), PS_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "outside.txt"));
}

static const suite_test tests[] = {
    SUITE_TEST(what_was_written_reads_back),
    SUITE_TEST(any_damage_is_refused),
    SUITE_TEST(headers_must_tell_the_truth),
    SUITE_TEST(no_name_leaves_the_folder),
};
SUITE_MAIN("kept models", tests)

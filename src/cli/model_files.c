#include "model_files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <unistd.h>

#include "digest.h"
#include "npy.h"

enum { FORMAT = 1 };
static const char describing[] = "model.json";
static const char array_ending[] = ".npy";

/* The text whose digest stands beside it. NULL without memory; owned by the caller. */
static char *canonical_text(const json_t *object) {
    return json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
}

static bool digest_of(const json_t *object, char text_out[static TT_DIGEST_TEXT_BYTES]) {
    char *const text = canonical_text(object);
    tt_digest *const digest = text == NULL ? NULL : tt_digest_begin();
    if (digest != NULL) {
        tt_digest_add(digest, text, strlen(text));
    }
    free(text);
    return tt_digest_end(digest, text_out);
}

/* A name that stays in its folder. */
static bool name_is_plain(const char *name) {
    const size_t length = strlen(name);
    if (length == 0 || length >= TT_PIECE_NAME_BYTES || name[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* ---- Writing ---- */

typedef struct writer {
    const char *directory;
    char model[TT_PATH_MAX];
    json_t *numbers; /* owned */
    tt_extras *extras;
    ps_fault *fault;
} writer;

static ps_err write_file(const writer *to, const char *directory, const char *name,
                         const ps_piece *piece) {
    char path[TT_PATH_MAX];
    if (!tt_path_join(path, directory, name)) {
        return ps_fault_set(to->fault, PS_EINVAL, "%s/%s: the path is too long", directory, name);
    }
    FILE *const file = fopen(path, "wb");
    if (file == NULL) {
        return ps_fault_set(to->fault, PS_EIO, "%s: %s", path, strerror(errno));
    }
    ps_err err = PS_OK;
    if (piece->kind == PS_MODEL_ARRAY) {
        err = tt_npy_write_header(file, tt_npy_type(piece->type), piece->row_count,
                                  piece->column_count);
    }
    (void)fwrite(piece->content, 1, piece->size_bytes, file);
    const bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed || err != PS_OK) {
        return ps_fault_set(to->fault, PS_EIO, "%s: cannot be written: %s", path, strerror(errno));
    }
    return PS_OK;
}

static ps_err put_extra(const writer *to, const ps_piece *piece) {
    tt_extras *const extras = to->extras;
    if (extras->count == TT_EXTRAS_MAX) {
        return ps_fault_set(to->fault, PS_EINVAL, "the algorithm leaves more than %d results",
                            TT_EXTRAS_MAX);
    }
    (void)snprintf(extras->items[extras->count].name, TT_PIECE_NAME_BYTES, "%s", piece->name);
    extras->items[extras->count++].value = piece->number;
    return PS_OK;
}

static ps_err put_piece(void *context, const ps_piece *piece) {
    const writer *const to = context;
    char name[TT_PIECE_NAME_BYTES + sizeof array_ending];
    if (!name_is_plain(piece->name)) {
        return ps_fault_set(to->fault, PS_EINVAL, "'%s' is no name for a piece of a model",
                            piece->name);
    }
    switch (piece->kind) {
    case PS_MODEL_ARRAY:
        (void)snprintf(name, sizeof name, "%s%s", piece->name, array_ending);
        return write_file(to, to->model, name, piece);
    case PS_MODEL_TEXT:
        return write_file(to, to->model, piece->name, piece);
    case PS_MODEL_NUMBER:
        return json_object_set_new(to->numbers, piece->name, json_real(piece->number)) == 0
                   ? PS_OK
                   : PS_ENOMEM;
    case PS_RUN_TEXT:
        return write_file(to, to->directory, piece->name, piece);
    case PS_RUN_NUMBER:
        return put_extra(to, piece);
    }
    return PS_EINVAL;
}

/* The digests of all files of the folder. NULL, with the reason, on failure. */
static json_t *files_object(const char *model, ps_fault *fault) {
    DIR *const folder = opendir(model);
    json_t *const files = json_object();
    ps_err err = folder == NULL || files == NULL ? PS_EIO : PS_OK;
    for (const struct dirent *entry = folder == NULL ? NULL : readdir(folder);
         entry != NULL && err == PS_OK; entry = readdir(folder)) {
        char path[TT_PATH_MAX];
        char digest[TT_DIGEST_TEXT_BYTES];
        if (entry->d_name[0] == '.') {
            continue;
        }
        err = tt_path_join(path, model, entry->d_name) ? tt_digest_file(path, digest, fault)
                                                       : PS_EINVAL;
        if (err == PS_OK && json_object_set_new(files, entry->d_name, json_string(digest)) != 0) {
            err = PS_ENOMEM;
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    if (err != PS_OK) {
        json_decref(files);
        (void)ps_fault_set(fault, err, "%s: cannot be described: %s", model, ps_err_text(err));
        return NULL;
    }
    return files;
}

static ps_err write_description(const writer *to, const ps_algo *algo) {
    char digest[TT_DIGEST_TEXT_BYTES];
    json_t *const files = files_object(to->model, to->fault);
    if (files == NULL) {
        return PS_EIO;
    }
    json_t *const object = json_pack("{s:i,s:s,s:O,s:o}", "format", FORMAT, "algorithm", algo->name,
                                     "numbers", to->numbers, "files", files);
    char *text = NULL;
    if (object != NULL && digest_of(object, digest) &&
        json_object_set_new(object, "sha256", json_string(digest)) == 0) {
        text = json_dumps(object, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    }
    json_decref(object);
    if (text == NULL) {
        return PS_ENOMEM;
    }
    const ps_piece piece = {.kind = PS_MODEL_TEXT, .content = text, .size_bytes = strlen(text)};
    const ps_err err = write_file(to, to->model, describing, &piece);
    free(text);
    return err;
}

ps_err tt_model_files_write(const char *directory, const psi_plan *plan, const psi_results *results,
                            tt_extras *extras_out, ps_fault *fault) {
    *extras_out = (tt_extras){.count = 0};
    writer to = {
        .directory = directory, .numbers = json_object(), .extras = extras_out, .fault = fault};
    const void *dense[PS_TABLES_MAX];
    const ps_sparse_row *sparse[PS_TABLES_MAX];
    for (size_t t = 0; t < plan->table_count; t++) {
        dense[t] = results->model_dense[t];
        sparse[t] = results->model_sparse[t];
    }
    const ps_model model = {.clock = results->model_clock,
                            .table_count = plan->table_count,
                            .specs = plan->specs,
                            .dense = dense,
                            .sparse = sparse};
    const ps_sink sink = {.put = put_piece, .context = &to};
    ps_err err = to.numbers == NULL ? PS_ENOMEM : PS_OK;
    if (err == PS_OK && !tt_path_join(to.model, directory, "model")) {
        err = ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", directory);
    }
    if (err == PS_OK && plan->algo->leave != NULL) {
        err = plan->algo->leave(plan->problem, &model, &sink);
    }
    if (err == PS_OK) {
        err = write_description(&to, plan->algo);
    }
    json_decref(to.numbers);
    return err == PS_OK ? PS_OK
                        : ps_fault_set(fault, err, "%s: the model cannot be kept: %s", directory,
                                       ps_err_text(err));
}

/* ---- Reading ---- */

void tt_model_fini(tt_model *model) {
    for (size_t i = 0; i < model->piece_count; i++) {
        free((void *)(uintptr_t)model->pieces[i].name);
        free((void *)(uintptr_t)model->pieces[i].content);
    }
    free(model->pieces);
    *model = (tt_model){.piece_count = 0};
}

/* Reads a text file of a model whole. */
static ps_err read_text(const char *path, ps_piece *piece, ps_fault *fault) {
    FILE *const file = fopen(path, "rb");
    if (file == NULL) {
        return ps_fault_set(fault, PS_EINVAL, "%s: %s", path, strerror(errno));
    }
    long size = -1;
    if (fseek(file, 0, SEEK_END) == 0) {
        size = ftell(file);
    }
    char *const text = size < 0 ? NULL : malloc((size_t)size + 1);
    const bool is_read = text != NULL && fseek(file, 0, SEEK_SET) == 0 &&
                         fread(text, 1, (size_t)size, file) == (size_t)size;
    (void)fclose(file);
    if (!is_read || memchr(text, '\0', (size_t)size) != NULL) {
        free(text);
        return ps_fault_set(fault, is_read ? PS_EFORMAT : PS_EIO, "%s: %s", path,
                            is_read ? "is not a text" : "cannot be read to its end");
    }
    text[size] = '\0';
    piece->content = text;
    piece->size_bytes = (size_t)size;
    return PS_OK;
}

/* One file that model.json names: first its digest, then what is in it. */
static ps_err read_file(tt_model *model, const char *name, const char *wanted, ps_fault *fault) {
    char path[TT_PATH_MAX];
    char digest[TT_DIGEST_TEXT_BYTES];
    if (!name_is_plain(name) || wanted == NULL || !tt_path_join(path, model->directory, name)) {
        return ps_fault_set(fault, PS_EFORMAT, "%s/%s: names a file '%s' that cannot be of a model",
                            model->directory, describing, name);
    }
    PS_TRY(tt_digest_file(path, digest, fault));
    if (strcmp(digest, wanted) != 0) {
        return ps_fault_set(fault, PS_EFORMAT,
                            "%s: is damaged or of another model: its SHA-256 is not that of %s; "
                            "copy the folder again",
                            path, describing);
    }
    ps_piece *const piece = &model->pieces[model->piece_count];
    const size_t length = strlen(name), ending = strlen(array_ending);
    const bool is_array = length > ending && strcmp(name + length - ending, array_ending) == 0;
    char *const own_name = strdup(name);
    if (own_name == NULL) {
        return PS_ENOMEM;
    }
    *piece = (ps_piece){.kind = is_array ? PS_MODEL_ARRAY : PS_MODEL_TEXT, .name = own_name};
    model->piece_count++;
    if (is_array) {
        own_name[length - ending] = '\0';
        return tt_npy_read(path, piece, fault);
    }
    return read_text(path, piece, fault);
}

static ps_err read_number(tt_model *model, const char *name, const json_t *value) {
    char *const own_name = strdup(name);
    if (own_name == NULL) {
        return PS_ENOMEM;
    }
    model->pieces[model->piece_count++] =
        (ps_piece){.kind = PS_MODEL_NUMBER, .name = own_name, .number = json_number_value(value)};
    return PS_OK;
}

static ps_err read_pieces(tt_model *model, json_t *files, json_t *numbers, ps_fault *fault) {
    const char *name = NULL;
    json_t *value = NULL;
    ps_err err = PS_OK;
    model->pieces =
        calloc(json_object_size(files) + json_object_size(numbers) + 1, sizeof *model->pieces);
    if (model->pieces == NULL) {
        return PS_ENOMEM;
    }
    json_object_foreach(numbers, name, value) {
        err = err == PS_OK ? read_number(model, name, value) : err;
    }
    json_object_foreach(files, name, value) {
        err = err == PS_OK ? read_file(model, name, json_string_value(value), fault) : err;
    }
    return err;
}

/* What model.json says, once its own digest is right. */
static ps_err read_description(tt_model *model, json_t *object, const char *path, ps_fault *fault) {
    char digest[TT_DIGEST_TEXT_BYTES];
    char wanted[TT_DIGEST_TEXT_BYTES];
    const char *const given = json_string_value(json_object_get(object, "sha256"));
    const char *const algorithm = json_string_value(json_object_get(object, "algorithm"));
    json_t *const files = json_object_get(object, "files");
    json_t *const numbers = json_object_get(object, "numbers");
    if (given == NULL || algorithm == NULL || !json_is_object(files) || !json_is_object(numbers)) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: does not describe a model", path);
    }
    (void)snprintf(wanted, sizeof wanted, "%s", given);
    (void)json_object_del(object, "sha256");
    if (!digest_of(object, digest)) {
        return PS_ENOMEM;
    }
    if (strcmp(digest, wanted) != 0) {
        return ps_fault_set(fault, PS_EFORMAT,
                            "%s: is damaged: its SHA-256 is not the one it gives; copy the folder "
                            "again",
                            path);
    }
    if (json_integer_value(json_object_get(object, "format")) != FORMAT) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: is of a format that this version cannot read",
                            path);
    }
    (void)snprintf(model->algorithm, sizeof model->algorithm, "%s", algorithm);
    return read_pieces(model, files, numbers, fault);
}

/* The folder that holds model.json. */
static ps_err find_directory(tt_model *model, const char *directory, char path[static TT_PATH_MAX],
                             ps_fault *fault) {
    char inner[TT_PATH_MAX];
    if (!tt_path_join(inner, directory, "model") || !tt_path_join(path, inner, describing)) {
        return ps_fault_set(fault, PS_EINVAL, "%s: the path is too long", directory);
    }
    const bool is_inner = access(path, F_OK) == 0;
    (void)snprintf(model->directory, sizeof model->directory, "%s", is_inner ? inner : directory);
    if (!is_inner && (!tt_path_join(path, directory, describing) || access(path, F_OK) != 0)) {
        return ps_fault_set(fault, PS_EINVAL,
                            "%s: holds no model: neither model/%s nor %s is there", directory,
                            describing, describing);
    }
    return PS_OK;
}

ps_err tt_model_read(const char *directory, tt_model *model_out, ps_fault *fault) {
    char path[TT_PATH_MAX];
    json_error_t error;
    tt_model model = {.piece_count = 0};
    *model_out = model;
    PS_TRY(find_directory(&model, directory, path, fault));
    json_t *const object = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    ps_err err = PS_OK;
    if (!json_is_object(object)) {
        err = ps_fault_set(fault, PS_EFORMAT, "%s:%d:%d: %s", path, error.line, error.column,
                           error.text);
    } else {
        err = read_description(&model, object, path, fault);
    }
    json_decref(object);
    if (err != PS_OK) {
        tt_model_fini(&model);
        return ps_fault_set(fault, err, "%s: %s", path, ps_err_text(err));
    }
    *model_out = model;
    return PS_OK;
}

/* Runs kept inputs through a target without libFuzzer, so that each of them is a test of every
 * compiler and sanitizer: replay TARGET FILE-OR-FOLDER... */
#define _DEFAULT_SOURCE /* DT_REG */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum { FILE_MAX_BYTES = 1 << 20, PATH_BYTES = 4096 };

/* Each target's entry has a name of its own here (CMakeLists.txt). */
#define TARGET(name) int fuzz_target_##name(const uint8_t *data, size_t size);
#include "fuzz_targets.h"
#undef TARGET

typedef struct target_row {
    const char *name;
    int (*run)(const uint8_t *data, size_t size);
} target_row;

static const target_row targets[] = {
#define TARGET(name) {#name, fuzz_target_##name},
#include "fuzz_targets.h"
#undef TARGET
};

static size_t run_count;

static bool run_file(const target_row *target, const char *path) {
    FILE *const file = fopen(path, "rb");
    uint8_t *const bytes = malloc(FILE_MAX_BYTES);
    bool is_good = file != NULL && bytes != NULL;
    if (is_good) {
        const size_t size = fread(bytes, 1, FILE_MAX_BYTES, file);
        uint8_t *const exact = malloc(size + 1); /* so that a read behind it is seen */
        is_good = exact != NULL && ferror(file) == 0;
        if (is_good) {
            memcpy(exact, bytes, size);
            (void)target->run(exact, size);
            run_count++;
        }
        free(exact);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    free(bytes);
    if (!is_good) {
        printf("%s: cannot be read\n", path);
    }
    return is_good;
}

static bool run_folder(const target_row *target, const char *folder) {
    DIR *const open_folder = opendir(folder);
    if (open_folder == NULL) {
        return run_file(target, folder);
    }
    bool is_good = true;
    for (const struct dirent *entry; (entry = readdir(open_folder)) != NULL;) {
        char path[PATH_BYTES];
        if (entry->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            is_good &= run_file(target, path);
        }
    }
    (void)closedir(open_folder);
    return is_good;
}

int main(int argc, char **argv) {
    const target_row *target = NULL;
    for (size_t i = 0; argc > 2 && i < sizeof targets / sizeof targets[0]; i++) {
        target = strcmp(targets[i].name, argv[1]) == 0 ? &targets[i] : target;
    }
    if (target == NULL) {
        printf("replay TARGET FILE-OR-FOLDER...: there is no such target\n");
        return EXIT_FAILURE;
    }
    bool is_good = true;
    for (int i = 2; i < argc; i++) {
        is_good &= run_folder(target, argv[i]);
    }
    printf("%s: %zu inputs\n", target->name, run_count);
    return is_good && run_count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

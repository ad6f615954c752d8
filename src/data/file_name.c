#include "data/file_name.h"

#include <string.h>

static bool ends(const char *text, size_t length, const char *tail) {
    const size_t size = strlen(tail);
    return length > size && memcmp(text + length - size, tail, size) == 0;
}

bool psi_file_name_is_gz(const char *path) {
    return ends(path, strlen(path), ".gz");
}

bool psi_file_name_ends(const char *path, const char *tail) {
    const size_t length = strlen(path);
    return ends(path, psi_file_name_is_gz(path) ? length - 3 : length, tail);
}

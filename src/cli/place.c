#include "place.h"

#include <stdio.h>
#include <string.h>

#include <dlfcn.h>
#include <unistd.h>

/* The folder of the file that this code is in: the library if it is in one, else the program. */
static bool own_folder(char folder[static TT_PATH_MAX], bool *is_library_out) {
    static const char here;
    Dl_info info = {0};
    *is_library_out = dladdr(&here, &info) != 0 && info.dli_fname != NULL &&
                      strstr(info.dli_fname, ".so") != NULL;
    if (*is_library_out) {
        (void)snprintf(folder, TT_PATH_MAX, "%s", info.dli_fname);
    } else {
        const ssize_t length = readlink("/proc/self/exe", folder, TT_PATH_MAX - 1);
        folder[length > 0 ? length : 0] = '\0';
    }
    char *const slash = strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    return slash != NULL;
}

bool tt_place_find(const char *name, char path[static TT_PATH_MAX]) {
    char folder[TT_PATH_MAX];
    char shared[TT_PATH_MAX];
    bool is_library = false;
    if (!own_folder(folder, &is_library)) {
        return false;
    }
    /* Where it is installed; and in the build, where a link stands for the source. */
    const char *const places[] = {is_library ? TT_SHARE_FROM_LIBRARY : TT_SHARE_FROM_PROGRAM,
                                  "share/tortoise"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (tt_path_join(shared, folder, places[i]) && tt_path_join(path, shared, name) &&
            access(path, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

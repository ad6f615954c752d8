#include "features.h"

#include <libconfig.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *tt_feature_compiler(void) {
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "an unknown compiler";
#endif
}

const char *tt_feature_libconfig(void) {
    return TEXT(LIBCONFIG_VER_MAJOR) "." TEXT(LIBCONFIG_VER_MINOR) "." TEXT(LIBCONFIG_VER_REVISION);
}

const char *tt_feature_build(void) {
    return TT_BUILD_TYPE TT_BUILD_EXTRAS;
}

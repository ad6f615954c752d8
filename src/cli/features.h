/* What this build has and what it was made with: for `version`, `doctor` and manifests. */
#ifndef TT_FEATURES_H
#define TT_FEATURES_H

/* "gcc 12.2.0" and "1.5"; static. */
const char *tt_feature_compiler(void);
const char *tt_feature_libconfig(void);

/* How it was built: "Release", "Sanitize, address,undefined" or "Release, LTO"; static. */
const char *tt_feature_build(void);

#endif

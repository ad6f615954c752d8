#include "calibration.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libconfig.h>
#include <unistd.h>

ps_err tt_calibration_read_cost(const char *path, const char *algo,
                                char cost_out[static TT_NUMBER_TEXT_BYTES], ps_fault *fault) {
    if (access(path, R_OK) != 0) {
        return ps_fault_set(fault, PS_EINVAL, "--calibration: %s: %s", path, strerror(errno));
    }
    config_t file;
    config_init(&file);
    ps_err err = PS_OK;
    if (config_read_file(&file, path) != CONFIG_TRUE) {
        err = ps_fault_set(fault, PS_EFORMAT, "%s:%d: %s", path, config_error_line(&file),
                           config_error_text(&file));
        goto done;
    }
    char key[128];
    (void)snprintf(key, sizeof key, "unit_cost.%s", algo);
    const char *cost = NULL;
    if (config_lookup_string(&file, key, &cost) != CONFIG_TRUE) {
        err = ps_fault_set(fault, PS_EINVAL,
                           "%s: has no cost for %s (unit_cost.%s); run 'tortoise calibrate'", path,
                           algo, algo);
        goto done;
    }
    (void)snprintf(cost_out, TT_NUMBER_TEXT_BYTES, "%s", cost);
done:
    config_destroy(&file);
    return err;
}

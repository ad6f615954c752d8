#include "config_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include "numbers.h"
#include "settings.h"

ps_err tt_config_open(config_t *file, const char *path, ps_fault *fault) {
    config_init(file);
    config_set_auto_convert(file, CONFIG_TRUE);
    struct stat status;
    if (stat(path, &status) != 0 || access(path, R_OK) != 0) {
        return ps_fault_set(fault, PS_EINVAL, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return ps_fault_set(fault, PS_EINVAL, "%s: is not a file", path);
    }
    if (config_read_file(file, path) != CONFIG_TRUE) {
        return ps_fault_set(fault, PS_EFORMAT, "%s:%d: %s", path, config_error_line(file),
                            config_error_text(file));
    }
    return PS_OK;
}

void tt_config_where(const config_setting_t *value, const char *path,
                     char where[static TT_CONFIG_TEXT_BYTES]) {
    (void)snprintf(where, TT_CONFIG_TEXT_BYTES, "%s:%u: ", path, config_setting_source_line(value));
}

ps_err tt_config_text(const config_setting_t *value, const char *path,
                      char text[static TT_CONFIG_TEXT_BYTES], ps_fault *fault) {
    char number[TT_NUMBER_TEXT_BYTES];
    switch (config_setting_type(value)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        (void)snprintf(text, TT_CONFIG_TEXT_BYTES, "%lld", config_setting_get_int64(value));
        return PS_OK;
    case CONFIG_TYPE_FLOAT:
        (void)snprintf(text, TT_CONFIG_TEXT_BYTES, "%s",
                       tt_number_exact(config_setting_get_float(value), number));
        return PS_OK;
    case CONFIG_TYPE_BOOL:
        (void)snprintf(text, TT_CONFIG_TEXT_BYTES, "%s",
                       config_setting_get_bool(value) != 0 ? "yes" : "no");
        return PS_OK;
    case CONFIG_TYPE_STRING:
        if (strlen(config_setting_get_string(value)) >= TT_CONFIG_TEXT_BYTES) {
            return ps_fault_set(fault, PS_EINVAL, "%s:%u: the text is too long", path,
                                config_setting_source_line(value));
        }
        (void)strcpy(text, config_setting_get_string(value));
        return PS_OK;
    default:
        return ps_fault_set(fault, PS_EINVAL,
                            "%s:%u: %s: one value is expected here, not a group or a list", path,
                            config_setting_source_line(value),
                            config_setting_name(value) == NULL ? "" : config_setting_name(value));
    }
}

/* Sets one key; a list gives a repeatable setting several values. */
static ps_err set_from(tt_settings *settings, const config_setting_t *value, const char *path,
                       ps_fault *fault) {
    char where[TT_CONFIG_TEXT_BYTES];
    char text[TT_CONFIG_TEXT_BYTES];
    const char *const name = config_setting_name(value);
    tt_config_where(value, path, where);
    if (!tt_setting_exists(settings, name)) {
        return tt_settings_refuse(settings, where, name, fault);
    }
    if (!tt_setting_of(settings, name)->option.is_repeatable ||
        config_setting_is_aggregate(value) == CONFIG_FALSE) {
        PS_TRY(tt_config_text(value, path, text, fault));
        return tt_settings_set(settings, where, name, text, TT_BY_FILE, fault);
    }
    for (int i = 0; i < config_setting_length(value); i++) {
        PS_TRY(tt_config_text(config_setting_get_elem(value, (unsigned)i), path, text, fault));
        PS_TRY(tt_settings_set(settings, where, name, text, TT_BY_FILE, fault));
    }
    return PS_OK;
}

ps_err tt_settings_read_file(tt_settings *settings, const char *path, ps_fault *fault) {
    config_t file;
    ps_err err = tt_config_open(&file, path, fault);
    if (err == PS_OK) {
        const config_setting_t *const root = config_root_setting(&file);
        for (int i = 0; i < config_setting_length(root) && err == PS_OK; i++) {
            err = set_from(settings, config_setting_get_elem(root, (unsigned)i), path, fault);
        }
    }
    config_destroy(&file);
    return err;
}

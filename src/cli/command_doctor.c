/* `tortoise doctor`: is all here that a run, a simulation and a report need? */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "command.h"
#include "finding.h"
#include "settings.h"

static const tt_option doctor_options[] = {
    {.name = "format",
     .argument = "text|json",
     .default_value = "text",
     .help = "how the findings are printed"},
};
const tt_option_list tt_doctor_option_list = {doctor_options,
                                              sizeof doctor_options / sizeof doctor_options[0]};

static const char *const verdict_names[] = {"ok", "warn", "BAD"};

tt_finding *tt_finding_add(tt_findings *all, const char *what, const char *format, ...) {
    const bool is_full = all->count == TT_FINDINGS_MAX;
    tt_finding *const finding = &all->items[is_full ? TT_FINDINGS_MAX - 1 : all->count];
    all->count += is_full ? 0 : 1;
    *finding = (tt_finding){.verdict = TT_GOOD};
    (void)snprintf(finding->what, sizeof finding->what, "%s", what);
    va_list values;
    va_start(values, format);
    (void)vsnprintf(finding->text, sizeof finding->text, format, values);
    va_end(values);
    return finding;
}

void tt_finding_judge(tt_finding *finding, tt_verdict verdict, const char *format, ...) {
    if (verdict <= finding->verdict) {
        return;
    }
    finding->verdict = verdict;
    va_list values;
    va_start(values, format);
    (void)vsnprintf(finding->advice, sizeof finding->advice, format, values);
    va_end(values);
}

static void print_text(const tt_findings *all) {
    for (size_t i = 0; i < all->count; i++) {
        const tt_finding *const one = &all->items[i];
        (void)printf("%-5s %-15s %s%s%s\n", verdict_names[one->verdict], one->what, one->text,
                     one->advice[0] == '\0' ? "" : ": ", one->advice);
    }
}

static ps_err print_json(const tt_findings *all) {
    json_t *const list = json_array();
    for (size_t i = 0; i < all->count; i++) {
        const tt_finding *const one = &all->items[i];
        (void)json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s}", "verdict",
                                                    verdict_names[one->verdict], "what", one->what,
                                                    "text", one->text, "advice", one->advice));
    }
    json_t *const object = json_pack("{s:i,s:o}", "format", 1, "findings", list);
    char *const text = object == NULL ? NULL : json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    if (text == NULL) {
        return PS_ENOMEM;
    }
    (void)puts(text);
    free(text);
    return PS_OK;
}

static ps_err examine(const tt_settings *settings, ps_fault *fault) {
    static const ps_option format = {
        .name = "format", .kind = PS_OPTION_WORD, .words = "text|json"};
    const char *const wanted = tt_setting_text(settings, "format");
    PS_TRY(tt_option_check("--", &format, wanted, fault));
    tt_findings *const all = calloc(1, sizeof *all);
    if (all == NULL) {
        return PS_ENOMEM;
    }
    tt_doctor_software(all);
    tt_doctor_machine(all);
    tt_doctor_network(all);
    ps_err err = PS_OK;
    if (strcmp(wanted, "json") == 0) {
        err = print_json(all);
    } else {
        print_text(all);
    }
    unsigned bad_count = 0;
    for (size_t i = 0; i < all->count; i++) {
        bad_count += all->items[i].verdict == TT_BAD;
    }
    free(all);
    if (err == PS_OK && bad_count > 0) {
        err = ps_fault_set(fault, PS_EFAILED, "%u thing%s would make runs fail", bad_count,
                           bad_count == 1 ? "" : "s");
    }
    return err;
}

ps_err tt_command_doctor(const tt_call *call, ps_fault *fault) {
    tt_settings settings;
    tt_words words;
    PS_TRY(tt_settings_init_of(&settings, "doctor", doctor_options,
                               sizeof doctor_options / sizeof doctor_options[0]));
    ps_err err = tt_settings_read_arguments(&settings, call->own_count, call->own, &words, fault);
    if (err == PS_OK && words.help_is_wanted) {
        (void)printf("example: %s doctor --format json\n"
                     "Each line is ok, warn or BAD, with what to do. Exit code 1: something would "
                     "make runs fail.\n",
                     tt_program_name());
        tt_settings_print_help(&settings, false);
    } else if (err == PS_OK && words.count > 0) {
        err = ps_fault_set(fault, PS_EINVAL, "unexpected argument '%s'", words.words[0]);
    } else if (err == PS_OK) {
        err = examine(&settings, fault);
    }
    tt_settings_fini(&settings);
    return err;
}

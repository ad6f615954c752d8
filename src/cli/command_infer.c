/* `tortoise infer ALGO --model DIR --data FILE`: what a trained model says of new data. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "command.h"
#include "infer_output.h"
#include "model_files.h"
#include "numbers.h"
#include "outdir.h"
#include "settings.h"
#include "subject.h"

static const tt_option infer_options[] = {
    {.name = "model", .argument = "DIR", .help = "a run's directory, or its model/"},
    {.name = "data",
     .argument = "FILE",
     .help = "new data: a file (also .gz) or synthetic[:k=v,...]"},
    {.name = "out", .argument = "FILE", .help = "where the answer goes (default: standard output)"},
    {.name = "force", .help = "replace a file that exists"},
    {.name = "iterations",
     .argument = "N",
     .default_value = "0",
     .help = "rounds per example at most; 0: the algorithm's own"},
    {.name = "seed",
     .argument = "S",
     .default_value = "1",
     .help = "seed of everything random, as of synthetic data"},
    {.name = "format",
     .argument = "text|csv|json",
     .default_value = "text",
     .help = "text: what matters most of each example; csv, json: all numbers"},
};
const tt_option_list tt_infer_option_list = {infer_options,
                                             sizeof infer_options / sizeof infer_options[0]};

/* A call, read. */
typedef struct request {
    const ps_algo *algo;
    const char *model, *data, *out;
    bool may_replace;
    tt_infer_format format;
    uint64_t seed, iteration_max;
} request;

static ps_err needs(const tt_settings *settings, const char *name, const char **text_out,
                    ps_fault *fault) {
    *text_out = tt_setting_text(settings, name);
    return *text_out != NULL ? PS_OK
                             : ps_fault_set(fault, PS_EINVAL, "infer needs --%s %s", name,
                                            tt_setting_of(settings, name)->option.argument);
}

static ps_err request_read(const tt_settings *settings, request *asked, ps_fault *fault) {
    static const ps_option format = {
        .name = "format", .kind = PS_OPTION_WORD, .words = "text|csv|json"};
    const char *const chosen = tt_setting_text(settings, "format");
    PS_TRY(tt_option_check("--", &format, chosen, fault));
    asked->format = tt_infer_format_of(chosen);
    PS_TRY(needs(settings, "model", &asked->model, fault));
    PS_TRY(needs(settings, "data", &asked->data, fault));
    PS_TRY(tt_number_read_count("--seed", tt_setting_text(settings, "seed"), 0, UINT64_MAX,
                                &asked->seed, fault));
    PS_TRY(tt_number_read_count("--iterations", tt_setting_text(settings, "iterations"), 0, 1000000,
                                &asked->iteration_max, fault));
    asked->out = tt_setting_text(settings, "out");
    asked->may_replace = tt_setting_flag(settings, "force");
    if (asked->out != NULL && !asked->may_replace && access(asked->out, F_OK) == 0) {
        return ps_fault_set(fault, PS_EINVAL, "--out: %s exists; --force replaces it", asked->out);
    }
    return PS_OK;
}

/* Writes the answer to its file, whole or not at all, or to standard output. */
static ps_err answer_write(const request *asked, const ps_answer *answer, ps_fault *fault) {
    char *text = NULL;
    size_t size_bytes = 0;
    if (asked->out == NULL) {
        tt_infer_print(stdout, answer, asked->format);
        return PS_OK;
    }
    FILE *const file = open_memstream(&text, &size_bytes);
    if (file == NULL) {
        return PS_ENOMEM;
    }
    tt_infer_print(file, answer, asked->format);
    ps_err err = fclose(file) == 0 ? PS_OK : PS_ENOMEM;
    if (err == PS_OK) {
        err = tt_file_replace(asked->out, text, size_bytes, fault);
    }
    free(text);
    if (err == PS_OK) {
        (void)printf("%s: %" PRIu64 " %ss of %" PRIu32 " %ss\n", asked->out, answer->row_count,
                     answer->row_name, answer->column_count, answer->value_name);
    }
    return err;
}

static ps_err infer(const request *asked, ps_fault *fault) {
    tt_model model;
    PS_TRY(tt_model_read(asked->model, &model, fault));
    ps_answer answer = {.values = NULL};
    ps_err err = PS_OK;
    if (strcmp(model.algorithm, asked->algo->name) != 0) {
        err = ps_fault_set(fault, PS_EINVAL, "%s: is a model of %s, not of %s", model.directory,
                           model.algorithm, asked->algo->name);
    } else {
        const ps_question question = {.pieces = model.pieces,
                                      .piece_count = model.piece_count,
                                      .data = asked->data,
                                      .seed = asked->seed,
                                      .iteration_max = (uint32_t)asked->iteration_max};
        ps_fault reason = {.err = PS_OK};
        err = asked->algo->infer(&question, &answer, &reason);
        const bool is_of_model = strncmp(reason.text, "the model", 9) == 0;
        err = ps_fault_set(fault, err, "%s%s%s", is_of_model ? model.directory : "",
                           is_of_model ? ": " : "",
                           reason.text[0] == '\0' ? ps_err_text(err) : reason.text);
    }
    if (err == PS_OK) {
        err = answer_write(asked, &answer, fault);
    }
    if (err == PS_OK && answer.note[0] != '\0') {
        (void)fprintf(stderr, "tortoise: %s\n", answer.note);
    }
    free(answer.values);
    tt_model_fini(&model);
    return err;
}

static void print_help(const tt_settings *settings) {
    (void)printf("example: %s infer lda --model out/topics --data docword.new.txt.gz\n"
                 "usage: %s infer ALGO --model DIR --data FILE [options]; algorithms:",
                 tt_program_name(), tt_program_name());
    for (size_t i = 0; i < tt_subject_count(); i++) {
        if (tt_subject_at(i)->infer != NULL) {
            (void)printf(" %s", tt_subject_at(i)->name);
        }
    }
    (void)printf("\n");
    tt_settings_print_help(settings, false);
}

/* The algorithm, which must be able to. */
static ps_err subject_read(const tt_words *words, request *asked, ps_fault *fault) {
    if (words->count == 0) {
        return ps_fault_set(fault, PS_EINVAL,
                            "no algorithm; write '%s infer ALGO --model DIR --data FILE'",
                            tt_program_name());
    }
    if (words->count > 1) {
        return ps_fault_set(fault, PS_EINVAL, "unexpected argument '%s'", words->words[1]);
    }
    PS_TRY(tt_subject_of(words->words[0], &asked->algo, fault));
    return asked->algo->infer != NULL
               ? PS_OK
               : ps_fault_set(fault, PS_EINVAL,
                              "infer: %s does not answer for new data; '%s infer --help' names "
                              "those that do",
                              asked->algo->name, tt_program_name());
}

ps_err tt_command_infer(const tt_call *call, ps_fault *fault) {
    tt_settings settings;
    tt_words words;
    request asked = {.algo = NULL};
    PS_TRY(tt_settings_init_of(&settings, "infer", infer_options, tt_infer_option_list.count));
    ps_err err = tt_settings_read_arguments(&settings, call->own_count, call->own, &words, fault);
    if (err == PS_OK && words.help_is_wanted) {
        print_help(&settings);
        goto done;
    }
    if (err == PS_OK) {
        err = subject_read(&words, &asked, fault);
    }
    if (err == PS_OK) {
        err = request_read(&settings, &asked, fault);
    }
    if (err == PS_OK) {
        err = infer(&asked, fault);
    }
done:
    tt_settings_fini(&settings);
    return err;
}

#include "tortoise/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct err_row {
    const char *text;
    int exit_code;
} err_row;

/* One row per code, indexed by it. A run that was stopped on purpose is a run that worked. */
static const err_row err_table[] = {
    [PS_OK] = {"ok", 0},
    [PS_EINVAL] = {"an argument or option is out of its range", 2},
    [PS_ENOMEM] = {"memory is exhausted", 1},
    [PS_EIO] = {"the operating system failed a read, a write or a socket call", 2},
    [PS_EFORMAT] = {"a file or a message is damaged or of another format", 2},
    [PS_ESTOPPED] = {"the run is ending", 0},
    [PS_EPEER] = {"a peer is lost or was refused", 5},
    [PS_ESTALL] = {"nothing moved for longer than the run allows", 4},
    [PS_EBROKEN] = {"a guarantee was violated", 3},
    [PS_EFAILED] = {"the run or a claim of it failed", 1},
    [PS_ESKIPPED] = {"what it would need is not here", 77},
};

static const err_row unknown_row = {"an unknown error", 1};

static const err_row *err_row_of(ps_err err) {
    const size_t index = (size_t)err; /* a negative code is huge here, so unknown */
    return index < sizeof err_table / sizeof err_table[0] ? &err_table[index] : &unknown_row;
}

const char *ps_err_text(ps_err err) {
    return err_row_of(err)->text;
}

int ps_err_exit_code(ps_err err) {
    return err_row_of(err)->exit_code;
}

/* File names and quoted input may hold anything; a fault stays one line all the same. */
static void make_one_line(char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = ' ';
        }
    }
}

ps_err ps_fault_set(ps_fault *fault, ps_err err, const char *format, ...) {
    if (fault == NULL || err == PS_OK || fault->err != PS_OK) {
        return err;
    }
    fault->err = err;
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        fault->text[0] = '\0';
    }
    make_one_line(fault->text);
    return err;
}

_Noreturn void ps_assert_failed(const char *claim, const char *file, int line) {
    fprintf(stderr, "%s:%d: a bug in tortoise: this does not hold: %s\n", file, line, claim);
    abort();
}

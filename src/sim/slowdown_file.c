#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/units.h"
#include "sim/disturbance.h"

enum { LINE_MAX_BYTES = 512 };

typedef struct slowdown_list {
    psi_slowdown *steps; /* owned */
    size_t count, capacity;
} slowdown_list;

static int slowdown_compare(const void *left_item, const void *right_item) {
    const psi_slowdown *const left = left_item;
    const psi_slowdown *const right = right_item;
    if (left->node != right->node) {
        return left->node < right->node ? -1 : 1;
    }
    return (left->time_s > right->time_s) - (left->time_s < right->time_s);
}

/* Reads one line; *is_step_out is false for an empty one. `where` is "file:line". */
static ps_err line_read(char *line, const char *where, psi_slowdown *step_out, bool *is_step_out,
                        ps_fault *fault) {
    static const char blanks[] = " \t\r\n";
    line[strcspn(line, "#")] = '\0';
    char *save = NULL;
    const char *const time = strtok_r(line, blanks, &save);
    const char *const node = strtok_r(NULL, blanks, &save);
    const char *const factor = strtok_r(NULL, blanks, &save);
    *is_step_out = time != NULL;
    if (time == NULL) {
        return PS_OK;
    }
    if (factor == NULL || strtok_r(NULL, blanks, &save) != NULL) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: expected 'time_s node factor'", where);
    }
    uint64_t id = 0;
    ps_fault local = {.err = PS_OK};
    const bool is_good = psi_parse_number(time, "time_s", &step_out->time_s, &local) == PS_OK &&
                         psi_parse_count(node, "node", &id, &local) == PS_OK &&
                         psi_parse_factor(factor, "factor", &step_out->factor, &local) == PS_OK;
    if (!is_good) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: %s", where, local.text);
    }
    if (id >= PSI_SIM_NODES_MAX) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: node %s is beyond the largest, %d", where, node,
                            PSI_SIM_NODES_MAX - 1);
    }
    step_out->node = (uint32_t)id;
    return PS_OK;
}

static ps_err list_add(slowdown_list *list, const psi_slowdown *step) {
    void *steps = list->steps;
    if (!psi_array_reserve(&steps, &list->capacity, list->count + 1, sizeof *list->steps)) {
        return PS_ENOMEM;
    }
    list->steps = steps;
    list->steps[list->count++] = *step;
    return PS_OK;
}

/* Whether fgets() read a zero byte into the line, which was filled with others before. */
static bool line_has_zero(const char line[static LINE_MAX_BYTES]) {
    size_t end = LINE_MAX_BYTES - 1;
    while (line[end] != '\0') {
        end--;
    }
    return strlen(line) != end;
}

/* Fills the line anew. False at the end of the file. */
static bool line_next(FILE *file, char line[static LINE_MAX_BYTES]) {
    memset(line, ' ', LINE_MAX_BYTES);
    return fgets(line, LINE_MAX_BYTES, file) != NULL;
}

static ps_err file_read(FILE *file, const char *path, slowdown_list *list, ps_fault *fault) {
    char line[LINE_MAX_BYTES];
    char where[LINE_MAX_BYTES];
    for (size_t number = 1; line_next(file, line); number++) {
        (void)snprintf(where, sizeof where, "%s:%zu", path, number);
        if (line_has_zero(line)) {
            return ps_fault_set(fault, PS_EFORMAT, "%s: a zero byte; is this a text file?", where);
        }
        if (strlen(line) == sizeof line - 1 && line[sizeof line - 2] != '\n') {
            return ps_fault_set(fault, PS_EFORMAT, "%s: the line is longer than %zu characters",
                                where, sizeof line - 2);
        }
        psi_slowdown step = {.time_s = 0.0};
        bool is_step = false;
        PS_TRY(line_read(line, where, &step, &is_step, fault));
        if (is_step && list_add(list, &step) != PS_OK) {
            return ps_fault_set(fault, PS_ENOMEM, "%s: memory is exhausted", where);
        }
    }
    return ferror(file) ? ps_fault_set(fault, PS_EIO, "%s: %s", path, strerror(errno)) : PS_OK;
}

/* Sorts the steps; two of one node at one time would contradict each other. */
static ps_err list_order(slowdown_list *list, const char *path, ps_fault *fault) {
    if (list->count == 0) {
        return ps_fault_set(fault, PS_EFORMAT, "%s: no line 'time_s node factor' in it", path);
    }
    qsort(list->steps, list->count, sizeof *list->steps, slowdown_compare);
    for (size_t i = 1; i < list->count; i++) {
        if (slowdown_compare(&list->steps[i - 1], &list->steps[i]) == 0) {
            return ps_fault_set(fault, PS_EFORMAT, "%s: two factors of node %u at %g s", path,
                                list->steps[i].node, list->steps[i].time_s);
        }
    }
    return PS_OK;
}

ps_err psi_slowdowns_read(const char *path, psi_slowdown **steps_out, size_t *count_out,
                          ps_fault *fault) {
    FILE *const file = fopen(path, "r");
    if (file == NULL) {
        return ps_fault_set(fault, PS_EIO, "%s: %s", path, strerror(errno));
    }
    slowdown_list list = {.steps = NULL};
    ps_err err = file_read(file, path, &list, fault);
    (void)fclose(file);
    if (err == PS_OK) {
        err = list_order(&list, path, fault);
    }
    if (err != PS_OK) {
        free(list.steps);
        return err;
    }
    *steps_out = list.steps;
    *count_out = list.count;
    return PS_OK;
}

#include "runtime/hostlist.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PARTS_MAX = 17,   /* literal, bracket, literal, ... of one element */
    RANGES_MAX = 1024 /* in all brackets of one element */
};

static const char example[] = "a host list looks like 'a,b:2', 'n[01-04,7]' or '[::1]'";

/* The text that is being read. */
typedef struct cursor {
    const char *text;
    size_t length, at;
    const char *what;
    ps_fault *fault;
} cursor;

typedef struct number_range {
    uint32_t low, high;
    int width; /* digits, zeros in front included; 0: as many as it takes */
} number_range;

/* A literal (range_count == 0), or the numbers of a bracket. */
typedef struct part {
    size_t begin, length;
    size_t range_begin, range_count;
    uint32_t value_count;
} part;

/* One element between commas. */
typedef struct element {
    part parts[PARTS_MAX];
    size_t part_count;
    number_range ranges[RANGES_MAX];
    size_t range_count;
    uint32_t slots;
} element;

void psi_hosts_fini(psi_hosts *hosts) {
    free(hosts->items);
    *hosts = (psi_hosts){0};
}

uint32_t psi_hosts_slots(const psi_hosts *hosts) {
    uint32_t slots = 0;
    for (size_t i = 0; i < hosts->count; i++) {
        slots += hosts->items[i].slots; /* PSI_HOSTS_MAX * PSI_HOST_SLOTS_MAX fits */
    }
    return slots;
}

const char *psi_hosts_name_of(const psi_hosts *hosts, uint32_t rank) {
    for (size_t i = 0; i < hosts->count; i++) {
        if (rank < hosts->items[i].slots) {
            return hosts->items[i].name;
        }
        rank -= hosts->items[i].slots;
    }
    return NULL;
}

static ps_err refuse(const cursor *in, const char *why) {
    return ps_fault_set(in->fault, PS_EINVAL, "%s: at character %zu: %s; %s", in->what, in->at + 1,
                        why, example);
}

static char peek(const cursor *in) {
    return in->at < in->length ? in->text[in->at] : '\0';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Not by <ctype.h>: a locale must not widen what goes on a command line. */
static bool is_name_character(char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || is_digit(c) || c == '-' || c == '.' || c == '_';
}

/* Reads up to nine digits. */
static ps_err read_number(cursor *in, uint32_t *value_out, int *digits_out) {
    uint32_t value = 0;
    int digits = 0;
    while (is_digit(peek(in))) {
        if (digits == 9) {
            return refuse(in, "a number of more than nine digits");
        }
        value = value * 10 + (uint32_t)(peek(in) - '0');
        digits++;
        in->at++;
    }
    if (digits == 0) {
        return refuse(in, "a number is missing");
    }
    *value_out = value;
    *digits_out = digits;
    return PS_OK;
}

/* "04-17" or "7" */
static ps_err read_range(cursor *in, element *item, part *bracket) {
    if (item->range_count == RANGES_MAX) {
        return refuse(in, "too many ranges in brackets");
    }
    number_range range = {0};
    int digits = 0;
    const char first = peek(in);
    PS_TRY(read_number(in, &range.low, &digits));
    range.width = first == '0' ? digits : 0;
    range.high = range.low;
    if (peek(in) == '-') {
        in->at++;
        PS_TRY(read_number(in, &range.high, &digits));
    }
    if (range.high < range.low) {
        return refuse(in, "a range that ends before it begins");
    }
    if (range.high - range.low >= PSI_HOSTS_MAX - bracket->value_count) {
        return ps_fault_set(in->fault, PS_EINVAL,
                            "%s: at character %zu: a bracket of more than %d hosts is refused",
                            in->what, in->at + 1, PSI_HOSTS_MAX);
    }
    bracket->value_count += range.high - range.low + 1;
    item->ranges[item->range_count++] = range;
    bracket->range_count++;
    return PS_OK;
}

/* "[01-04,7]", from behind the '[' */
static ps_err read_bracket(cursor *in, element *item, part *bracket) {
    bracket->range_begin = item->range_count;
    for (;;) { /* ends at the latest when the ranges are too many */
        PS_TRY(read_range(in, item, bracket));
        if (peek(in) == ']') {
            in->at++;
            return PS_OK;
        }
        if (peek(in) != ',') {
            return refuse(in, "a bracket holds numbers and ranges, and ends with ']'");
        }
        in->at++;
    }
}

/* Whether the bracket here holds an IPv6 address, and how long that is. */
static bool is_address(const cursor *in, size_t *length_out) {
    const char *const begin = in->text + in->at + 1;
    const size_t left = in->length - in->at - 1;
    const char *const end = memchr(begin, ']', left);
    if (end == NULL || memchr(begin, ':', (size_t)(end - begin)) == NULL) {
        return false;
    }
    *length_out = (size_t)(end - begin);
    return true;
}

static ps_err read_address(cursor *in, element *item, size_t length) {
    in->at++;
    item->parts[0] = (part){.begin = in->at, .length = length};
    item->part_count = 1;
    for (size_t i = 0; i < length; i++, in->at++) {
        const char c = peek(in);
        const bool may_begin = c != '-' && c != '%'; /* an option is no host */
        const bool is_known = is_name_character(c) || c == ':' || c == '%';
        if (!is_known || (i == 0 && !may_begin)) {
            return refuse(in, "this is no IPv6 address");
        }
    }
    in->at++;
    return PS_OK;
}

static ps_err read_parts(cursor *in, element *item) {
    for (;;) {
        part next = {.begin = in->at};
        if (peek(in) != '[' && !is_name_character(peek(in))) {
            return item->part_count == 0 ? refuse(in, "a host's name is missing") : PS_OK;
        }
        if (item->part_count == PARTS_MAX) {
            return refuse(in, "too many brackets in one name");
        }
        if (peek(in) == '[') {
            in->at++;
            PS_TRY(read_bracket(in, item, &next));
        } else if (peek(in) == '-' && item->part_count == 0) {
            return refuse(in, "a host's name cannot begin with '-'");
        } else {
            while (is_name_character(peek(in))) {
                in->at++;
                next.length++;
            }
        }
        item->parts[item->part_count++] = next;
    }
}

static ps_err read_element(cursor *in, element *item) {
    size_t address_length = 0;
    item->part_count = 0;
    item->range_count = 0;
    item->slots = 1;
    if (peek(in) == '[' && is_address(in, &address_length)) {
        PS_TRY(read_address(in, item, address_length));
    } else {
        PS_TRY(read_parts(in, item));
    }
    if (peek(in) == ':') {
        int digits = 0;
        in->at++;
        if (!is_digit(peek(in))) {
            return refuse(in, "behind ':' stands a number of slots; IPv6 goes in brackets");
        }
        PS_TRY(read_number(in, &item->slots, &digits));
        if (item->slots == 0 || item->slots > PSI_HOST_SLOTS_MAX) {
            return refuse(in, "a host has 1 to 4096 slots");
        }
    }
    return PS_OK;
}

static bool reserve(psi_hosts *hosts, size_t more) {
    if (hosts->capacity - hosts->count >= more) {
        return true;
    }
    const size_t wanted = hosts->count + more;
    const size_t capacity = wanted < 2 * hosts->capacity ? 2 * hosts->capacity : wanted;
    psi_host *const items = realloc(hosts->items, capacity * sizeof *items);
    if (items == NULL) {
        return false;
    }
    hosts->items = items;
    hosts->capacity = capacity;
    return true;
}

/* Writes number `index` of a bracket. Returns its length, or 0 if it does not fit. */
static size_t write_value(const element *item, const part *bracket, uint32_t index, char *to,
                          size_t room) {
    const number_range *range = &item->ranges[bracket->range_begin];
    while (index > range->high - range->low) {
        index -= range->high - range->low + 1;
        range++;
    }
    const int length = snprintf(to, room, "%0*u", range->width, range->low + index);
    return length > 0 && (size_t)length < room ? (size_t)length : 0;
}

/* Writes the `index`-th name of the element. False if it is too long. */
static bool write_name(const cursor *in, const element *item, uint32_t index, psi_host *host) {
    uint32_t values[PARTS_MAX] = {0};
    for (size_t p = item->part_count; p-- > 0;) {
        if (item->parts[p].range_count > 0) {
            values[p] = index % item->parts[p].value_count;
            index /= item->parts[p].value_count;
        }
    }
    size_t length = 0;
    for (size_t p = 0; p < item->part_count; p++) {
        const part *const piece = &item->parts[p];
        const size_t room = sizeof host->name - length;
        if (piece->range_count > 0) {
            const size_t written = write_value(item, piece, values[p], host->name + length, room);
            if (written == 0) {
                return false;
            }
            length += written;
        } else if (piece->length < room) {
            memcpy(host->name + length, in->text + piece->begin, piece->length);
            length += piece->length;
        } else {
            return false;
        }
    }
    host->name[length] = '\0';
    host->slots = item->slots;
    return true;
}

static ps_err expand(const cursor *in, const element *item, psi_hosts *hosts) {
    uint64_t count = 1;
    for (size_t p = 0; p < item->part_count && count <= PSI_HOSTS_MAX; p++) {
        count *= item->parts[p].range_count > 0 ? item->parts[p].value_count : 1;
    }
    if (count > PSI_HOSTS_MAX - hosts->count) {
        return ps_fault_set(in->fault, PS_EINVAL, "%s: more than %d hosts are refused", in->what,
                            PSI_HOSTS_MAX);
    }
    if (!reserve(hosts, (size_t)count)) {
        return ps_fault_set(in->fault, PS_ENOMEM, "%s: no memory for the hosts", in->what);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!write_name(in, item, i, &hosts->items[hosts->count])) {
            return refuse(in, "a host's name of more than 253 characters");
        }
        hosts->count++;
    }
    return PS_OK;
}

static ps_err parse_elements(cursor *in, element *item, psi_hosts *hosts) {
    for (;;) {
        PS_TRY(read_element(in, item));
        PS_TRY(expand(in, item, hosts));
        if (in->at == in->length) {
            return PS_OK;
        }
        if (peek(in) != ',') {
            return refuse(in, "this character cannot stand in a host list");
        }
        in->at++;
    }
}

ps_err psi_hostlist_parse(const char *text, size_t length, const char *what, psi_hosts *hosts,
                          ps_fault *fault) {
    cursor in = {.text = text, .length = length, .what = what, .fault = fault};
    if (length > PSI_HOSTLIST_TEXT_MAX_BYTES) {
        return ps_fault_set(fault, PS_EINVAL, "%s: a host list of more than 1 MiB is refused",
                            what);
    }
    element *const item = malloc(sizeof *item);
    if (item == NULL) {
        return ps_fault_set(fault, PS_ENOMEM, "%s: no memory for the hosts", what);
    }
    const ps_err err = parse_elements(&in, item, hosts);
    free(item);
    return err;
}

/* "2(x3)": sets the slots of the hosts from *next on. */
static ps_err read_tasks(cursor *in, psi_hosts *hosts, size_t *next) {
    uint32_t slots = 0;
    uint32_t times = 1;
    int digits = 0;
    PS_TRY(read_number(in, &slots, &digits));
    if (slots == 0 || slots > PSI_HOST_SLOTS_MAX) {
        return refuse(in, "a host has 1 to 4096 tasks");
    }
    if (peek(in) == '(') {
        in->at++;
        if (peek(in) != 'x') {
            return refuse(in, "tasks per node look like '2(x3),1'");
        }
        in->at++;
        PS_TRY(read_number(in, &times, &digits));
        if (peek(in) != ')') {
            return refuse(in, "tasks per node look like '2(x3),1'");
        }
        in->at++;
    }
    if (times > hosts->count - *next) {
        return ps_fault_set(in->fault, PS_EINVAL,
                            "%s: tasks for more hosts than the %zu of the list", in->what,
                            hosts->count);
    }
    for (uint32_t i = 0; i < times; i++) {
        hosts->items[(*next)++].slots = slots;
    }
    return PS_OK;
}

ps_err psi_hostlist_parse_tasks(const char *text, size_t length, const char *what, psi_hosts *hosts,
                                ps_fault *fault) {
    cursor in = {.text = text, .length = length, .what = what, .fault = fault};
    size_t next = 0;
    if (length > PSI_HOSTLIST_TEXT_MAX_BYTES) {
        return ps_fault_set(fault, PS_EINVAL, "%s: more than 1 MiB is refused", what);
    }
    for (;;) {
        PS_TRY(read_tasks(&in, hosts, &next));
        if (in.at == length) {
            break;
        }
        if (peek(&in) != ',') {
            return refuse(&in, "tasks per node look like '2(x3),1'");
        }
        in.at++;
    }
    return next == hosts->count
               ? PS_OK
               : ps_fault_set(fault, PS_EINVAL, "%s: tasks for %zu hosts, but the list has %zu",
                              what, next, hosts->count);
}

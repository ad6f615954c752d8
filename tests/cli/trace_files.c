/* --trace: the same events with the same fields in both worlds, valid and in order, adding up to
 * workers.csv; the check of that is shown to fail for files that are wrong. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/suite.h"

enum { WORKERS = 4, CLOCKS = 6, KINDS_MAX = 64, KIND_BYTES = 160 };

static char scratch[256];

/* Runs mf for a few clocks in `world`, with its files and trace as scratch/NAME and NAME.json. */
static int run(const char *world, const char *name, const char *more) {
    char command[4096];
    snprintf(command, sizeof command,
             "\"%s\" %s mf --nodes 2 --workers %d --clocks %d --policy bsp --data "
             "synthetic:users=200,items=60,ratings=5000,seed=7 --out %s/%s --force --quiet "
             "--trace %s/%s.json %s >%s/%s.txt 2>&1",
             getenv("TORTOISE"), world, WORKERS, CLOCKS, scratch, name, scratch, name, more,
             scratch, name);
    const int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static json_t *load(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.json", scratch, name);
    return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

static const char *text_of(const json_t *event, const char *field) {
    const char *const text = json_string_value(json_object_get(event, field));
    return text == NULL ? "" : text;
}

static double number_of(const json_t *event, const char *field) {
    return json_number_value(json_object_get(event, field));
}

/* Seconds that workers computed (or waited) in their clocks, by the trace. */
typedef struct times {
    double compute_s[WORKERS][CLOCKS], wait_s[WORKERS][CLOCKS];
} times;

static times times_of_trace(const json_t *events) {
    times sums = {0};
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event) {
        const json_t *const clock = json_object_get(json_object_get(event, "args"), "clock");
        const size_t rank = (size_t)number_of(event, "tid");
        const size_t at = (size_t)json_integer_value(clock);
        if (strcmp(text_of(event, "ph"), "X") != 0 || rank >= WORKERS || at >= CLOCKS) {
            continue;
        }
        if (strcmp(text_of(event, "name"), "compute") == 0) {
            sums.compute_s[rank][at] += 1e-6 * number_of(event, "dur");
        } else if (strcmp(text_of(event, "name"), "wait") == 0) {
            sums.wait_s[rank][at] += 1e-6 * number_of(event, "dur");
        }
    }
    return sums;
}

/* The number of rows of workers.csv that differ from the trace by more than its rounding. */
static int rows_that_differ(const json_t *events, const char *name) {
    const times sums = times_of_trace(events);
    char path[1024];
    char line[512];
    int rows = 0;
    int differ = 0;
    snprintf(path, sizeof path, "%s/%s/workers.csv", scratch, name);
    FILE *const file = fopen(path, "r");
    if (file == NULL) {
        return -1;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned rank = 0;
        unsigned clock = 0;
        double start_s = 0;
        double compute_s = 0;
        double wait_s = 0;
        if (sscanf(line, "%u,%u,%lf,%lf,%lf", &rank, &clock, &start_s, &compute_s, &wait_s) == 5 &&
            rank < WORKERS && clock < CLOCKS) {
            rows++;
            differ += fabs(sums.compute_s[rank][clock] - compute_s) > 1e-8 ||
                      fabs(sums.wait_s[rank][clock] - wait_s) > 1e-8;
        }
    }
    fclose(file);
    return rows == WORKERS * CLOCKS ? differ : -1;
}

/* The kinds of events, "X wait name,ph,...; clock,for,...", each once. */
typedef struct kinds {
    char texts[KINDS_MAX][KIND_BYTES];
    size_t count;
} kinds;

static void add_keys(char *text, const json_t *object) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        strncat(text, key, KIND_BYTES - strlen(text) - 1);
        strncat(text, ",", KIND_BYTES - strlen(text) - 1);
    }
}

static int compare_texts(const void *left, const void *right) {
    return strcmp(left, right);
}

static kinds kinds_of(const json_t *events) {
    kinds found = {.count = 0};
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event) {
        char text[KIND_BYTES] = "";
        size_t k = 0;
        snprintf(text, sizeof text, "%s %s ", text_of(event, "ph"), text_of(event, "name"));
        add_keys(text, event);
        strncat(text, "; ", sizeof text - strlen(text) - 1);
        add_keys(text, json_object_get(event, "args"));
        while (k < found.count && strcmp(found.texts[k], text) != 0) {
            k++;
        }
        if (k == found.count && found.count < KINDS_MAX) {
            strcpy(found.texts[found.count++], text);
        }
    }
    qsort(found.texts, found.count, sizeof found.texts[0], compare_texts);
    return found;
}

static bool kinds_are_equal(const json_t *left, const json_t *right) {
    const kinds a = kinds_of(left);
    const kinds b = kinds_of(right);
    bool are_equal = a.count == b.count && a.count > 0;
    for (size_t i = 0; are_equal && i < a.count; i++) {
        are_equal = strcmp(a.texts[i], b.texts[i]) == 0;
        if (!are_equal) {
            printf("differ: '%s' and '%s'\n", a.texts[i], b.texts[i]);
        }
    }
    return are_equal;
}

static bool is_in_order(const json_t *events) {
    double last_us = -INFINITY;
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event) {
        const double at_us =
            json_object_get(event, "ts") == NULL ? last_us : number_of(event, "ts");
        if (at_us < last_us) {
            return false;
        }
        last_us = at_us;
    }
    return true;
}

/* Frames that set out and never come, or the other way round. */
static int frames_unpaired(const json_t *events) {
    int begun = 0;
    int ended = 0;
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event) {
        begun += strcmp(text_of(event, "ph"), "b") == 0;
        ended += strcmp(text_of(event, "ph"), "e") == 0;
    }
    return begun == 0 ? -1 : abs(begun - ended);
}

static void traces_are_equal_in_form_and_add_up(void) {
    CU_ASSERT_EQUAL_FATAL(run("sim", "sim", ""), 0);
    CU_ASSERT_EQUAL_FATAL(run("run", "run", ""), 0);
    json_t *const sim = load("sim");
    json_t *const real = load("run");
    CU_ASSERT_PTR_NOT_NULL_FATAL(sim);
    CU_ASSERT_PTR_NOT_NULL_FATAL(real);
    json_t *const sim_events = json_object_get(sim, "traceEvents");
    json_t *const events = json_object_get(real, "traceEvents");
    CU_ASSERT(kinds_are_equal(sim_events, events));
    CU_ASSERT(is_in_order(sim_events) && is_in_order(events));
    CU_ASSERT_EQUAL(rows_that_differ(sim_events, "sim"), 0);
    CU_ASSERT_EQUAL(rows_that_differ(events, "run"), 0);
    CU_ASSERT_EQUAL(frames_unpaired(sim_events), 0);
    CU_ASSERT_EQUAL(frames_unpaired(events), 0);
    json_decref(sim);
    json_decref(real);
}

/* The index of the first event of that name and phase. */
static size_t find(const json_t *events, const char *phase, const char *name) {
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event) {
        if (strcmp(text_of(event, "ph"), phase) == 0 && strcmp(text_of(event, "name"), name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void planted_bugs_are_seen(void) {
    CU_ASSERT_EQUAL_FATAL(run("sim", "planted", ""), 0);
    json_t *const good = load("planted");
    json_t *const bad = load("planted");
    CU_ASSERT_PTR_NOT_NULL_FATAL(good);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bad);
    json_t *const events = json_object_get(bad, "traceEvents");
    json_t *const whole = json_object_get(good, "traceEvents");
    const size_t wait = find(events, "X", "wait");
    CU_ASSERT_NOT_EQUAL_FATAL(wait, SIZE_MAX);
    json_t *const event = json_array_get(events, wait);
    json_object_set_new(event, "dur", json_real(number_of(event, "dur") + 0.1));
    CU_ASSERT_EQUAL(rows_that_differ(events, "planted"), 1);
    json_object_set_new(event, "ts", json_real(1e12));
    CU_ASSERT(!is_in_order(events));
    CU_ASSERT(kinds_are_equal(whole, events));
    json_object_del(json_object_get(event, "args"), "shard");
    CU_ASSERT(!kinds_are_equal(whole, events));
    json_array_remove(events, find(events, "e", "FLUSH"));
    CU_ASSERT_EQUAL(frames_unpaired(events), 1);
    json_decref(good);
    json_decref(bad);
}

static void simulated_traces_are_equal_byte_for_byte(void) {
    char command[1024];
    CU_ASSERT_EQUAL_FATAL(run("sim", "once", "--jobs 1"), 0);
    CU_ASSERT_EQUAL_FATAL(run("sim", "again", "--jobs 2"), 0);
    snprintf(command, sizeof command, "cmp %s/once.json %s/again.json", scratch, scratch);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void small_ring_forgets_the_oldest_and_says_so(void) {
    CU_ASSERT_EQUAL_FATAL(run("sim", "small", "--clocks 200 --trace-events 1000"), 0);
    json_t *const small = load("small");
    CU_ASSERT_PTR_NOT_NULL_FATAL(small);
    const json_t *const other = json_object_get(small, "otherData");
    CU_ASSERT_EQUAL(number_of(other, "spans"), 1000);
    CU_ASSERT(number_of(other, "dropped") > 0);
    CU_ASSERT_EQUAL(find(json_object_get(small, "traceEvents"), "i", "ready"), SIZE_MAX);
    CU_ASSERT_NOT_EQUAL(find(json_object_get(small, "traceEvents"), "i", "end"), SIZE_MAX);
    char command[1024];
    snprintf(command, sizeof command, "grep -q 'lacks the oldest' %s/small.txt", scratch);
    CU_ASSERT_EQUAL(system(command), 0);
    json_decref(small);
}

static void unwritable_file_is_refused_before_the_run(void) {
    CU_ASSERT_EQUAL(run("sim", "refused", "--trace no/such/directory/x.json"), 2);
    char command[1024];
    snprintf(command, sizeof command, "grep -q 'no/such/directory/x.json' %s/refused.txt", scratch);
    CU_ASSERT_EQUAL(system(command), 0);
    snprintf(command, sizeof command, "test ! -e %s/refused", scratch);
    CU_ASSERT_EQUAL(system(command), 0);
}

static const suite_test tests[] = {
    SUITE_TEST(traces_are_equal_in_form_and_add_up),
    SUITE_TEST(planted_bugs_are_seen),
    SUITE_TEST(simulated_traces_are_equal_byte_for_byte),
    SUITE_TEST(small_ring_forgets_the_oldest_and_says_so),
    SUITE_TEST(unwritable_file_is_refused_before_the_run),
};

int main(int argc, char **argv) {
    const char *const folder = getenv("TORTOISE_SCRATCH");
    if (getenv("TORTOISE") == NULL) {
        suite_skip("TORTOISE does not name the program");
    }
    snprintf(scratch, sizeof scratch, "%s", folder == NULL ? "." : folder);
    char command[4096];
    snprintf(command, sizeof command, "\"%s\" version --features | grep -q '^  simulator *SimGrid'",
             getenv("TORTOISE"));
    if (system(command) != 0) {
        suite_skip("this build cannot simulate");
    }
    return suite_run("trace_files", tests, sizeof tests / sizeof tests[0],
                     argc > 1 ? argv[1] : NULL);
}

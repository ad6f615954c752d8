/* Scripts rely on exit codes, and people on one clear line. */
#include "tortoise/err.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/suite.h"

/* Why: cli.md promises these codes to scripts. */
static void exit_codes_are_those_of_the_command_line(void) {
    CU_ASSERT_EQUAL(ps_err_exit_code(PS_OK), 0);
    CU_ASSERT_EQUAL(ps_err_exit_code(PS_ESTOPPED), 0);
    CU_ASSERT_EQUAL(ps_err_exit_code(PS_EFAILED), 1);
    CU_ASSERT_EQUAL(ps_err_exit_code(PS_ENOMEM), 1);
    CU_ASSERT_EQUAL(ps_err_exit_code(PS_EINVAL), 2);
    CU_ASSERT_EQUAL(ps_err_exit_code(PS_EFORMAT), 2);
    CU_ASSERT_EQUAL(ps_err_exit_code(PS_EIO), 2);
    CU_ASSERT_EQUAL(ps_err_exit_code(PS_EBROKEN), 3);
    CU_ASSERT_EQUAL(ps_err_exit_code(PS_ESTALL), 4);
    CU_ASSERT_EQUAL(ps_err_exit_code(PS_EPEER), 5);
    CU_ASSERT_EQUAL(ps_err_exit_code(PS_ESKIPPED), 77);
}

/* Why: a code without a text of its own would print another failure's. */
static void every_code_has_a_text_of_its_own(void) {
    for (int a = PS_OK; a <= PS_ESKIPPED; a++) {
        CU_ASSERT_TRUE(strlen(ps_err_text((ps_err)a)) > 1);
        for (int b = PS_OK; b < a; b++) {
            CU_ASSERT_STRING_NOT_EQUAL(ps_err_text((ps_err)a), ps_err_text((ps_err)b));
        }
    }
    CU_ASSERT_STRING_EQUAL(ps_err_text((ps_err)(PS_ESKIPPED + 1)), "an unknown error");
    CU_ASSERT_STRING_EQUAL(ps_err_text((ps_err)-7), "an unknown error");
    CU_ASSERT_EQUAL(ps_err_exit_code((ps_err)-7), 1);
}

/* Why: the first fault is the cause; those that follow are its consequences. */
static void first_fault_wins(void) {
    ps_fault fault = {.err = PS_OK};
    CU_ASSERT_EQUAL(ps_fault_set(&fault, PS_EFORMAT, "%s:%d: broken", "a.txt", 17), PS_EFORMAT);
    CU_ASSERT_EQUAL(ps_fault_set(&fault, PS_EIO, "later"), PS_EIO);
    CU_ASSERT_EQUAL(fault.err, PS_EFORMAT);
    CU_ASSERT_STRING_EQUAL(fault.text, "a.txt:17: broken");
}

static void success_and_null_leave_no_trace(void) {
    ps_fault fault = {.err = PS_OK};
    CU_ASSERT_EQUAL(ps_fault_set(NULL, PS_EPEER, "nobody listens"), PS_EPEER);
    CU_ASSERT_EQUAL(ps_fault_set(&fault, PS_OK, "all is well"), PS_OK);
    CU_ASSERT_EQUAL(fault.err, PS_OK);
    CU_ASSERT_STRING_EQUAL(fault.text, "");
}

/* Why: input that is quoted in a message may hold newlines and be of any length. */
static void fault_is_one_line_that_fits(void) {
    ps_fault fault = {.err = PS_OK};
    char longer[2 * sizeof fault.text];
    memset(longer, 'q', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    longer[3] = '\n';
    longer[5] = '\x1b';
    CU_ASSERT_EQUAL(ps_fault_set(&fault, PS_EINVAL, "%s", longer), PS_EINVAL);
    CU_ASSERT_EQUAL(strlen(fault.text), sizeof fault.text - 1);
    CU_ASSERT_EQUAL(strncmp(fault.text, "qqq q qq", 8), 0);
}

static ps_err tries(ps_err first, int *reached) {
    PS_TRY(first);
    *reached = 1;
    return PS_OK;
}

static void try_returns_the_first_error(void) {
    int reached = 0;
    CU_ASSERT_EQUAL(tries(PS_ESTALL, &reached), PS_ESTALL);
    CU_ASSERT_EQUAL(reached, 0);
    CU_ASSERT_EQUAL(tries(PS_OK, &reached), PS_OK);
    CU_ASSERT_EQUAL(reached, 1);
}

/* Why: an assertion that does not stop the program hides the bug that it found. */
static void false_claim_aborts_and_names_the_place(void) {
    int ends[2] = {-1, -1};
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    fflush(stdout);
    const pid_t child = fork();
    CU_ASSERT_TRUE_FATAL(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        PS_ASSERT(getpid() == 0);
        _exit(0);
    }
    close(ends[1]);
    char text[512] = "";
    const ssize_t text_bytes = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    int status = 0;
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CU_ASSERT_TRUE(text_bytes > 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "getpid() == 0"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "err.c:"));
}

static const suite_test tests[] = {
    SUITE_TEST(exit_codes_are_those_of_the_command_line),
    SUITE_TEST(every_code_has_a_text_of_its_own),
    SUITE_TEST(first_fault_wins),
    SUITE_TEST(success_and_null_leave_no_trace),
    SUITE_TEST(fault_is_one_line_that_fits),
    SUITE_TEST(try_returns_the_first_error),
    SUITE_TEST(false_claim_aborts_and_names_the_place),
};
SUITE_MAIN("err", tests)

/* The tortoise program around an algorithm of your own: a few lines of main() give it `sim`, `run`, `sweep`,
 * `report` and all other commands, with their options, files and exit codes.
 *
 *     #include <tortoise/program.h>
 *     extern const ps_algo my_algo;
 *     int main(int argc, char **argv) {
 *         return ps_main(argc, argv, &my_algo);
 *     }
 *
 * Then `./mine run my-algo --nodes 4` starts 4 local processes, and `./mine sim my-algo --nodes 64`
 * simulates 64 machines. This is the whole of the interface for embedding: results are in the files of a run.
 * It does not return a model in memory, and it is no library for a process that has threads of its own. */
#ifndef TORTOISE_PROGRAM_H
#define TORTOISE_PROGRAM_H

#include "tortoise/algo.h"

/* Carries out the command line argv[0..argc), where argv[1] is a command, and returns the exit code for the
 * process (ps_err_exit_code()). The algorithm `algo` stands first among those that tortoise brings along, and
 * wins over one of the same name; NULL adds none. Both arguments are borrowed for the call; nothing of argv
 * is changed.
 *
 * Blocks until the command is over: hours, for a long run. Results go to stdout and files, messages to
 * stderr. Call it once, from main(), while the process has one thread and no child. `run` forks, and a forked
 * process ends inside of the call: functions that were given to atexit() do not run there, and what the
 * caller opened before (files, sockets) is open in all of them. The call takes SIGINT, SIGTERM and SIGHUP for
 * itself and turns the error handler of GSL off.
 *
 * An `algo` that lacks a function, or has more metrics than PS_METRICS_MAX, is refused with exit code 2. */
int ps_main(int argc, char *const *argv, const ps_algo *algo);

#endif

/* One program, its commands; ps_main(). */
#include "tortoise/program.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_errno.h>

#include "base/nearest.h"
#include "command.h"
#include "subject.h"

const tt_command tt_commands[] = {
    {"sim", "sim ALGO [options]", "one run on a simulated cluster", tt_command_sim, .world = TT_SIM,
     .words = TT_WORD_ALGO,
     .example = "sim mf --policy ssp:3 --nodes 32 --straggler lognormal:sigma=0.5",
     .description =
         "Trains ALGO on a cluster that SimGrid simulates, with the code that 'run' uses for real. "
         "Time is virtual: it does not depend on this machine, and the same settings and seed give "
         "the same files, byte for byte.\n\n"
         "What is simulated is printed first. The files of the run are in --out."},
    {"run", "run ALGO [options]", "one run for real: local processes, or a rank", tt_command_run,
     .world = TT_RUN, .words = TT_WORD_ALGO,
     .example = "run mf --policy bsp --nodes 4 --workers 4 --out out/first",
     .description =
         "Trains ALGO for real: every node is a process, every worker a thread, and they talk over "
         "TCP. Under bsp the model is equal to that of 'sim', to the last bit.\n\n"
         "It starts local processes, unless options, PS_... variables or those of a launcher "
         "(Slurm, Open MPI, MPICH, Kubernetes, torchrun) say that it is one rank of several; then "
         "it finds the others.\n\n"
         "A run that loses a process ends in all others, with one line that says which."},
    {"launch", "launch [-n N] [--hostfile F] -- run ALGO ...", "starts ranks, here or over ssh",
     tt_command_launch, .options = &tt_launch_option_list,
     .example = "launch -n 4 -- run mf --policy bsp --out out/first",
     .description =
         "Starts N ranks of a run, on this machine or on the hosts of a list, slot by slot. Rank 0 "
         "has the output; what others say goes to stderr, behind [rank@host]. When one fails, all "
         "end, and the exit code is that of the first. Ctrl-C keeps what was measured. No rank "
         "outlives the launcher or its connection."},
    {"sweep", "sweep FILE [-n] [-j J]", "the runs of an experiment file; resumes what is missing",
     tt_command_sweep, .options = &tt_sweep_option_list, .words = TT_WORD_FILE,
     .example = "sweep experiments/demo.cfg -j 2",
     .description =
         "Does the runs that the experiment FILE describes, each in a process of its own, and "
         "summarises them. What is there already, made by the same program with the same settings "
         "and data, is not run again."},
    {"reproduce", "reproduce [NAME...] [-n] [-j J]",
     "experiments by name: run, draw, check each claim", tt_command_reproduce,
     .options = &tt_reproduce_option_list, .words = TT_WORD_FILE, .example = "reproduce ssp-mf",
     .description =
         "Does the runs of experiments that are missing, draws their pictures, and checks what "
         "they "
         "claim: PASS or FAIL with the numbers that were measured. NAME is one of those that come "
         "with the program, or a file. Without NAME it lists them.\n\n"
         "The exit code is 0 if all claims hold, 1 if one does not, 77 if the data is not here."},
    {"data", "data gen|info|convert|match", "make, describe or convert data", tt_command_data,
     .options = &tt_data_option_list, .words = "gen|info|convert|match",
     .example = "data gen users=2000,items=500,rank=5,noise=0.5 --out ratings.txt.gz",
     .description =
         "'gen' writes synthetic data with a known answer: ratings, or with 'lda' a corpus, whose "
         "true topics go to topics.npy beside it. 'info FILE' describes a file, and "
         "'convert FROM TO' writes it in another format, which the name of TO tells.\n\n"
         "'match TRUE.npy RUN' says how well the run found those topics: the one-to-one matching "
         "of learned topics to true ones with the largest sum of cosines."},
    {"infer", "infer ALGO --model DIR --data FILE", "what a trained model says of new data",
     tt_command_infer, .options = &tt_infer_option_list, .words = TT_WORD_ALGO,
     .example = "infer lda --model out/topics --data docword.new.txt.gz --out mixtures.csv "
                "--format csv",
     .description =
         "Reads the model that a run left in DIR, and answers for each example of FILE, in its "
         "order: of lda, the topic mixture of each document. A model that is damaged, incomplete "
         "or of another algorithm is refused.\n\n"
         "Words are matched by the vocabularies where the model and the data both have one; how "
         "many are unknown is said on stderr."},
    {"calibrate", "calibrate", "seconds per unit of work here; latency and bandwidth",
     tt_command_calibrate, .options = &tt_calibrate_option_list,
     .example = "calibrate --out out/here.cfg",
     .description =
         "Measures what a unit of each algorithm's work costs on this machine, and the latency and "
         "bandwidth between two processes of it. The file is for 'sim --calibration'."},
    {"bench", "bench [NAME]", "microbenchmarks beside the raw limit of each", tt_command_bench,
     .options = &tt_bench_option_list, .words = TT_WORD_BENCH, .example = "bench core --quick",
     .description =
         "Measures parts of tortoise, each beside what the machine can do at most, in the same "
         "run. Without NAME it runs all."},
    {"report", "report DIR", "one self-contained HTML page of a run or a sweep", tt_command_report,
     .words = TT_WORD_DIRECTORY, .example = "report out/demo",
     .description =
         "Makes DIR/report.html of the files in DIR, with pictures where gnuplot is installed. The "
         "page needs no network."},
    {"doctor", "doctor [options]", "is all here that tortoise needs?", tt_command_doctor,
     .options = &tt_doctor_option_list, .example = "doctor --format json",
     .description =
         "Looks at the limits, clocks, network and programs of this machine. Each line is ok, or "
         "says what is wrong and what to do. The exit code is 1 if something would make runs "
         "fail."},
    {"version", "version [--features]", "version, and what it was built with", tt_command_version,
     .options = &tt_version_option_list, .example = "version --features",
     .description = "Prints the version and, with --features, what the program was built with."},
    {"help", "help [COMMAND]", "this, or the options of a command", tt_command_help,
     .options = &tt_help_option_list, .words = TT_WORD_COMMAND, .example = "help sim mf",
     .description =
         "Lists the commands, or the options of COMMAND; 'help sim ALGO' lists those of an "
         "algorithm. The manual pages and the completion of bash are made by it, too."},
};
const size_t tt_command_count = sizeof tt_commands / sizeof tt_commands[0];

/* Set once, by ps_main(). */
static const char *program_name = "tortoise";

const char *tt_program_name(void) {
    return program_name;
}

const tt_command *tt_command_find(const char *name) {
    for (size_t i = 0; i < tt_command_count; i++) {
        if (strcmp(tt_commands[i].name, name) == 0) {
            return &tt_commands[i];
        }
    }
    return NULL;
}

ps_err tt_command_refuse(const char *name, ps_fault *fault) {
    const char *names[sizeof tt_commands / sizeof tt_commands[0]];
    for (size_t i = 0; i < tt_command_count; i++) {
        names[i] = tt_commands[i].name;
    }
    const char *const nearest = psi_nearest(name, names, tt_command_count);
    if (nearest == NULL) {
        return ps_fault_set(fault, PS_EINVAL, "unknown command '%s'; '%s help' lists them", name,
                            program_name);
    }
    return ps_fault_set(fault, PS_EINVAL, "unknown command '%s'; did you mean '%s'?", name,
                        nearest);
}

ps_err tt_command_settings(const tt_command *command, const ps_algo *algo,
                           tt_settings *settings_out) {
    if (command->world != 0) {
        return tt_settings_init(settings_out, (tt_world)command->world, algo);
    }
    const tt_option_list *const list = command->options;
    return tt_settings_init_of(settings_out, command->name, list == NULL ? NULL : list->options,
                               list == NULL ? 0 : list->count);
}

static ps_err carry_out(int argc, char *const *argv, ps_fault *fault) {
    if (argc < 2) {
        return ps_fault_set(fault, PS_EINVAL, "no command; '%s help' lists them", program_name);
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = "help";
    }
    if (strcmp(name, "--version") == 0) {
        name = "version";
    }
    const tt_command *const command = tt_command_find(name);
    const tt_call call = {.argument_count = (size_t)argc,
                          .arguments = argv,
                          .own_count = (size_t)argc - 2,
                          .own = argv + 2};
    return command == NULL ? tt_command_refuse(name, fault) : command->run(&call, fault);
}

int ps_main(int argc, char *const *argv, const ps_algo *algo) {
    /* With it ignored, as whoever started this may have left it, no child could be waited for. */
    (void)signal(SIGCHLD, SIG_DFL);
    (void)gsl_set_error_handler_off();
    ps_fault fault = {0};
    ps_err err = PS_OK;
    if (algo != NULL && argc > 0) {
        const char *const slash = strrchr(argv[0], '/');
        program_name = slash == NULL ? argv[0] : slash + 1;
    }
    if (algo != NULL) {
        err = tt_subject_add(algo, &fault);
    }
    if (err == PS_OK) {
        err = carry_out(argc, argv, &fault);
    }
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && err == PS_OK) {
        err = ps_fault_set(&fault, PS_EIO, "standard output cannot be written");
    }
    if (err != PS_OK) {
        (void)fprintf(stderr, "%s: %s\n", program_name,
                      fault.text[0] == '\0' ? ps_err_text(err) : fault.text);
    }
    return ps_err_exit_code(err);
}

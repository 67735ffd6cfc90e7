/* The commands of the program. Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 input read only in part. */
#pragma once

#include "app/settings.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PARTIAL = 3 };

/* `decoder`: the program that decodes (app/decoder), where no setting names another one. It need not be there. */
int earshot_main(int argc, char **argv, const char *decoder);

int command_read(int argc, char **argv, const char *decoder);
int command_run(int argc, char **argv, const char *decoder);
int command_token(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_retention(int argc, char **argv);
int command_rebuild(int argc, char **argv);
int command_calls(int argc, char **argv);
int command_call(int argc, char **argv);
int command_top(int argc, char **argv);
int command_export(int argc, char **argv);
int command_import(int argc, char **argv);

/* Prints "earshot: sentence" to standard error and returns `code`. */
int complain(int code, const struct why *why);
/* An option that all commands have, or that this one has not: what it says of its options, or where that stands. The exit code. */
int other_option(int option, const char *command, const char *usage);
/* Behind the options of a command that takes nothing else: -1, or the exit code and what was one too many. */
int nothing_more(const char *command, int argc, char **argv);
/* Settings of --config (NULL: the default file) with all checks, or a complaint and EXIT_USAGE. */
int load_settings(const char *path, struct settings *ret_settings);

/* `earshot --check-decoder`: what a process that decodes must not be able to do is tried (probes.def), each in a process of its
 * own, because most attempts end it. */
#pragma once

/* Tries all of it in the data directory of the settings, with the program `decoder` or the one that they name; prints what
 * became of each. An exit code. */
int probe_command(const char *config_path, const char *decoder);

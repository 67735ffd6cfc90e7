/* Command line of earshot-traffic. */
#pragma once

#include "tests/support/build/traffic.h"

struct options {
    struct traffic_config traffic;
    bool nanoseconds, help;
    const char *out, *truth;
};

extern const char options_usage[];
int options_parse(int argc, char **argv, struct options *ret_options, struct why *why);

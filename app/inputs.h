/* What the commands read from, as people name it: files, directories and interfaces, with an offset for those whose clock
 * differs. */
#pragma once

#include "app/settings.h"
#include "capture/source/source.h"

#define INPUTS_IFACES_MAX  8 /* interfaces at once; as many have a name in the metrics */
#define INPUTS_OFFSETS_MAX 64

/* Time offsets by the name of the input. */
struct offsets {
    struct {
        char name[SETTING_TEXT_MAX];
        int64_t ns;
        bool used;
    } list[INPUTS_OFFSETS_MAX];
    unsigned count;
};

/* "NAME=SECONDS", with sign and fraction: "tap2.pcap=-1.5". A later one of the same name counts. */
int offsets_add(struct offsets *o, const char *text, struct why *why);
/* Several, with commas between. */
int offsets_add_list(struct offsets *o, const char *text, struct why *why);
/* That of `name`, or 0. */
int64_t offsets_of(struct offsets *o, const char *name);
/* ERR_INVALID names one that belongs to none of these inputs. */
int offsets_check(struct offsets *o, char *const *names, size_t count, struct why *why);

/* Capture files in the order of their time (source_open_files). Offsets are those of the settings and of `offsets`, which
 * may be NULL. */
struct inputs_files {
    const struct settings *settings;
    char *const *paths;
    size_t count;
    const char *filter;
    struct offsets *offsets;
    source_trouble_fn *trouble;
    void *context;
};

int inputs_open_files(const struct inputs_files *files, struct source **ret_source, struct why *why);

/* The interfaces of [capture] interface. */
struct inputs_ifaces {
    unsigned count;
    char names[INPUTS_IFACES_MAX][16];
    int64_t lowest_offset_ns; /* <= 0: how far their time may lag behind the clock */
    bool hep;                 /* there are listeners beside them */
};

/* None is fine. ERR_INVALID when the list names too many, or one twice. */
int inputs_list_ifaces(const struct settings *s, struct inputs_ifaces *ret_ifaces, struct why *why);
/* Opens all of them, and the listeners of [hep]. ERR_INVALID when there is neither. */
int inputs_open_live(const struct settings *s, struct inputs_ifaces *ifaces, struct offsets *offsets,
                     source_trouble_fn *trouble, void *context, struct source **ret_source, struct why *why);

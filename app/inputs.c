#include "app/inputs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/hep_source.h"

#define OFFSET_MAX_S 1e9

/* ---- offsets ---- */

static bool read_seconds(const char *text, int64_t *ret_ns)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || !isfinite(seconds) || fabs(seconds) > OFFSET_MAX_S)
        return false;
    if (*end == 's')
        end++;
    *ret_ns = (int64_t)llround(seconds * 1e9);
    return *end == '\0';
}

static int offset_wrong(const char *text, struct why *why)
{
    why_set(why, "the offset \"%.200s\" is not NAME=SECONDS, such as tap2.pcap=-1.5", text);
    return ERR_INVALID;
}

int offsets_add(struct offsets *o, const char *text, struct why *why)
{
    const char *sign = strrchr(text, '=');
    int64_t ns;
    if (sign == NULL || sign == text || (size_t)(sign - text) >= sizeof o->list[0].name || !read_seconds(sign + 1, &ns))
        return offset_wrong(text, why);
    if (o->count == INPUTS_OFFSETS_MAX) {
        why_set(why, "more than %d offsets", INPUTS_OFFSETS_MAX);
        return ERR_INVALID;
    }
    slice_copy_to(slice_of(text, (size_t)(sign - text)), o->list[o->count].name, sizeof o->list[0].name);
    o->list[o->count].ns = ns;
    o->list[o->count].used = false;
    o->count++;
    return 0;
}

int offsets_add_list(struct offsets *o, const char *text, struct why *why)
{
    struct slice rest = slice_str(text);
    while (rest.size > 0) {
        char one[SETTING_TEXT_MAX];
        struct slice part = slice_trim(slice_cut(&rest, ','));
        if (part.size == 0)
            continue;
        slice_copy_to(part, one, sizeof one);
        int err = offsets_add(o, one, why);
        if (err)
            return err;
    }
    return 0;
}

int64_t offsets_of(struct offsets *o, const char *name)
{
    int64_t ns = 0;
    for (unsigned i = 0; i < o->count; i++) {
        if (strcmp(o->list[i].name, name) == 0) {
            o->list[i].used = true;
            ns = o->list[i].ns;
        }
    }
    return ns;
}

static int check_used(const struct offsets *o, struct why *why)
{
    for (unsigned i = 0; i < o->count; i++) {
        if (!o->list[i].used) {
            why_set(why, "the offset for %.200s: that is none of the inputs", o->list[i].name);
            return ERR_INVALID;
        }
    }
    return 0;
}

int offsets_check(struct offsets *o, char *const *names, size_t count, struct why *why)
{
    for (size_t i = 0; i < count; i++)
        (void)offsets_of(o, names[i]);
    return check_used(o, why);
}

/* Offsets of the settings first, so that those of the command line count; the former may name what is not read today. */
static int gather(const struct settings *s, const struct offsets *more, struct offsets *ret_all, struct why *why)
{
    *ret_all = (struct offsets){0};
    int err = offsets_add_list(ret_all, s->capture_offset, why);
    for (unsigned i = 0; i < ret_all->count; i++)
        ret_all->list[i].used = true;
    for (unsigned i = 0; !err && more && i < more->count; i++) {
        if (ret_all->count == INPUTS_OFFSETS_MAX) {
            why_set(why, "more than %d offsets", INPUTS_OFFSETS_MAX);
            return ERR_INVALID;
        }
        ret_all->list[ret_all->count++] = more->list[i];
    }
    return err;
}

/* ---- files ---- */

static int list_files(const struct inputs_files *files, struct source_file *list, struct why *why)
{
    struct offsets *all = malloc(sizeof *all);
    if (all == NULL) {
        why_set(why, "no memory for the list of files");
        return ERR_NOMEM;
    }
    int err = gather(files->settings, files->offsets, all, why);
    for (size_t i = 0; !err && i < files->count; i++)
        list[i] = (struct source_file){.path = files->paths[i], .offset_ns = offsets_of(all, files->paths[i])};
    free(all);
    return err;
}

int inputs_open_files(const struct inputs_files *files, struct source **ret_source, struct why *why)
{
    struct source_file *list = calloc(files->count, sizeof *list);
    if (list == NULL) {
        why_set(why, "no memory for the list of files");
        return ERR_NOMEM;
    }
    struct source_files_config config = {
        .files = list,
        .count = files->count,
        .filter = files->filter,
        .unpack_max = (uint64_t)files->settings->capture_unpacked_max,
        .trouble = files->trouble,
        .context = files->context,
    };
    int err = list_files(files, list, why);
    if (!err)
        err = source_open_files(&config, ret_source, why);
    free(list);
    return err;
}

/* ---- interfaces ---- */

static int add_iface(struct inputs_ifaces *ifaces, struct slice name, struct why *why)
{
    if (ifaces->count == INPUTS_IFACES_MAX) {
        why_set(why, "[capture] interface names more than %d interfaces", INPUTS_IFACES_MAX);
        return ERR_INVALID;
    }
    if (name.size >= sizeof ifaces->names[0]) {
        why_set(why, "interface %.*s does not exist: its name is too long", SLICE_ARGS(slice_sub(name, 0, 60)));
        return ERR_INVALID;
    }
    for (unsigned i = 0; i < ifaces->count; i++) {
        if (slice_is(name, ifaces->names[i])) {
            why_set(why, "[capture] interface names %s twice", ifaces->names[i]);
            return ERR_INVALID;
        }
    }
    slice_copy_to(name, ifaces->names[ifaces->count++], sizeof ifaces->names[0]);
    return 0;
}

int inputs_list_ifaces(const struct settings *s, struct inputs_ifaces *ret_ifaces, struct why *why)
{
    struct slice rest = slice_str(s->capture_interface);
    *ret_ifaces = (struct inputs_ifaces){0};
    while (rest.size > 0) {
        struct slice name = slice_trim(slice_cut(&rest, ','));
        int err = name.size ? add_iface(ret_ifaces, name, why) : 0;
        if (err)
            return err;
    }
    return 0;
}

static int open_iface(const struct settings *s, const char *name, unsigned index, struct source **ret_source, struct why *why)
{
    struct source_live_config live = {
        .interface = name,
        .ring_bytes = (size_t)s->capture_ring,
        .snaplen = (int)s->capture_snaplen,
        .promiscuous = s->capture_promiscuous,
        .immediate = s->capture_immediate,
        .filter = s->capture_filter,
        .iface = (uint16_t)index,
    };
    return source_open_live(&live, ret_source, why);
}

static int take_offsets(const struct settings *s, struct inputs_ifaces *ifaces, const struct offsets *offsets,
                        struct source_input *list, struct why *why)
{
    struct offsets *all = malloc(sizeof *all);
    if (all == NULL) {
        why_set(why, "no memory for the interfaces");
        return ERR_NOMEM;
    }
    int err = gather(s, offsets, all, why);
    for (unsigned i = 0; !err && i < ifaces->count; i++) {
        list[i].offset_ns = offsets_of(all, ifaces->names[i]);
        if (list[i].offset_ns < ifaces->lowest_offset_ns)
            ifaces->lowest_offset_ns = list[i].offset_ns;
    }
    if (!err)
        err = check_used(all, why);
    free(all);
    return err;
}

static int open_each(const struct settings *s, struct inputs_ifaces *ifaces, struct source_input *list, unsigned *count,
                     struct why *why)
{
    int err = 0;
    for (unsigned i = 0; !err && i < ifaces->count; i++) {
        err = open_iface(s, ifaces->names[i], i, &list[i].source, why);
        *count += !err;
    }
    if (!err)
        err = hep_source_open(s, &list[*count].source, why);
    ifaces->hep = !err && list[*count].source != NULL;
    *count += ifaces->hep;
    if (!err && *count == 0) {
        why_set(why, "no interface: name the mirror port with --interface IF or [capture] interface, a file with --read, or where "
                     "to listen for HEP with [hep] listen");
        err = ERR_INVALID;
    }
    return err;
}

int inputs_open_live(const struct settings *s, struct inputs_ifaces *ifaces, struct offsets *offsets,
                     source_trouble_fn *trouble, void *context, struct source **ret_source, struct why *why)
{
    struct source_input list[INPUTS_IFACES_MAX + 1] = {{0}};
    unsigned count = 0;
    int err = take_offsets(s, ifaces, offsets, list, why);
    if (!err)
        err = open_each(s, ifaces, list, &count, why);
    if (err) {
        while (count > 0)
            source_close(list[--count].source);
        return err;
    }
    if (count == 1 && list[0].offset_ns == 0) {
        *ret_source = list[0].source; /* nothing stands between it and the front */
        return 0;
    }
    return source_open_merge(list, count, trouble, context, ret_source, why);
}

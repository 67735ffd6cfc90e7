/* Lists in settings are separated by commas; tenants are written `vlan 10 = 1`, aliases
 * `198.51.100.7 = 10.0.0.7`. */
#include "app/wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/places.h"
#include "base/crypto.h"
#include "capture/source/key_log.h"

#define SPACES_MAX 64
#define PEM_MAX    (64u << 10)
#define KEYS_MAX   8
#define WORD_MAX   256

struct wire {
    struct net_space numbered[SPACES_MAX]; /* of capture.tenants */
    unsigned numbered_count;
    struct net_space *spaces; /* those, and what the tenants with names have */
    unsigned space_count;
    struct place_names *names;
    struct place_turn *turn; /* the table of places, and the one that comes in its place */
    uint16_t ports[16];
    unsigned port_count;
    struct front_alias aliases[FRONT_ALIASES_MAX];
    unsigned alias_count;
    char private_keys[KEYS_MAX][WORD_MAX];
    unsigned private_key_count;
    struct key_log *keys;
    struct stir_keys *stir;
};

/* ---- lists ---- */

/* The next item up to a comma, without blanks around it; false at the end. */
static bool next_item(const char **at, char out[WORD_MAX])
{
    const char *p = *at;
    while (*p == ',' || isspace((unsigned char)*p))
        p++;
    size_t n = strcspn(p, ",");
    *at = p + n;
    while (n > 0 && isspace((unsigned char)p[n - 1]))
        n--;
    if (n == 0)
        return false;
    snprintf(out, WORD_MAX, "%.*s", (int)(n < WORD_MAX ? n : WORD_MAX - 1), p);
    return true;
}

static int read_ports(struct wire *w, const char *text, struct why *why)
{
    char item[WORD_MAX];
    while (next_item(&text, item)) {
        char *end;
        unsigned long port = strtoul(item, &end, 10);
        if (*end != '\0' || port == 0 || port > UINT16_MAX) {
            why_set(why,
                    "tls.ports: \"%s\" is no port; write numbers from 1 to 65535, e.g. 5061, 8089",
                    item);
            return ERR_INVALID;
        }
        if (w->port_count == sizeof w->ports / sizeof *w->ports) {
            why_set(why, "tls.ports: more than 16 ports");
            return ERR_INVALID;
        }
        w->ports[w->port_count++] = (uint16_t)port;
    }
    return 0;
}

static bool read_space(const char *item, struct net_space *ret_space)
{
    char kind[16];
    unsigned id, space;
    int end = 0;
    if (sscanf(item, "%15s %u = %u%n", kind, &id, &space, &end) != 3 || item[end] != '\0' ||
        space == 0)
        return false;
    *ret_space = (struct net_space){.wrapping = WRAP_NONE, .id = id, .space = space};
    if (strcmp(kind, "vlan") == 0)
        return id >= 1 && id <= 4094;
    for (unsigned i = 1; i < WRAPPINGS; i++) {
        if (strcmp(kind, wrapping_text(i)) == 0) {
            ret_space->wrapping = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static int read_spaces(struct wire *w, const char *text, struct why *why)
{
    char item[WORD_MAX];
    while (next_item(&text, item)) {
        if (w->numbered_count == SPACES_MAX) {
            why_set(why, "capture.tenants: more than %d entries", SPACES_MAX);
            return ERR_INVALID;
        }
        if (!read_space(item, &w->numbered[w->numbered_count++])) {
            why_set(why,
                    "capture.tenants: \"%s\" is not understood; write e.g. vlan 10 = 1, vxlan 5001 "
                    "= 2 (numbers of tenants begin at 1)",
                    item);
            return ERR_INVALID;
        }
    }
    return 0;
}

static int make_places(struct wire *w, const struct places *places, struct why *why)
{
    struct place_spaces named;
    w->names = place_names_new();
    w->turn = calloc(1, sizeof *w->turn);
    if (w->names == NULL || w->turn == NULL)
        return ERR_NOMEM;
    int err = places_build(places, w->names, w->numbered, w->numbered_count, &w->turn->now, &named, why);
    if (err)
        return err;
    w->space_count = w->numbered_count + named.count;
    w->spaces = malloc((w->space_count + 1) * sizeof *w->spaces);
    if (w->spaces) {
        memcpy(w->spaces, w->numbered, w->numbered_count * sizeof *w->spaces);
        for (unsigned i = 0; i < named.count; i++)
            w->spaces[w->numbered_count + i] = named.of[i];
    }
    free(named.of);
    return w->spaces ? 0 : ERR_NOMEM;
}

static bool read_alias(const char *item, struct front_alias *ret_alias)
{
    struct slice rest = slice_str(item);
    size_t equals = slice_index(rest, '=');
    return addr_parse(slice_trim(slice_sub(rest, 0, equals)), &ret_alias->one) &&
           addr_parse(slice_trim(slice_from(rest, equals + 1)), &ret_alias->other) &&
           !addr_is_any(ret_alias->one) && !addr_is_any(ret_alias->other);
}

static int read_aliases(struct wire *w, const char *text, struct why *why)
{
    char item[WORD_MAX];
    while (next_item(&text, item)) {
        if (w->alias_count == FRONT_ALIASES_MAX) {
            why_set(why, "nat.alias: more than %d pairs", FRONT_ALIASES_MAX);
            return ERR_INVALID;
        }
        if (!read_alias(item, &w->aliases[w->alias_count++])) {
            why_set(why,
                    "nat.alias: \"%s\" is no pair of addresses; write e.g. 198.51.100.7 = 10.0.0.7",
                    item);
            return ERR_INVALID;
        }
    }
    return 0;
}

static int read_private_keys(struct wire *w, const char *text, struct why *why)
{
    while (w->private_key_count < KEYS_MAX &&
           next_item(&text, w->private_keys[w->private_key_count]))
        w->private_key_count++;
    char more[WORD_MAX];
    if (next_item(&text, more)) {
        why_set(why, "tls.private_keys: more than %d files", KEYS_MAX);
        return ERR_INVALID;
    }
    return 0;
}

int wire_open(const struct settings *s, struct wire **ret_wire, struct why *why)
{
    return wire_open_with(s, s->places, ret_wire, why);
}

int wire_open_with(const struct settings *s, const struct places *places, struct wire **ret_wire, struct why *why)
{
    struct wire *w = calloc(1, sizeof *w);
    if (w == NULL)
        return ERR_NOMEM;
    int err = read_ports(w, s->tls_ports, why);
    if (err == 0)
        err = read_spaces(w, s->tenants, why);
    if (err == 0)
        err = make_places(w, places, why);
    if (err == 0)
        err = read_aliases(w, s->nat_alias, why);
    if (err == 0)
        err = read_private_keys(w, s->tls_private_keys, why);
    if (err == 0)
        err = stir_keys_load(s->stir_certificates, &w->stir, why);
    if (err == 0 && s->tls_key_log[0])
        err = key_log_open(s->tls_key_log, &w->keys, why);
    if (err) {
        wire_close(w);
        return err;
    }
    *ret_wire = w;
    return 0;
}

void wire_close(struct wire *w)
{
    if (w == NULL)
        return;
    key_log_close(w->keys);
    stir_keys_free(w->stir);
    if (w->turn)
        place_turn_fini(w->turn);
    free(w->turn);
    place_names_free(w->names);
    free(w->spaces);
    free(w);
}

void wire_configure(const struct wire *w, struct front_config *config)
{
    config->net.spaces = w->spaces;
    config->net.spaces_count = w->space_count;
    config->places = w->turn->now;
    config->turn = w->turn;
    memcpy(config->streams.tls_ports, w->ports, sizeof w->ports);
    config->streams.tls_port_count = w->port_count;
    memcpy(config->alias, w->aliases, sizeof w->aliases);
    config->alias_count = w->alias_count;
    config->streams.keys = w->keys != NULL || w->private_key_count > 0;
}

const struct stir_keys *wire_stir(const struct wire *w)
{
    return w->stir;
}

static void label_counters(const struct place_table *t, struct counters_set *set, struct counters *gauges)
{
    for (unsigned i = 1; i <= place_count(t, PLACE_TRUNK); i++) {
        counters_name_trunk(set, i, place_name(t, PLACE_TRUNK, i));
        counters_set(gauges, C_TRUNK_CAPACITY + i, place_capacity(t, i));
    }
}

void wire_label_counters(const struct wire *w, struct counters_set *set, struct counters *gauges)
{
    label_counters(w->turn->now, set, gauges);
}

/* ---- other places ---- */

static int build_places(const struct wire *w, const struct places *places, struct place_table **ret_table, struct why *why)
{
    struct place_spaces spaces;
    int err = places_build(places, w->names, w->numbered, w->numbered_count, ret_table, &spaces, why);
    if (err == 0)
        free(spaces.of);
    return err;
}

int wire_try_places(const struct wire *w, const struct places *places, struct why *why)
{
    struct place_table *table = NULL;
    unsigned mark[PLACE_KINDS];
    place_names_mark(w->names, mark);
    int err = build_places(w, places, &table, why);
    place_table_free(table);
    place_names_back(w->names, mark);
    return err;
}

int wire_put_places(struct wire *w, const struct places *places, struct counters_set *set, struct counters *gauges, struct why *why)
{
    struct place_table *table = NULL;
    int err = build_places(w, places, &table, why);
    if (err)
        return err;
    label_counters(table, set, gauges);
    place_turn_put(w->turn, table);
    return 0;
}

/* ---- keys ---- */

static int read_pem(const char *path, uint8_t *out, size_t *ret_size, struct why *why)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        why_set(why, "tls.private_keys: cannot read %s: %m", path);
        return ERR_NOT_FOUND;
    }
    *ret_size = fread(out, 1, PEM_MAX, file);
    fclose(file);
    return 0;
}

static int add_private_key(struct pipeline *p, const char *path, struct why *why)
{
    uint8_t *pem = malloc(PEM_MAX);
    size_t size = 0;
    if (pem == NULL)
        return ERR_NOMEM;
    int err = read_pem(path, pem, &size, why);
    if (err == 0) {
        struct why reason = {0};
        err = pipeline_private_key(p, slice_of(pem, size), &reason);
        if (err)
            why_set(why, "tls.private_keys: %s: %s", path, reason.text);
    }
    crypto_wipe(pem, PEM_MAX);
    free(pem);
    return err;
}

static void on_line(void *context, struct slice line)
{
    pipeline_key_line(context, line);
}

int wire_start(struct wire *w, struct pipeline *p, struct why *why)
{
    int err = 0;
    for (unsigned i = 0; err == 0 && i < w->private_key_count; i++)
        err = add_private_key(p, w->private_keys[i], why);
    if (err == 0)
        wire_poll(w, p);
    return err;
}

void wire_poll(struct wire *w, struct pipeline *p)
{
    if (w->keys)
        (void)key_log_poll(w->keys, on_line, p);
}

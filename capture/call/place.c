/* Sorted arrays and binary search. Networks are sorted by length, longest first, then by address:
 * a look-up masks the address for each length that occurs and searches that stretch. Texts
 * (domains, prefixes) are sorted by what they are, then by their bytes: a suffix is found by trying
 * each dot of the host, a prefix by trying each length of the number. */
#include "capture/call/place.h"

#include <assert.h>
#include <stdlib.h>

#define HOST_MAX   256
#define NUMBER_MAX 32
#define VLANS      4096

enum text_kind { TEXT_DOMAIN, TEXT_SUFFIX, TEXT_PREFIX };

struct network {
    struct place_network net;
    uint8_t kind;
    uint16_t number;
};

struct text {
    char *text;
    uint8_t text_kind;
    uint8_t kind;
    uint16_t number;
};

struct id_entry {
    uint32_t id;
    uint16_t number;
};

struct named {
    bool there; /* else its number is that of a name of an earlier table */
    uint32_t capacity;
    uint16_t tenant;
    bool by_end;    /* a trunk with peers or domains */
    bool by_prefix; /* a trunk with prefixes */
};

static const unsigned named_max[PLACE_KINDS] = {0, PLACE_TRUNKS_MAX, PLACE_SITES_MAX,
                                                PLACE_TENANTS_MAX};

struct place_names {
    char (*name[PLACE_KINDS])[PLACE_NAME_SIZE]; /* by number */
    unsigned count[PLACE_KINDS];
};

struct place_table {
    struct place_names *names;
    bool own_names;
    bool sealed;
    bool ours_named; /* there are networks or domains of ours */
    struct named *named[PLACE_KINDS];
    unsigned named_count[PLACE_KINDS];
    struct network *networks;
    unsigned network_count;
    struct {
        unsigned first, end;
    } stretch[129]; /* by length */
    struct text *texts;
    unsigned text_count;
    uint16_t vlan_site[VLANS];
    struct id_entry *vnis, *spaces;
    unsigned vni_count, space_count;
};

/* ---- parsing ---- */

static struct addr masked(struct addr a, unsigned length)
{
    uint64_t high = length == 0 ? 0 : length >= 64 ? UINT64_MAX : UINT64_MAX << (64 - length);
    uint64_t low = length <= 64 ? 0 : length >= 128 ? UINT64_MAX : UINT64_MAX << (128 - length);
    return (struct addr){a.high & high, a.low & low};
}

bool place_network_parse(struct slice text, struct place_network *ret_network)
{
    size_t slash = slice_index(text, '/');
    struct addr a;
    uint64_t length;
    if (!addr_parse(slice_sub(text, 0, slash), &a))
        return false;
    unsigned longest = addr_is_v4(a) ? 32 : 128;
    length = longest;
    if (slash < text.size && !slice_to_u64(slice_from(text, slash + 1), longest, &length))
        return false;
    unsigned whole = (unsigned)length + 128 - longest;
    *ret_network = (struct place_network){.addr = masked(a, whole), .length = (uint8_t)whole};
    return true;
}

bool place_network_has(const struct place_network *n, struct addr a)
{
    return addr_equal(masked(a, n->length), n->addr);
}

bool place_peer_parse(struct slice text, struct place_network *ret_network)
{
    struct place_network n;
    uint64_t port;
    if (place_network_parse(text, ret_network))
        return true;
    size_t colon = text.size;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon == 0 || !place_network_parse(slice_sub(text, 0, colon - 1), &n) ||
        !slice_to_u64(slice_from(text, colon), UINT16_MAX, &port) || port == 0)
        return false;
    if (!addr_is_v4(n.addr) && text.data[0] != '[')
        return false;
    n.port = (uint16_t)port;
    *ret_network = n;
    return true;
}

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

bool place_domain_valid(struct slice text)
{
    if (slice_starts(text, "*."))
        text = slice_from(text, 1);
    if (text.size < 2 || text.size >= HOST_MAX || text.data[text.size - 1] == '.')
        return false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool doubled = c == '.' && i > 0 && text.data[i - 1] == '.';
        if (doubled || !(is_letter_or_digit(c) || c == '.' || c == '-' || c == '_'))
            return false;
    }
    return true;
}

bool place_prefix_valid(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (!((c >= '0' && c <= '9') || c == '*' || c == '#' || (c == '+' && i == 0)))
            return false;
    }
    return text.size > 0 && text.size <= NUMBER_MAX;
}

bool place_name_valid(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (!is_letter_or_digit(c) && c != '-' && c != '_')
            return false;
    }
    return text.size > 0 && text.size < PLACE_NAME_SIZE;
}

/* ---- filling ---- */

struct place_names *place_names_new(void)
{
    struct place_names *n = calloc(1, sizeof *n);
    bool good = n != NULL;
    for (unsigned kind = PLACE_TRUNK; good && kind < PLACE_KINDS; kind++) {
        n->name[kind] = calloc(named_max[kind] + 1, sizeof *n->name[kind]);
        good = n->name[kind] != NULL;
    }
    if (good)
        return n;
    place_names_free(n);
    return NULL;
}

void place_names_free(struct place_names *n)
{
    for (unsigned kind = PLACE_TRUNK; n && kind < PLACE_KINDS; kind++)
        free(n->name[kind]);
    free(n);
}

void place_names_mark(const struct place_names *n, unsigned ret_mark[PLACE_KINDS])
{
    memcpy(ret_mark, n->count, sizeof n->count);
}

void place_names_back(struct place_names *n, const unsigned mark[PLACE_KINDS])
{
    memcpy(n->count, mark, sizeof n->count);
}

bool place_names_empty(const struct place_names *n)
{
    return n->count[PLACE_TRUNK] + n->count[PLACE_SITE] + n->count[PLACE_TENANT] == 0;
}

/* The number of a name, a new one for one that is not known; 0: there is no room. */
static unsigned number_of(struct place_names *n, enum place_kind kind, struct slice name)
{
    for (unsigned i = 1; i <= n->count[kind]; i++)
        if (slice_is(name, n->name[kind][i]))
            return i;
    if (n->count[kind] == named_max[kind])
        return 0;
    slice_copy_to(name, n->name[kind][++n->count[kind]], PLACE_NAME_SIZE);
    return n->count[kind];
}

struct place_table *place_table_new(void)
{
    struct place_names *names = place_names_new();
    struct place_table *t = names ? place_table_new_of(names) : NULL;
    if (t)
        t->own_names = true;
    else
        place_names_free(names);
    return t;
}

struct place_table *place_table_new_of(struct place_names *names)
{
    struct place_table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->names = names;
    t->networks = calloc(PLACE_NETWORKS_MAX, sizeof *t->networks);
    t->texts = calloc(PLACE_TEXTS_MAX, sizeof *t->texts);
    t->vnis = calloc(PLACE_SPACES_MAX, sizeof *t->vnis);
    t->spaces = calloc(PLACE_SPACES_MAX, sizeof *t->spaces);
    bool good = t->networks && t->texts && t->vnis && t->spaces;
    for (unsigned kind = PLACE_TRUNK; kind < PLACE_KINDS; kind++) {
        t->named[kind] = calloc(named_max[kind] + 1, sizeof *t->named[kind]);
        good = good && t->named[kind];
    }
    if (good)
        return t;
    place_table_free(t);
    return NULL;
}

void place_table_free(struct place_table *t)
{
    if (t == NULL)
        return;
    for (unsigned kind = PLACE_TRUNK; kind < PLACE_KINDS; kind++)
        free(t->named[kind]);
    if (t->own_names)
        place_names_free(t->names);
    for (unsigned i = 0; i < t->text_count; i++)
        free(t->texts[i].text);
    free(t->networks);
    free(t->texts);
    free(t->vnis);
    free(t->spaces);
    free(t);
}

static struct named *named_at(struct place_table *t, enum place_kind kind, unsigned number)
{
    assert(!t->sealed && number <= t->named_count[kind]);
    return kind == PLACE_INSIDE ? NULL : &t->named[kind][number];
}

int place_add(struct place_table *t, enum place_kind kind, struct slice name, unsigned *ret_number)
{
    assert(!t->sealed && place_name_valid(name));
    unsigned number = number_of(t->names, kind, name);
    if (number == 0)
        return ERR_NOMEM;
    if (t->named_count[kind] < number)
        t->named_count[kind] = number;
    t->named[kind][number].there = true;
    *ret_number = number;
    return 0;
}

static void known_by_end(struct place_table *t, enum place_kind kind, unsigned number)
{
    struct named *n = named_at(t, kind, number);
    if (n)
        n->by_end = true;
    else
        t->ours_named = true;
}

int place_add_network(struct place_table *t, enum place_kind kind, unsigned number,
                      const struct place_network *network)
{
    if (t->network_count == PLACE_NETWORKS_MAX)
        return ERR_NOMEM;
    known_by_end(t, kind, number);
    t->networks[t->network_count++] =
        (struct network){.net = *network, .kind = (uint8_t)kind, .number = (uint16_t)number};
    return 0;
}

static char *lower_copy(struct slice s)
{
    char *copy = strndup((const char *)s.data, s.size);
    for (char *c = copy; c && *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 32) : *c;
    return copy;
}

static int add_text(struct place_table *t, enum text_kind text_kind, enum place_kind kind,
                    unsigned number, struct slice value)
{
    char *copy = t->text_count == PLACE_TEXTS_MAX ? NULL : lower_copy(value);
    if (copy == NULL)
        return ERR_NOMEM;
    t->texts[t->text_count++] = (struct text){.text = copy,
                                              .text_kind = (uint8_t)text_kind,
                                              .kind = (uint8_t)kind,
                                              .number = (uint16_t)number};
    return 0;
}

int place_add_domain(struct place_table *t, enum place_kind kind, unsigned number,
                     struct slice domain)
{
    assert(place_domain_valid(domain));
    known_by_end(t, kind, number);
    if (domain.data[0] == '*')
        domain = slice_from(domain, 1);
    enum text_kind text_kind = domain.data[0] == '.' ? TEXT_SUFFIX : TEXT_DOMAIN;
    return add_text(t, text_kind, kind, number, domain);
}

int place_add_prefix(struct place_table *t, unsigned trunk, struct slice prefix)
{
    assert(place_prefix_valid(prefix));
    named_at(t, PLACE_TRUNK, trunk)->by_prefix = true;
    return add_text(t, TEXT_PREFIX, PLACE_TRUNK, trunk, prefix);
}

void place_add_vlan(struct place_table *t, unsigned site, uint16_t vlan)
{
    assert(!t->sealed && vlan < VLANS);
    if (t->vlan_site[vlan] == 0)
        t->vlan_site[vlan] = (uint16_t)site;
}

static int add_id(struct id_entry *entries, unsigned *count, uint32_t id, unsigned number)
{
    if (*count == PLACE_SPACES_MAX)
        return ERR_NOMEM;
    entries[(*count)++] = (struct id_entry){.id = id, .number = (uint16_t)number};
    return 0;
}

int place_add_vni(struct place_table *t, unsigned site, uint32_t vni)
{
    return add_id(t->vnis, &t->vni_count, vni, site);
}

int place_add_space(struct place_table *t, unsigned tenant, uint32_t space)
{
    return add_id(t->spaces, &t->space_count, space, tenant);
}

void place_set_tenant(struct place_table *t, enum place_kind kind, unsigned number, unsigned tenant)
{
    named_at(t, kind, number)->tenant = (uint16_t)tenant;
}

void place_set_capacity(struct place_table *t, unsigned trunk, uint32_t calls)
{
    named_at(t, PLACE_TRUNK, trunk)->capacity = calls;
}

static int addr_order(struct addr a, struct addr b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return a.low == b.low ? 0 : a.low < b.low ? -1 : 1;
}

static int network_order(const void *a, const void *b)
{
    const struct network *x = a, *y = b;
    if (x->net.length != y->net.length)
        return x->net.length > y->net.length ? -1 : 1;
    int order = addr_order(x->net.addr, y->net.addr);
    return order ? order : x->number - y->number;
}

static int text_order(const void *a, const void *b)
{
    const struct text *x = a, *y = b;
    if (x->text_kind != y->text_kind)
        return x->text_kind - y->text_kind;
    int order = strcmp(x->text, y->text);
    return order ? order : x->number - y->number;
}

static int id_order(const void *a, const void *b)
{
    const struct id_entry *x = a, *y = b;
    return x->id == y->id ? 0 : x->id < y->id ? -1 : 1;
}

void place_table_seal(struct place_table *t)
{
    qsort(t->networks, t->network_count, sizeof *t->networks, network_order);
    qsort(t->texts, t->text_count, sizeof *t->texts, text_order);
    qsort(t->vnis, t->vni_count, sizeof *t->vnis, id_order);
    qsort(t->spaces, t->space_count, sizeof *t->spaces, id_order);
    for (unsigned i = 0; i < t->network_count; i++) {
        unsigned length = t->networks[i].net.length;
        if (t->stretch[length].end == 0)
            t->stretch[length].first = i;
        t->stretch[length].end = i + 1;
    }
    t->sealed = true;
}

/* ---- names ---- */

const char *place_name(const struct place_table *t, enum place_kind kind, unsigned number)
{
    return t && number ? t->names->name[kind][number] : NULL;
}

unsigned place_find(const struct place_table *t, enum place_kind kind, struct slice name)
{
    for (unsigned i = 1; i <= t->named_count[kind]; i++)
        if (t->named[kind][i].there && slice_is(name, t->names->name[kind][i]))
            return i;
    return 0;
}

unsigned place_count(const struct place_table *t, enum place_kind kind)
{
    return t ? t->named_count[kind] : 0;
}

uint32_t place_capacity(const struct place_table *t, unsigned trunk)
{
    return t->named[PLACE_TRUNK][trunk].capacity;
}

/* ---- taking turns ---- */

void place_turn_put(struct place_turn *t, struct place_table *next)
{
    place_table_free(atomic_exchange(&t->next, next));
}

bool place_turn_take(struct place_turn *t)
{
    if (__builtin_expect(atomic_load_explicit(&t->next, memory_order_relaxed) == NULL, 1))
        return false;
    struct place_table *next = atomic_exchange(&t->next, NULL);
    if (next == NULL)
        return false;
    place_table_free(t->now);
    t->now = next;
    return true;
}

void place_turn_fini(struct place_turn *t)
{
    place_table_free(atomic_exchange(&t->next, NULL));
    place_table_free(t->now);
    t->now = NULL;
}

/* ---- asking ---- */

/* What a look-up looks for; the best so far. */
struct search {
    const struct place_table *t;
    const struct place_question *q;
    const uint8_t *prefix_length; /* by trunk: its longest prefix of the called number, 0 none */
    enum place_kind kind;
    unsigned tenant; /* of the call */
    unsigned found;  /* 0: nothing yet */
    bool hit;        /* for PLACE_INSIDE, whose number is 0 */
    unsigned points;
};

static unsigned id_find(const struct id_entry *entries, unsigned count, uint32_t id)
{
    struct id_entry key = {.id = id};
    const struct id_entry *e = bsearch(&key, entries, count, sizeof *entries, id_order);
    return e ? e->number : 0;
}

static bool of_vlan(const struct search *s, unsigned site)
{
    const struct place_table *t = s->t;
    for (unsigned i = 0; i < 2; i++)
        if (s->q->vlan[i] && t->vlan_site[s->q->vlan[i] % VLANS] == site)
            return true;
    return s->q->vni && id_find(t->vnis, t->vni_count, s->q->vni) == site;
}

/* How well a trunk, site or tenant that an end leads to fits the call; 0: not at all. */
static unsigned points_of(const struct search *s, unsigned number)
{
    if (s->kind == PLACE_INSIDE)
        return 1;
    const struct named *n = &s->t->named[s->kind][number];
    if (n->tenant && n->tenant != s->tenant)
        return 0;
    unsigned points = n->tenant ? 3 : 1;
    if (s->kind == PLACE_SITE)
        return points + of_vlan(s, number);
    if (s->kind != PLACE_TRUNK || !n->by_prefix)
        return points;
    unsigned length = s->prefix_length[number];
    return length ? points + 3 * length : 0;
}

static void offer(struct search *s, unsigned number, unsigned more)
{
    unsigned points = points_of(s, number);
    if (points == 0 || points + more <= s->points)
        return;
    s->points = points + more;
    s->found = number;
    s->hit = true;
}

/* The first network of this length that is not below `a`. */
static unsigned network_lower(const struct place_table *t, unsigned length, struct addr a)
{
    unsigned from = t->stretch[length].first, to = t->stretch[length].end;
    while (from < to) {
        unsigned middle = from + (to - from) / 2;
        if (addr_order(t->networks[middle].net.addr, a) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* The longest network that has something of this kind in it; among those of one network the best.
 */
static void search_networks(struct search *s, const struct endpoint *at)
{
    const struct place_table *t = s->t;
    unsigned shortest = addr_is_v4(at->addr) ? 96 : 0;
    if (addr_is_any(at->addr))
        return;
    for (unsigned length = 129; length-- > shortest && !s->hit;) {
        unsigned end = t->stretch[length].end;
        struct addr a = masked(at->addr, length);
        if (end == 0)
            continue;
        for (unsigned i = network_lower(t, length, a);
             i < end && addr_equal(t->networks[i].net.addr, a); i++) {
            const struct network *n = &t->networks[i];
            if (n->kind == s->kind && (n->net.port == 0 || n->net.port == at->port))
                offer(s, n->number, n->net.port ? 1000 : 0);
        }
    }
}

/* The first text of this kind that is not below `text`. */
static unsigned text_lower(const struct place_table *t, enum text_kind text_kind, const char *text)
{
    unsigned from = 0, to = t->text_count;
    while (from < to) {
        unsigned middle = from + (to - from) / 2;
        const struct text *x = &t->texts[middle];
        bool below =
            x->text_kind != text_kind ? x->text_kind < text_kind : strcmp(x->text, text) < 0;
        if (below)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool text_is(const struct place_table *t, unsigned i, enum text_kind text_kind,
                    const char *text)
{
    return i < t->text_count && t->texts[i].text_kind == text_kind &&
           strcmp(t->texts[i].text, text) == 0;
}

static void search_text(struct search *s, enum text_kind text_kind, const char *text)
{
    const struct place_table *t = s->t;
    for (unsigned i = text_lower(t, text_kind, text); text_is(t, i, text_kind, text); i++)
        if (t->texts[i].kind == s->kind)
            offer(s, t->texts[i].number, 0);
}

static void find_prefixes(const struct place_table *t, struct slice called,
                          uint8_t ret_length[PLACE_TRUNKS_MAX + 1])
{
    char number[NUMBER_MAX + 1];
    size_t size = slice_copy_to(called, number, sizeof number);
    memset(ret_length, 0, PLACE_TRUNKS_MAX + 1);
    for (; size > 0; size--) {
        number[size] = '\0';
        for (unsigned i = text_lower(t, TEXT_PREFIX, number); text_is(t, i, TEXT_PREFIX, number);
             i++)
            if (ret_length[t->texts[i].number] == 0)
                ret_length[t->texts[i].number] = (uint8_t)size;
    }
}

/* Its own name first, then each suffix, the longest first. */
static void search_domains(struct search *s, struct slice host)
{
    char name[HOST_MAX];
    if (host.size == 0 || host.size >= sizeof name)
        return;
    slice_copy_to(host, name, sizeof name);
    for (char *c = name; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 32) : *c;
    search_text(s, TEXT_DOMAIN, name);
    for (const char *dot = strchr(name, '.'); dot && !s->hit; dot = strchr(dot + 1, '.'))
        search_text(s, TEXT_SUFFIX, dot);
}

static struct search search_end(const struct search *common, enum place_kind kind,
                                const struct place_end *end)
{
    struct search s = *common;
    s.kind = kind;
    search_networks(&s, &end->at);
    if (!s.hit)
        search_domains(&s, end->host);
    return s;
}

static unsigned find_tenant(const struct place_table *t, const struct place_question *q)
{
    unsigned tenant = id_find(t->spaces, t->space_count, q->caller.at.space);
    if (tenant || q->caller.at.space)
        return tenant;
    const struct place_end *ends[] = {&q->caller, &q->callee};
    for (unsigned i = 0; i < 4 && tenant == 0; i++) {
        struct search s = {.t = t, .q = q, .kind = PLACE_TENANT};
        if (i < 2)
            search_networks(&s, &ends[i]->at);
        else
            search_domains(&s, ends[i - 2]->host);
        tenant = s.found;
    }
    return tenant;
}

/* A trunk that has nothing but prefixes; the longest wins. */
static unsigned find_by_number(const struct search *common)
{
    const struct place_table *t = common->t;
    struct search s = *common;
    s.kind = PLACE_TRUNK;
    for (unsigned i = 1; i <= t->named_count[PLACE_TRUNK]; i++)
        if (t->named[PLACE_TRUNK][i].by_prefix && !t->named[PLACE_TRUNK][i].by_end)
            offer(&s, i, 0);
    return s.found;
}

static unsigned site_of_vlan(const struct place_table *t, const struct place_question *q,
                             unsigned tenant)
{
    unsigned site = q->vni ? id_find(t->vnis, t->vni_count, q->vni) : 0;
    for (unsigned i = 2; i-- > 0 && site == 0;)
        site = q->vlan[i] ? t->vlan_site[q->vlan[i] % VLANS] : 0;
    unsigned of = t->named[PLACE_SITE][site].tenant;
    return of && of != tenant ? 0 : site;
}

enum side { SIDE_UNKNOWN, SIDE_INSIDE, SIDE_OUTSIDE };

static enum call_direction direction_of(enum side caller, enum side callee)
{
    if (caller == SIDE_UNKNOWN && callee == SIDE_OUTSIDE)
        caller = SIDE_INSIDE;
    if (callee == SIDE_UNKNOWN && caller == SIDE_OUTSIDE)
        callee = SIDE_INSIDE;
    if (caller == SIDE_INSIDE && callee == SIDE_INSIDE)
        return CALL_DIR_INTERNAL;
    if (caller == SIDE_INSIDE && callee == SIDE_OUTSIDE)
        return CALL_DIR_OUT;
    if (caller == SIDE_OUTSIDE && callee == SIDE_INSIDE)
        return CALL_DIR_IN;
    return CALL_DIR_UNKNOWN;
}

struct place_answer place_ask(const struct place_table *t, const struct place_question *q)
{
    struct place_answer a = {.direction = CALL_DIR_UNKNOWN};
    if (t == NULL)
        return a;
    assert(t->sealed);
    const struct place_end *ends[] = {&q->caller, &q->callee};
    uint8_t prefix_length[PLACE_TRUNKS_MAX + 1];
    enum side side[2];
    unsigned trunk[2];
    a.tenant = find_tenant(t, q);
    find_prefixes(t, q->called, prefix_length);
    const struct search common = {
        .t = t, .q = q, .tenant = a.tenant, .prefix_length = prefix_length};
    for (unsigned i = 0; i < 2; i++)
        trunk[i] = search_end(&common, PLACE_TRUNK, ends[i]).found;
    for (unsigned i = 0; i < 2; i++) {
        a.site[i] = search_end(&common, PLACE_SITE, ends[i]).found;
        bool inside = a.site[i] || search_end(&common, PLACE_INSIDE, ends[i]).hit;
        if (i == 1 && !inside && trunk[0] == 0 && trunk[1] == 0)
            trunk[1] = find_by_number(&common);
        side[i] = trunk[i]        ? SIDE_OUTSIDE
                  : inside        ? SIDE_INSIDE
                  : t->ours_named ? SIDE_OUTSIDE
                                  : SIDE_UNKNOWN;
    }
    for (unsigned i = 0; i < 2; i++)
        if (a.site[i] == 0 && side[i] != SIDE_OUTSIDE)
            a.site[i] = site_of_vlan(t, q, a.tenant);
    a.direction = direction_of(side[0], side[1]);
    a.trunk = trunk[0] ? trunk[0] : trunk[1];
    return a;
}

unsigned place_our_site(const struct place_answer *a)
{
    unsigned first = a->direction == CALL_DIR_IN ? 1 : 0;
    return a->site[first] ? a->site[first] : a->direction == CALL_DIR_OUT ? 0 : a->site[1 - first];
}

/* Bits of the trunks among the networks of this length that hold the address. */
static uint64_t trunks_of_length(const struct place_table *t, const struct endpoint *at,
                                 unsigned length, unsigned tenant)
{
    struct addr a = masked(at->addr, length);
    unsigned end = t->stretch[length].end;
    uint64_t trunks = 0;
    for (unsigned i = end ? network_lower(t, length, a) : end;
         i < end && addr_equal(t->networks[i].net.addr, a); i++) {
        const struct network *n = &t->networks[i];
        if (n->kind != PLACE_TRUNK || (n->net.port && n->net.port != at->port))
            continue;
        unsigned of = t->named[PLACE_TRUNK][n->number].tenant;
        if (of == 0 || of == tenant)
            trunks |= UINT64_C(1) << (n->number - 1);
    }
    return trunks;
}

uint64_t place_trunks_at(const struct place_table *t, const struct endpoint *at)
{
    static_assert(PLACE_TRUNKS_MAX <= 64, "a trunk is a bit");
    uint64_t trunks = 0;
    if (t == NULL || addr_is_any(at->addr))
        return 0;
    assert(t->sealed);
    struct place_question q = {.caller.at = *at, .callee.at = *at};
    unsigned tenant = find_tenant(t, &q);
    for (unsigned length = 129; length-- > (addr_is_v4(at->addr) ? 96u : 0u) && trunks == 0;)
        trunks = trunks_of_length(t, at, length, tenant);
    return trunks;
}

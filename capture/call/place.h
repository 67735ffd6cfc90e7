/* Where things belong, as the operator says: an immutable table from networks, SIP domains, peers,
 * numbers, VLANs and VNIs to trunks, sites, tenants and "ours". It is filled at the start, sealed,
 * and from then on only read, by any thread. Asked once or twice a call, never a packet.
 *
 * How a question is answered:
 *   tenant     the address space of the packet; else a network of one of the two ends (the longest
 *              prefix), else a domain
 *   trunk      of either end: its peers (address and port, address, network), else its domains. The
 *              prefixes of the called number narrow these, or are all there is to a trunk that leads
 *              away from us. Several fit: the narrower network, port before none, longer number
 *   site       of either end: a network (the longest prefix; among equals the site whose VLAN it
 *              is), else a domain, else the VLAN or VNI for an end that is not outside
 *   direction  an end is inside by network, domain or site of ours, outside by trunk; without any of
 *              them it is outside once networks or domains of ours are named, and else the opposite
 *              of the other end. Both inside: internal; both outside, or nothing known: unknown
 *
 * A trunk or site may belong to a tenant: then it counts for that tenant's calls only, so equal
 * addresses of two tenants do not meet here either. */
#pragma once

#include <stdatomic.h>

#include "base/addr.h"
#include "base/error.h"
#include "capture/call/call.h"

#define PLACE_TRUNKS_MAX   64
#define PLACE_SITES_MAX    256
#define PLACE_TENANTS_MAX  64
#define PLACE_NETWORKS_MAX 4096 /* peers included */
#define PLACE_TEXTS_MAX    2048 /* domains and prefixes */
#define PLACE_SPACES_MAX   1024
#define PLACE_NAME_SIZE    33

enum place_kind { PLACE_INSIDE, PLACE_TRUNK, PLACE_SITE, PLACE_TENANT, PLACE_KINDS };

/* A network of IPv4 or IPv6, or a peer: then with a port, 0 for any. */
struct place_network {
    struct addr addr; /* bits behind `length` are 0 */
    uint8_t length;   /* of the IPv6 form: an IPv4 network of /24 has 120 */
    uint16_t port;
};

/* "10.1.0.0/16", "2001:db8::/32", "192.0.2.1". False for anything else. */
bool place_network_parse(struct slice text, struct place_network *ret_network);
bool place_network_has(const struct place_network *n, struct addr a);
/* The same, or an address and a port: "192.0.2.1:5060", "[2001:db8::1]:5060". */
bool place_peer_parse(struct slice text, struct place_network *ret_network);
/* "example.com", or with all below it "*.example.com", ".example.com". */
bool place_domain_valid(struct slice text);
/* The beginning of a number as it is dialled: digits, +, *, #. */
bool place_prefix_valid(struct slice text);
/* Letters, digits, - and _, at most 32. */
bool place_name_valid(struct slice text);

/* Names and the numbers they were given. Tables of one run that follow one another share them: a number never comes to mean another
 * name, and a name lives as long as these. Filled by who fills a table. */
struct place_names;

struct place_names *place_names_new(void); /* NULL without memory */
void place_names_free(struct place_names *n);
bool place_names_empty(const struct place_names *n);
/* How many there are, and back to that: no table that the front may ask knows those that came since. */
void place_names_mark(const struct place_names *n, unsigned ret_mark[PLACE_KINDS]);
void place_names_back(struct place_names *n, const unsigned mark[PLACE_KINDS]);

struct place_table;

struct place_table *place_table_new(void); /* NULL without memory */
/* `names` are borrowed and outlive it. */
struct place_table *place_table_new_of(struct place_names *names);
void place_table_free(struct place_table *t);
/* A trunk, site or tenant; its number is 1.. in order, or the one that its name has. ERR_NOMEM: there are as many names of its kind as may be. */
int place_add(struct place_table *t, enum place_kind kind, struct slice name,
              unsigned *ret_number);
/* What it is known by; PLACE_INSIDE has the number 0. ERR_NOMEM: the table is full. */
int place_add_network(struct place_table *t, enum place_kind kind, unsigned number,
                      const struct place_network *network);
int place_add_domain(struct place_table *t, enum place_kind kind, unsigned number,
                     struct slice domain);
int place_add_prefix(struct place_table *t, unsigned trunk, struct slice prefix);
void place_add_vlan(struct place_table *t, unsigned site, uint16_t vlan);
int place_add_vni(struct place_table *t, unsigned site, uint32_t vni);
/* The calls of an address space are this tenant's. */
int place_add_space(struct place_table *t, unsigned tenant, uint32_t space);
/* The trunk or site counts for this tenant only. */
void place_set_tenant(struct place_table *t, enum place_kind kind, unsigned number,
                      unsigned tenant);
void place_set_capacity(struct place_table *t, unsigned trunk, uint32_t calls);
/* Ends the filling: before it nothing is found. */
void place_table_seal(struct place_table *t);

/* NULL for number 0; lives as long as the names. That of a number which only an earlier table knew, too. */
const char *place_name(const struct place_table *t, enum place_kind kind, unsigned number);
/* 0: none of this name. */
unsigned place_find(const struct place_table *t, enum place_kind kind, struct slice name);
/* The highest number. */
unsigned place_count(const struct place_table *t, enum place_kind kind);
uint32_t place_capacity(const struct place_table *t, unsigned trunk); /* 0: not said */

/* A table takes the place of another while the front runs. No lock: who has the next one leaves it here, and the front, which alone
 * looks at `now`, takes it when the next message comes, and frees the one before. */
struct place_turn {
    _Atomic(struct place_table *) next;
    struct place_table *now; /* NULL: nothing is known */
};

/* Any thread; the table is given away. One that was never taken goes. */
void place_turn_put(struct place_turn *t, struct place_table *next);
/* The front's thread: is `now` another? */
bool place_turn_take(struct place_turn *t);
/* When the front is gone. */
void place_turn_fini(struct place_turn *t);

struct place_end {
    struct endpoint at;
    struct slice host; /* of its URI */
};

struct place_question {
    struct place_end caller, callee;
    struct slice called; /* number or user that is called */
    uint16_t vlan[2];    /* outer, inner; 0 none */
    uint32_t vni;        /* 0 none */
};

struct place_answer {
    enum call_direction direction;
    unsigned trunk; /* 0: none */
    unsigned site[2]; /* of caller, callee */
    unsigned tenant;
};

/* `t` NULL: nothing is known. */
struct place_answer place_ask(const struct place_table *t, const struct place_question *q);
/* The trunks (bit n - 1 for number n) that this address is a peer of, whatever is called: what is asked of a peer that no call
 * goes to. The narrowest network that is a trunk's counts; a trunk of a tenant only in its address spaces. `t` NULL: none. */
uint64_t place_trunks_at(const struct place_table *t, const struct endpoint *at);
/* The site of ours among the two. */
unsigned place_our_site(const struct place_answer *a);

#include <stdio.h>
#include <string.h>

#include <spandsp.h>

#include "fax.h"

enum { STEP = 160, SECONDS_MAX = 1200 };

struct side {
    int number;
    unsigned sequence;
    struct side *other;
    t38_terminal_state_t *terminal;
    const long *samples; /* since the beginning */
    int done;            /* phase E: 0 not yet, else its result + 1 */
};

/* Delivered at once: what the network does to it is the test's business. */
static int send_packet(t38_core_state_t *core, void *user, const uint8_t *octets, int size,
                       int count)
{
    struct side *s = user;
    (void)core;
    printf("%ld %d %d ", *s->samples / 8, s->number, count);
    for (int i = 0; i < size; i++)
        printf("%02x", octets[i]);
    printf("\n");
    if (s->other->terminal)
        t38_core_rx_ifp_packet(t38_terminal_get_t38_core_state(s->other->terminal), octets, size,
                               (uint16_t)s->sequence);
    s->sequence++;
    return 0;
}

static void phase_e(t30_state_t *t30, void *user, int result)
{
    (void)t30;
    ((struct side *)user)->done = result + 1;
}

static int compressions(const char *coding)
{
    return strcmp(coding, "mmr") == 0  ? T30_SUPPORT_T6_COMPRESSION
           : strcmp(coding, "mr") == 0 ? T30_SUPPORT_T4_2D_COMPRESSION
                                       : T30_SUPPORT_T4_1D_COMPRESSION;
}

static void set_up(struct side *s, const struct fax_call *call)
{
    s->terminal = t38_terminal_init(NULL, s->number == 0, send_packet, s);
    t30_state_t *t30 = t38_terminal_get_t30_state(s->terminal);
    t38_set_t38_version(t38_terminal_get_t38_core_state(s->terminal), call->version);
    t30_set_supported_modems(t30, T30_SUPPORT_V27TER | T30_SUPPORT_V29 | T30_SUPPORT_V17);
    t30_set_supported_compressions(t30, T30_SUPPORT_T4_1D_COMPRESSION | compressions(call->coding));
    t30_set_ecm_capability(t30, call->ecm);
    t30_set_phase_e_handler(t30, phase_e, s);
    if (s->number == 0)
        t30_set_tx_file(t30, call->sent, -1, -1);
    else
        t30_set_rx_file(t30, call->received, -1);
}

int fax_call(const struct fax_call *call)
{
    long samples = 0;
    struct side sides[2] = {{.number = 0, .samples = &samples}, {.number = 1, .samples = &samples}};
    for (int i = 0; i < 2; i++) {
        sides[i].other = &sides[!i];
        set_up(&sides[i], call);
    }
    while (!(sides[0].done && sides[1].done) && samples < 8000L * SECONDS_MAX) {
        for (int i = 0; i < 2; i++)
            t38_terminal_send_timeout(sides[i].terminal, STEP);
        samples += STEP;
    }
    for (int i = 0; i < 2; i++)
        t38_terminal_free(sides[i].terminal);
    return sides[0].done == T30_ERR_OK + 1 && sides[1].done == T30_ERR_OK + 1 ? 0 : 1;
}

#include "user_scene.h"

#include <stdio.h>
#include <stdlib.h>

#define KEEP(list, count, type, same)                                                              \
    do {                                                                                           \
        const type *now = (const type *)(const void *)e->body.data;                                \
        unsigned i = 0;                                                                            \
        cr_assert_geq(e->body.size, sizeof *now);                                                  \
        while (i < u->count && !(same(&u->list[i], now)))                                          \
            i++;                                                                                   \
        if (i < SEEN_MAX) {                                                                        \
            memcpy(&u->list[i], now, sizeof *now);                                                 \
            u->count += i == u->count;                                                             \
        }                                                                                          \
    } while (0)

#define SAME_AOR(a, b)   (strcmp((a)->aor, (b)->aor) == 0 && (a)->space == (b)->space)
#define SAME_UID(a, b)   (memcmp((a)->uid, (b)->uid, 16) == 0)
#define SAME_PAIR(a, b)  (addr_equal((a)->src.addr, (b)->src.addr) && addr_equal((a)->dst.addr, (b)->dst.addr))
#define SAME_NAME(a, b)  (strcmp((a)->name, (b)->name) == 0)
#define NEVER_SAME(a, b) ((void)(a), (void)(b), false)

static void take(void *context, const struct event *e)
{
    struct user_scene *u = context;
    u->events[e->kind]++;
    switch ((enum event_kind)e->kind) {
    case EVENT_REGISTRATION:
        KEEP(registration, registrations, struct user_registration, SAME_AOR);
        break;
    case EVENT_SUBSCRIPTION:
        KEEP(subscription, subscriptions, struct user_subscription, SAME_UID);
        break;
    case EVENT_MESSAGE_SEEN:
        KEEP(message, messages, struct user_message, NEVER_SAME);
        slice_copy_to(slice_from(e->body, sizeof(struct user_message)), u->text, sizeof u->text);
        break;
    case EVENT_PEER:
        KEEP(peer, peers, struct user_peer, SAME_PAIR);
        break;
    case EVENT_PRESENCE:
        KEEP(presence, presences, struct user_presence, NEVER_SAME);
        break;
    case EVENT_AGENT:
        KEEP(agent, agents, struct user_agent_seen, SAME_NAME);
        break;
    default:
        break;
    }
}

struct user_scene *user_scene_new(const struct front_config *config)
{
    struct user_scene *u = calloc(1, sizeof *u);
    u->s = scene_new(config);
    u->s->user = take;
    u->s->user_context = u;
    return u;
}

void user_scene_end(struct user_scene *u)
{
    scene_end(u->s);
    free(u);
}

static const char *branch_of(int cseq)
{
    static char text[32];
    snprintf(text, sizeof text, "z9hG4bKreg%d", cseq);
    return text;
}

void send_register(struct user_scene *u, double at_ms, int cseq, int expires, const char *headers)
{
    char all[1024], contact[128] = "";
    if (expires >= 0)
        snprintf(contact, sizeof contact, "Contact: <sip:alice@10.0.0.1>;expires=%d\r\n", expires);
    snprintf(all, sizeof all, "%s%s", contact, headers ? headers : "");
    scene_sip(u->s, at_ms,
              (struct sip_line){.src = UA, .dst = UB, .method = "REGISTER", .cseq = cseq, .to = "alice", .branch = branch_of(cseq), .headers = all});
}

void answer_register(struct user_scene *u, double at_ms, int cseq, int status, const char *headers)
{
    scene_sip(u->s, at_ms,
              (struct sip_line){.src = UB, .dst = UA, .status = status, .of = "REGISTER", .cseq = cseq, .to = "alice", .to_tag = "r",
                                .branch = branch_of(cseq), .headers = headers});
}

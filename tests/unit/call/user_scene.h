/* A scene that writes down what the front says about signalling that is no call: the newest event of each thing. */
#pragma once

#include <criterion/criterion.h>

#include "scene.h"

#define SEEN_MAX 64

struct user_scene {
    struct scene *s;
    struct user_registration registration[SEEN_MAX];
    struct user_subscription subscription[SEEN_MAX];
    struct user_message message[SEEN_MAX];
    struct user_peer peer[SEEN_MAX];
    struct user_presence presence[SEEN_MAX]; /* each event: changes are a history */
    struct user_agent_seen agent[SEEN_MAX];
    unsigned registrations, subscriptions, messages, peers, presences, agents;
    unsigned events[EVENT_FINDING + 1];
    char text[1024]; /* of the newest message, when it was kept */
    bool refuse;
};

struct user_scene *user_scene_new(const struct front_config *config); /* NULL: scene_config() */
void user_scene_end(struct user_scene *u);

/* REGISTER of `from` (default alice): Contact <sip:alice@10.0.0.1>;expires=`expires`, unless -1; more headers. */
void send_register(struct user_scene *u, double at_ms, int cseq, int expires, const char *headers);
/* Its answer, with the same branch. */
void answer_register(struct user_scene *u, double at_ms, int cseq, int status, const char *headers);

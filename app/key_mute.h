/* Tones of keys in the packets of one sender: heard as they come, then overwritten wherever the sound of that moment stands: in
 * packets that came before, and as a copy in those that come after (RED). Knows no spool; worker_mask.c joins the two. */
#pragma once

#include "capture/rtp/codec.h"
#include "capture/rtp/rtp.h"
#include "decode/key_watch.h"

/* What a copy in RED may lie behind, 2 s, holds no more of them: spans that meet are one. */
#define KEY_MUTE_SPANS 16

/* Stretches of sound by their time stamps, the oldest first. */
struct key_spans {
    uint8_t count;
    struct key_span {
        uint32_t from, until;
    } items[KEY_MUTE_SPANS];
};

struct key_mute {
    uint32_t ssrc;
    uint16_t sequence; /* of the last packet */
    uint32_t next_ts; /* of the sound that goes on where the last one ended */
    bool begun, sounding;
    enum key_sound sound;
    struct key_spans keys;
    struct key_spans missing; /* what did not come in time: a copy that does later is heard by nobody, and is silenced */
    struct key_watch watch;
};

/* Payload types of the sender. */
struct key_codecs {
    const struct rtp_codec *items;
    unsigned count;
};

enum key_heard {
    KEY_HEARD_NONE,  /* nothing is to be silenced */
    KEY_HEARD_AFTER, /* this packet is: what stands in it was heard before, or follows it */
    KEY_HEARD_ON,    /* a key sounds: this packet, and what came before */
    KEY_HEARD_BEGUN, /* the same; it is a new one */
};

/* A packet that is no duplicate. Of RED the new block, and of the earlier ones what has not been heard yet. */
enum key_heard key_mute_hear(struct key_mute *k, const struct tone_bank *bank, struct key_codecs codecs, const struct rtp_packet *p);
/* Overwrites what of this packet is to be silenced; sizes stay. */
void key_mute_packet(const struct key_mute *k, struct key_codecs codecs, uint8_t *packet, size_t size);
/* There is sound in it that key_mute_hear() can read. */
bool key_mute_reads(struct key_codecs codecs, const struct rtp_packet *p);

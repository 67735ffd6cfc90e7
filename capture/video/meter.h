/* Figures of one stream of video: pictures, key frames, their size, how often and how evenly they come, bits a second. Only
 * headers are read of what is protected. Fed packet by packet, without allocation; made for streams of video alone.
 *
 * A picture is what has one RTP timestamp (a late packet begins none). A pause is more than 5 s between two pictures with nothing
 * lost in between: the sender had nothing to show, and its time counts for nothing. Any other spacing that is longer than three
 * times the usual one, and by 150 ms (the definition of freezeCount in WebRTC statistics), is a freeze. */
#pragma once

#include "capture/rtp/codec.h"
#include "capture/rtp/rtp.h"
#include "capture/video/video.h"

struct video_meter {
    uint8_t payload_type; /* that `codec` is of */
    uint8_t codec;        /* enum video_codec */
    bool clear;           /* payloads may be read */
    bool begun;
    bool key;             /* the picture is a key frame already */
    uint16_t sequence;    /* of the newest packet in order */
    uint16_t width, height;
    uint32_t timestamp;   /* of the picture */
    uint32_t clock_hz;
    uint32_t size_changes;
    int64_t at, newest;   /* the same in one line without end, and the highest */
    int64_t picture_ns;   /* arrival of its first packet */
    int64_t packet_ns;    /* of the packet before */
    double usual_ns;      /* spacing of pictures, a running mean */
    uint64_t pictures, key_pictures, pauses, spacings;
    uint64_t octets;
    int64_t ticks, active_ns; /* without pauses */
    uint64_t freezes;
    int64_t frozen_ns, longest_freeze_ns;
};

struct video_stats {
    uint16_t width, height; /* the newest; 0 not seen */
    uint32_t size_changes;
    uint64_t pictures;
    int64_t key_pictures;   /* -1: cannot be seen */
    double per_second;      /* NAN: less than two pictures */
    double kbit_per_s;      /* of payload; NAN: too short */
    uint64_t freezes;
    double frozen_ms, longest_freeze_ms;
};

void video_meter_init(struct video_meter *m, bool clear);
/* A packet that is new to its stream. `late`: one behind it came first; `restart`: its numbers begin anew. */
void video_meter_packet(struct video_meter *m, const struct rtp_packet *p, const struct rtp_codec *codec,
                        size_t payload_wire, bool late, bool restart, int64_t now_ns);
void video_meter_stats(const struct video_meter *m, struct video_stats *ret_stats);

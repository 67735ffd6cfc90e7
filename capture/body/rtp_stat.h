/* What a phone says about its media in a header of BYE or of the answer to it. Two families:
 *   X-RTP-Stat, P-RTP-Stat, X-Siemens-RTP-stats   PS=1495;OS=239200;PR=..;OR=..;PL=rx,tx;JI=rx,tx;...
 *   RTP-RxStat, RTP-TxStat                        Dur=10,Pkt=454,Oct=72640,LatePkt=0,LostPkt=0,AvgJit=0.18,VQMetrics="MLQK=4.5;..."
 * Signs between the fields, their order and their case are free; what is not known is passed over. */
#pragma once

#include "base/slice.h"

struct rtp_stat {
    /* -1: not said */
    int64_t packets_sent, octets_sent, packets_received, octets_received;
    int64_t lost_received, lost_sent; /* PL: of what this side received; of what it sent, as it heard */
    int64_t discarded;                /* late or duplicate, of what it received */
    int64_t duration_s;
    int64_t setup_ms;
    /* NAN: not said */
    double jitter_received_ms, jitter_sent_ms;
    double latency_ms; /* LA; DL: the first */
    double mos_lq;     /* MOS, VQMetrics MLQK */
    struct slice encoder, decoder; /* codec names, without clock rate */
    struct slice local, remote;    /* IP=: "10.1.0.33:16384" */
};

/* All unknown. */
void rtp_stat_init(struct rtp_stat *s);
/* Is it a header of that kind? */
bool rtp_stat_header(struct slice name);
/* Adds what one header line says to *s (an Rx and a Tx line make one report). False: nothing known in it. */
bool rtp_stat_read(struct slice name, struct slice value, struct rtp_stat *s);

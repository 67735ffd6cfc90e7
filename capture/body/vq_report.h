/* Voice quality reports of endpoints (RFC 6035): application/vq-rtcpxr in PUBLISH or NOTIFY.
 *
 * The reporter sits at LocalAddr and received what came from RemoteAddr: LocalMetrics are about the
 * stream from RemoteAddr to LocalAddr, RemoteMetrics about the other one. Numbers that are absent,
 * 127 where that stands for "unavailable", or out of range are NAN. */
#pragma once

#include "base/slice.h"

enum vq_kind { VQ_SESSION, VQ_INTERVAL, VQ_ALERT };

struct vq_address {
    struct slice ip;
    uint16_t port;     /* 0: none */
    struct slice ssrc; /* as written: hexadecimal with or without 0x, or decimal */
};

struct vq_metrics {
    bool given;
    struct slice start, stop; /* ISO 8601 as written */

    struct slice payload_type, codec, fmtp; /* PT, PD, FMTP (without quotes) */
    double sample_rate_hz;                  /* SR */
    double frame_ms;                        /* FD */
    double frame_octets;                    /* FO */
    double frames_per_packet;               /* FPP */
    double packets_per_second;              /* PPS */
    double plc;                             /* 0 unspecified, 1 disabled, 2 enhanced, 3 standard */
    bool silence_suppression;               /* SSUP=on */

    double jb_adaptive; /* JBA: 0 unknown, 1 reserved, 2 fixed, 3 adaptive */
    double jb_rate, jb_nominal_ms, jb_max_ms, jb_abs_max_ms;

    double loss_percent, discard_percent; /* NLR, JDR */

    double burst_percent, burst_ms, gap_percent, gap_ms, gap_min; /* BLD BD GLD GD GMIN */

    /* RTD, ESD, OWD (one way), SOWD (symmetric), IAJ and MAJ: jitter, mean and maximum */
    double round_trip_ms, end_system_ms, one_way_ms, symmetric_one_way_ms, jitter_ms, jitter_max_ms;

    double signal_dbm0, noise_dbm0, rerl_db; /* SL NL RERL */

    double r_lq, r_cq, ext_r_in, ext_r_out, mos_lq, mos_cq; /* RLQ RCQ EXTRI EXTRO MOSLQ MOSCQ */
    struct slice algorithm; /* the first *EstAlg that is named */
};

struct vq_report {
    enum vq_kind kind;
    bool call_term;      /* "VQSessionReport: CallTerm" */
    struct slice alert;  /* what an alert is about: "Type=NLR Severity=Critical Dir=local", as written */
    struct slice call_id;
    struct slice local_id, remote_id, orig_id;
    struct slice local_group, remote_group;
    struct slice local_mac, remote_mac;
    struct vq_address local, remote;
    struct slice dialog_id, to_tag, from_tag; /* DialogID: call-id;to-tag=..;from-tag=.. */
    struct vq_metrics local_metrics, remote_metrics;
};

/* False when the first line is none of the three reports. */
bool vq_report_read(struct slice body, struct vq_report *ret);
/* Every way to read the text of an SSRC: hexadecimal when it is written 0x.. or has letters; digits
 * alone give both, decimal first. Returns how many there are (0 to 2). */
unsigned vq_ssrc_values(struct slice text, uint32_t ret_values[2]);

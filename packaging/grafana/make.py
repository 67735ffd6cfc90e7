#!/usr/bin/env python3
"""Makes the four dashboards beside it. make.py [--check]: with --check nothing is written, and a file that differs is named (exit 1)."""
import json, os, sys

HERE = os.path.dirname(os.path.abspath(__file__))
PLACE = 'site=~"$site",instance=~"$instance"'
TRUNK = 'site=~"$site",trunk=~"$trunk"'
BOTH = TRUNK + ',direction=~"$direction"'
WIDTH = 24


def rate(metric, by, where=PLACE, over="$__rate_interval"):
    return f"sum by ({by}) (rate({metric}{{{where}}}[{over}]))"


def quantile(q, metric, by, where=PLACE, over="$__rate_interval"):
    le = f"{by}, le" if by else "le"
    return f"histogram_quantile({q}, sum by ({le}) (rate({metric}_bucket{{{where}}}[{over}])))"


def panel(title, kind, exprs, unit="short", w=8, h=8, text="", **more):
    """`exprs`: (expression, legend) each."""
    return {"title": title, "description": text, "type": kind, "w": w, "h": h, "unit": unit, "exprs": exprs, **more}


def graph(title, exprs, unit="short", **more):
    return panel(title, "timeseries", exprs, unit, **more)


def stat(title, expr, unit="short", **more):
    return panel(title, "stat", [(expr, "")], unit, w=4, h=4, **more)


def heat(title, metric, where=PLACE, **more):
    expr = f"sum by (le) (increase({metric}_bucket{{{where}}}[$__rate_interval]))"
    return panel(title, "heatmap", [(expr, "{{le}}")], format="heatmap", **more)


SERVICE = [
    stat("Active calls", f"sum(earshot_calls_active{{{PLACE}}})"),
    stat("Attempts", rate("earshot_call_attempts_total", "", PLACE), "ops", text="Per second; RFC 6076 attempts."),
    stat("ASR", f'avg(earshot:asr_ratio:rate30m{{{BOTH}}})', "percentunit", text="E.425: answered to all, 30 minutes."),
    stat("NER", f'avg(earshot:ner_ratio:rate30m{{{BOTH}}})', "percentunit", text="E.425: the network did its part."),
    stat("ACD", f"avg(earshot:acd_seconds:rate30m{{{BOTH}}})", "s"),
    stat("Post-dial delay p95", f"max(earshot:post_dial_delay_seconds:p95_30m{{{TRUNK}}})", "s"),
    stat("MOS p05 (NB)", f'min(earshot:mos:p05_10m{{{TRUNK},scale="NB"}})', text="Narrowband scale; one stream in twenty is worse."),
    stat("MOS p50 (NB)", f'avg(earshot:mos:p50_10m{{{TRUNK},scale="NB"}})'),
    stat("Degraded minutes", f"avg(earshot:degraded_ratio:rate5m{{{BOTH}}})", "percentunit"),
    stat("One-way audio", f"max(earshot:one_way_ratio:rate30m{{{TRUNK}}})", "percentunit"),
    stat("Loss", f"avg(earshot:rtp_loss_ratio:rate5m{{{BOTH}}})", "percentunit"),
    stat("Capture drops", f"max(earshot:capture_drop_ratio:rate5m{{{PLACE}}})", "percentunit", text="What we missed, not the network."),
    graph("Calls by outcome", [(rate("earshot_calls_ended_total", "outcome", BOTH), "{{outcome}}")], "ops", stack=True),
    graph("Attempts against last week", [(rate("earshot_call_attempts_total", "", BOTH), "now"),
                                         (f"sum(rate(earshot_call_attempts_total{{{BOTH}}}[$__rate_interval] offset 1w))", "a week ago")], "ops"),
    graph("Active calls by trunk", [(f"sum by (trunk) (earshot_calls_active{{{BOTH}}})", "{{trunk}}"),
                                    (f"sum by (trunk) (earshot_trunk_capacity_calls{{{TRUNK}}}) > 0", "{{trunk}} capacity")]),
    panel("Most frequent failures", "barchart", [(f'topk(10, sum by (code) (increase(earshot_sip_responses_total{{method="INVITE",code=~"[456]..",{PLACE}}}[$__range])))',
                                                  "{{code}}")], instant=True),
    heat("MOS", "earshot_rtp_stream_mos", TRUNK),
    panel("Worst trunks", "table", [(f'sort(min by (trunk) (earshot:mos:p05_10m{{{TRUNK},scale="NB"}}))', ""),
                                    (f"max by (trunk) (earshot:isa_ratio:rate30m{{{TRUNK}}})", "")], instant=True),
]

MEDIA = [
    heat("MOS over time", "earshot_rtp_stream_mos", TRUNK, w=24),
    graph("MOS by trunk", [(quantile(0.05, "earshot_rtp_stream_mos", "trunk, scale", TRUNK), "{{trunk}} {{scale}} p05"),
                           (quantile(0.25, "earshot_rtp_stream_mos", "trunk, scale", TRUNK), "{{trunk}} {{scale}} p25"),
                           (quantile(0.5, "earshot_rtp_stream_mos", "trunk, scale", TRUNK), "{{trunk}} {{scale}} p50")]),
    graph("Seconds by quality", [(rate("earshot_rtp_stream_seconds_total", "quality", BOTH), "{{quality}}")], "s", stack=True),
    graph("Loss by trunk", [(f"earshot:rtp_loss_ratio:rate5m{{{BOTH}}}", "{{trunk}} {{direction}}")], "percentunit"),
    graph("Jitter p95", [(quantile(0.95, "earshot_rtp_stream_jitter_seconds", "trunk", TRUNK), "{{trunk}}")], "s"),
    graph("Longest gap p95", [(quantile(0.95, "earshot_rtp_stream_max_gap_seconds", "trunk", TRUNK), "{{trunk}}")], "s"),
    graph("Late for the playout buffer, and lost", [(rate("earshot_rtp_discarded_packets_total", "trunk", TRUNK), "{{trunk}} discarded"),
                                                    (rate("earshot_rtp_lost_packets_total", "trunk", TRUNK), "{{trunk}} lost")], "pps"),
    graph("Reordered and duplicated", [(rate("earshot_rtp_reordered_packets_total", ""), "reordered"), (rate("earshot_rtp_duplicate_packets_total", ""), "duplicates")], "pps"),
    graph("Loss: what endpoints report", [(quantile(0.95, "earshot_rtcp_loss_ratio", ""), "RTCP p95"), (quantile(0.95, "earshot_rtp_stream_loss_ratio", ""), "wire p95")], "percentunit"),
    graph("Round trip", [(quantile(0.5, "earshot_rtcp_rtt_seconds", ""), "p50"), (quantile(0.95, "earshot_rtcp_rtt_seconds", ""), "p95")], "s"),
    graph("Codecs", [(f"sum by (codec) (earshot_rtp_streams_active{{{PLACE}}})", "{{codec}}")], stack=True),
    graph("One-way, silent, late", [(rate("earshot_calls_one_way_audio_total", "trunk", TRUNK), "{{trunk}} one way"), (rate("earshot_calls_no_audio_total", "trunk", TRUNK), "{{trunk}} no audio"),
                                    (rate("earshot_calls_late_media_total", "trunk", TRUNK), "{{trunk}} late")], "ops"),
    graph("DSCP other than allowed", [(rate("earshot_rtp_dscp_mismatch_total", ""), "streams")], "ops"),
    graph("Silence in what is recorded", [(rate("earshot_rtp_silence_seconds_total", "") + " / (2 * " + rate("earshot_recording_seconds_total", "") + " > 0)", "share")], "percentunit"),
]

SIGNALLING = [
    graph("Requests by method", [(rate("earshot_sip_requests_total", "method"), "{{method}}")], "reqps"),
    graph("Responses to INVITE by code", [(rate("earshot_sip_responses_total", "code", 'method="INVITE",' + PLACE), "{{code}}")], "ops", stack=True),
    graph("Retransmissions", [(rate("earshot_sip_retransmissions_total", "method"), "{{method}}")], "ops"),
    graph("Set-up", [(quantile(q, "earshot_call_setup_seconds", "", BOTH), f"p{n}") for q, n in ((0.5, 50), (0.95, 95), (0.99, 99))], "s"),
    graph("Post-dial delay", [(quantile(q, "earshot_post_dial_delay_seconds", "", BOTH), f"p{n}") for q, n in ((0.5, 50), (0.95, 95), (0.99, 99))], "s"),
    graph("First answer (100)", [(quantile(0.95, "earshot_trying_delay_seconds", ""), "p95")], "s"),
    graph("RFC 6076", [(f"earshot:ser_ratio:rate30m{{{BOTH}}}", "{{trunk}} {{direction}} SER"), (f"earshot:seer_ratio:rate30m{{{BOTH}}}", "{{trunk}} {{direction}} SEER"),
                       (f"earshot:isa_ratio:rate30m{{{TRUNK}}}", "{{trunk}} ISA"), (f"earshot:scr_ratio:rate30m{{{BOTH}}}", "{{trunk}} {{direction}} SCR")], "percentunit"),
    graph("Who ends calls", [(rate("earshot_calls_released_total", "by", TRUNK), "{{by}}")], "ops", stack=True),
    graph("Causes (Q.850)", [(rate("earshot_q850_releases_total", "cause"), "{{cause}}")], "ops", stack=True),
    graph("Registrations", [(rate("earshot_registrations_total", "result", TRUNK), "{{result}}")], "ops", stack=True),
    graph("Registered", [(f"sum by (instance) (earshot_registrations_active{{{PLACE}}})", "{{instance}}")]),
    graph("Registration delay", [(quantile(0.95, "earshot_registration_delay_seconds", ""), "p95")], "s"),
    graph("Session disconnect delay", [(quantile(0.95, "earshot_session_disconnect_delay_seconds", ""), "p95")], "s"),
    graph("Peers that answer OPTIONS", [(f"sum by (trunk, state) (earshot_trunk_peers{{{TRUNK}}})", "{{trunk}} {{state}}")]),
    graph("Findings", [(rate("earshot_findings_total", "detector"), "{{detector}}")], "ops"),
]

APPLIANCE = [
    graph("Packets", [(rate("earshot_capture_packets_total", "instance, iface"), "{{instance}} {{iface}}")], "pps"),
    graph("Traffic", [("8 * " + rate("earshot_capture_bytes_total", "instance, iface"), "{{instance}} {{iface}}")], "bps"),
    graph("Drops by stage", [(rate("earshot_capture_drops_total", "instance, stage"), "{{instance}} {{stage}}")], "pps"),
    graph("Queues", [(f"earshot_queue_depth{{{PLACE}}} / (earshot_queue_capacity{{{PLACE}}} > 0)", "{{instance}} {{queue}}")], "percentunit"),
    graph("Tables", [(f"earshot_table_entries{{{PLACE}}} / (earshot_table_limit{{{PLACE}}} > 0)", "{{instance}} {{table}}")], "percentunit"),
    graph("Input that could not be read", [(rate("earshot_parse_errors_total", "proto, reason"), "{{proto}} {{reason}}")], "pps"),
    graph("CPU", [(rate("process_cpu_seconds_total", "instance", 'job=~"earshot.*",' + PLACE), "{{instance}}")], "percentunit"),
    graph("Memory", [(f'process_resident_memory_bytes{{job=~"earshot.*",{PLACE}}}', "{{instance}}")], "bytes"),
    graph("Open descriptors", [(f'process_open_fds{{job=~"earshot.*",{PLACE}}}', "{{instance}}")]),
    graph("Commits p99", [(quantile(0.99, "earshot_db_commit_seconds", "instance"), "{{instance}}")], "s"),
    graph("Disk by class", [(f"sum by (class) (earshot_storage_used_bytes{{{PLACE}}})", "{{class}}")], "bytes", stack=True),
    graph("Days until the disk is full", [(f"earshot_storage_free_bytes{{{PLACE}}} / (-deriv(earshot_storage_free_bytes{{{PLACE}}}[6h]) > 0) / 86400", "{{instance}}")], "d"),
    graph("Deleted by retention", [(rate("earshot_retention_deleted_bytes_total", "class, reason"), "{{class}} {{reason}}")], "Bps"),
    graph("Recordings", [(rate("earshot_recordings_total", "result"), "{{result}}")], "ops", stack=True),
    graph("Recordings under way", [(f"sum by (instance) (earshot_recordings_active{{{PLACE}}})", "{{instance}}")]),
    graph("From the end of a call to its file p95", [(quantile(0.95, "earshot_recording_finalize_seconds", "instance"), "{{instance}}")], "s"),
    graph("Decoder crashes", [(rate("earshot_decoder_crashes_total", "instance, reason"), "{{instance}} {{reason}}")], "ops"),
    graph("HTTP p95 by route", [(f"earshot:http_request_seconds:p95_5m{{{PLACE}}}", "{{route}}")], "s"),
    graph("HTTP answers", [(rate("earshot_http_requests_total", "code"), "{{code}}")], "reqps"),
    graph("Refused credentials", [(rate("earshot_auth_failures_total", "reason"), "{{reason}}")], "ops"),
    panel("Versions", "table", [(f"earshot_build_info{{{PLACE}}}", "")], instant=True),
]

BOARDS = {"service": ("Earshot: service overview", SERVICE), "media": ("Earshot: media quality", MEDIA),
          "signalling": ("Earshot: signalling", SIGNALLING), "appliance": ("Earshot: appliance health", APPLIANCE)}


def target(i, expr, legend, p):
    t = {"refId": chr(65 + i), "expr": expr.replace("sum by () ", "sum "), "legendFormat": legend or "__auto",
         "datasource": {"type": "prometheus", "uid": "${datasource}"}}
    if p.get("instant"):
        t.update(instant=True, format="table")
    if p.get("format"):
        t["format"] = p["format"]
    return t


def placed(panels):
    x = y = row = 0
    for number, p in enumerate(panels, 1):
        if x + p["w"] > WIDTH:
            x, y, row = 0, y + row, 0
        custom = {"stacking": {"mode": "normal"}, "fillOpacity": 30} if p.get("stack") else {}
        yield {"id": number, "title": p["title"], "description": p["description"], "type": p["type"],
               "gridPos": {"x": x, "y": y, "w": p["w"], "h": p["h"]}, "datasource": {"type": "prometheus", "uid": "${datasource}"},
               "fieldConfig": {"defaults": {"unit": p["unit"], "custom": custom}, "overrides": []},
               "targets": [target(i, e, legend, p) for i, (e, legend) in enumerate(p["exprs"])]}
        x, row = x + p["w"], max(row, p["h"])


def variable(name, label, query, multi=True):
    return {"name": name, "label": label, "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "query": query,
            "refresh": 2, "sort": 1, "includeAll": True, "allValue": ".*", "multi": multi, "current": {"text": "All", "value": "$__all"}}


def board(uid, title, panels):
    variables = [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
                 variable("site", "Site", "label_values(earshot_build_info, site)"), variable("instance", "Instance", "label_values(earshot_build_info, instance)"),
                 variable("trunk", "Trunk", "label_values(earshot_calls_ended_total, trunk)"),
                 variable("direction", "Direction", "label_values(earshot_calls_ended_total, direction)")]
    return {"uid": f"earshot-{uid}", "title": title, "tags": ["earshot"], "timezone": "browser", "schemaVersion": 38, "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"}, "graphTooltip": 1, "templating": {"list": variables}, "panels": list(placed(panels)),
            "links": [{"type": "dashboards", "tags": ["earshot"], "asDropdown": False, "title": "Earshot", "includeVars": True, "keepTime": True}]}


def main():
    wrong = 0
    for name, (title, panels) in BOARDS.items():
        path, text = os.path.join(HERE, f"{name}.json"), json.dumps(board(name, title, panels), indent=1) + "\n"
        if "--check" in sys.argv[1:]:
            if not os.path.exists(path) or open(path).read() != text:
                print(f"{path} is not what make.py makes: run it")
                wrong = 1
        else:
            open(path, "w").write(text)
    return wrong


if __name__ == "__main__":
    sys.exit(main())

/* Records' texts and bands, the media directory, the disk check, and a call's
 * capture file as tshark sees it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/call_pcap.h"
#include "storage/disk.h"
#include "storage/media_dir.h"
#include "tests/unit/storage/record_help.h"

static char dir[HELP_DIR_SIZE];
static struct counters *counters;

static void setup(void) {
  help_dir_make(dir);
  counters = calloc(1, sizeof *counters);
}

static void teardown(void) {
  help_dir_remove(dir);
  free(counters);
}

TestSuite(media, .init = setup, .fini = teardown, .timeout = 60);

Test(media, bands_are_on_the_narrowband_scale) {
  static const struct {
    double r;
    const char *scale, *band;
  } CASES[] = {{90, "NB", "excellent"},    {89.9, "NB", "good"},
               {70, "NB", "fair"},         {69.9, "NB", "poor"},
               {59.9, "NB", "bad"},        {-5, "NB", "bad"},
               {116.2, "WB", "excellent"}, {116, "WB", "good"},
               {133.3, "FB", "excellent"}, {133, "FB", "good"},
               {NAN, "NB", "unknown"},     {90, NULL, "unknown"}};
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
    cr_expect_str_eq(record_quality_band(CASES[i].r, CASES[i].scale),
                     CASES[i].band, "%g %s", CASES[i].r,
                     CASES[i].scale ? CASES[i].scale : "-");
}

Test(media, contract_texts_are_interned) {
  char text[] = "sip_timeout";
  cr_assert_not_null(record_text(text));
  cr_assert(record_text(text) != text);
  cr_assert_eq(record_text(text), record_text("sip_timeout"));
  cr_assert_null(record_text("no such word"));
  cr_assert_null(record_text(NULL));
}

Test(media, files_lie_in_a_directory_an_hour) {
  char path[MEDIA_PATH_MAX], full[256];
  struct why why = {""};
  struct stat st;

  cr_assert_eq(media_path(HELP_T0_US + 1, "0a-b", "wav", path), 0);
  cr_assert_str_eq(path, "audio/2026/11/21/10/0a-b.wav");
  cr_assert_eq(media_make_dirs(dir, path, &why), 0, "%s", why.text);
  cr_assert_eq(media_make_dirs(dir, path, &why), 0, "they may be there");
  snprintf(full, sizeof full, "%s/audio/2026", dir);
  stat(full, &st);
  cr_assert_eq(st.st_mode & 0777, 0700);
}

Test(media, what_a_crash_left_is_seen_finished_or_not) {
  struct why why;
  char file[256];
  cr_assert_eq(media_make_dirs(dir, "audio/2026/x.wav", &why), 0);
  cr_assert_not(media_left_behind(dir, "audio/2026/x.wav"));
  snprintf(file, sizeof file, "%s/audio/2026/x.wav.part", dir);
  fclose(fopen(file, "w"));
  cr_assert(media_left_behind(dir, "audio/2026/x.wav"));
  snprintf(file, sizeof file, "%s/audio/2026/y.wav", dir);
  fclose(fopen(file, "w"));
  cr_assert(media_left_behind(dir, "audio/2026/y.wav"));
  cr_assert_not(media_left_behind(dir, "audio/2026/z.wav"));
}

Test(media, paths_cannot_leave_the_directory) {
  static const char *const BAD[] = {"../etc/passwd", "/etc/passwd",
                                    "audio/../../x", "db/earshot.db"};
  char path[MEDIA_PATH_MAX];
  struct why why;
  for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
    cr_expect_eq(media_make_dirs(dir, BAD[i], &why), ERR_INVALID, "%s", BAD[i]);
  }
  cr_assert_eq(media_path(HELP_T0_US, "../x", "wav", path), ERR_INVALID);
  cr_assert_eq(media_path(HELP_T0_US, "x", "w/v", path), ERR_INVALID);
  cr_assert_eq(media_path(HELP_T0_US, "", "wav", path), ERR_INVALID);
}

Test(media, the_disk_check_says_what_is_in_the_way) {
  struct why why = {""};
  uint64_t free_bytes = 0, total = 0;
  char path[256];

  cr_assert_eq(disk_check_writable(dir, &why), 0, "%s", why.text);
  cr_assert_eq(disk_free(dir, &free_bytes, &total), 0);
  cr_assert(free_bytes > 0 && total >= free_bytes);
  cr_assert_lt(disk_check_writable("/proc/nowhere/x", &why), 0);
  cr_assert(strstr(why.text, "/proc/nowhere/x"), "%s", why.text);
  snprintf(path, sizeof path, "%s/file", dir);
  fclose(fopen(path, "w"));
  cr_assert_lt(disk_check_writable(path, &why), 0);
  cr_assert(strstr(why.text, "no directory"), "%s", why.text);
  if (geteuid() != 0) { /* root may write anywhere */
    chmod(dir, 0500);
    cr_assert_eq(disk_check_writable(dir, &why), ERR_DENIED);
    cr_assert(strstr(why.text, "permission denied"), "%s", why.text);
    chmod(dir, 0700);
  }
}

/* ---- capture files ---- */

#define INVITE                                                                 \
  "INVITE sip:b@example.com SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 "                 \
  "INVITE\r\nContent-Length: 0\r\n\r\n"
#define MS INT64_C(1000000)

static int to_file(void *context, const void *bytes, size_t size) {
  return fwrite(bytes, 1, size, context) == size ? 0 : ERR_IO;
}

static struct spool_flow_info flow_info(const struct call_record *r,
                                        uint32_t flow, bool v6) {
  struct spool_flow_info info = {.flow = flow,
                                 .kind = flow ? SPOOL_MEDIA : SPOOL_SIGNALLING};
  info.uid[15] = (uint8_t)(r->uid[35] - '0');
  info.uid[6] = 0x80;
  info.uid[8] = 0x80;
  info.src = (struct endpoint){.addr = addr_v4(0x0a000001), .port = 4000};
  info.dst = (struct endpoint){.addr = addr_v4(0x0a000002), .port = 5000};
  if (v6)
    info.src.addr = info.dst.addr =
        (struct addr){UINT64_C(0x20010db800000000), flow};
  return info;
}

/* A call with 3 messages (one of them long), 100 IPv4 packets with tags and 100
 * IPv6 ones, 4 RTCP packets. */
static void spool_call_at(struct call_record *r, int64_t later_ns) {
  static uint8_t rtp[172] = {0x80, 8};
  static char longer[9000];
  struct spool *s = NULL;
  struct why why = {""};
  struct spool_config config = {.data_dir = dir, .segment_bytes = 8000};
  int64_t t = HELP_T0_US * 1000 + 123 + later_ns;

  cr_assert_eq(spool_open(&config, counters, &s, &why), 0, "%s", why.text);
  r->chain_count = 3;
  r->chains = arena_alloc(r->arena, 3 * sizeof *r->chains);
  memset(longer, 'x', sizeof longer);
  memcpy(longer, INVITE, strlen(INVITE));
  struct spool_flow *flows[3];
  for (uint32_t f = 0; f < 3; f++) {
    struct spool_flow_info info = flow_info(r, f, f == 2);
    flows[f] = spool_flow_open(s, &info, t);
    r->chains[f].party = f ? "caller" : NULL;
  }
  for (int i = 0; i < 3; i++) {
    struct spool_packet p = {
        .time_ns = t + i * 700 * MS, .ttl = 63, .tos = 0x60, .transport = 17};
    p.src = (struct endpoint){.addr = addr_v4(0x0a000001), .port = 5060};
    p.dst = (struct endpoint){.addr = addr_v4(0x0a000002), .port = 5060};
    p.payload = i == 2 ? slice_of(longer, sizeof longer) : slice_str(INVITE);
    p.wire_bytes = (uint32_t)p.payload.size;
    cr_assert(spool_flow_packet(s, flows[0], &p));
  }
  for (int i = 0; i < 200; i++) {
    struct spool_packet p = {.time_ns = t + i * 10 * MS,
                             .ttl = 62,
                             .tos = 0xb8,
                             .ip_id = (uint16_t)(i + 1)};
    p.transport = 17;
    p.vlan_outer = i % 2 ? 0 : 100;
    p.vlan_inner = i % 4 ? 0 : 200;
    rtp[3] = (uint8_t)(i / 2);
    p.payload = slice_of(rtp, sizeof rtp);
    p.wire_bytes = sizeof rtp;
    cr_assert(spool_flow_packet(s, flows[1 + i % 2], &p));
    if (i % 50 == 0) {
      static const uint8_t RR[8] = {0x80, 201, 0, 1, 1, 2, 3, 4};
      p.rtcp = true;
      p.payload = slice_of(RR, sizeof RR);
      p.wire_bytes = sizeof RR;
      cr_assert(spool_flow_packet(s, flows[1], &p));
    }
  }
  for (uint32_t f = 0; f < 3; f++)
    r->chains[f].tail = spool_flow_close(s, flows[f]);
  spool_close(s);
}

static void spool_call(struct call_record *r) { spool_call_at(r, 0); }

static void write_pcap(const struct call_record *r, enum call_pcap_rtp rtp,
                       char path[128], uint64_t *packets) {
  snprintf(path, 128, "%s/%d.pcap", dir, rtp);
  FILE *f = fopen(path, "wb");
  cr_assert_not_null(f);
  cr_assert_eq(call_pcap_write(dir, r, rtp, to_file, f, packets), 0);
  fclose(f);
}

static void write_pcapng(const struct call_record *r, char path[128], call_pcap_hide *hide) {
  const struct call_pcap_form form = {.format = CAPTURE_PCAPNG, .hide = hide};
  uint64_t packets = 0;
  snprintf(path, 128, "%s/call.pcapng", dir);
  FILE *f = fopen(path, "wb");
  cr_assert_not_null(f);
  cr_assert_eq(call_pcap_write_as(dir, &r, 1, &form, to_file, f, &packets), 0);
  cr_expect_eq(packets, 207);
  fclose(f);
}

/* Lines that tshark prints for a filter; needs tshark. */
static unsigned tshark_lines(const char *path, const char *filter) {
  char command[512], line[1024];
  unsigned lines = 0;
  snprintf(command, sizeof command,
           "tshark -r %s -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE "
           "-d udp.port==4000,rtp"
           " -Y '%s' 2>/dev/null",
           path, filter);
  FILE *f = popen(command, "r");
  while (fgets(line, sizeof line, f))
    lines++;
  int status = pclose(f);
  cr_assert_eq(status, 0, "tshark cannot read %s with filter %s (status %d)",
               path, filter, status);
  return lines;
}

Test(media, a_capture_file_opens_in_tshark_with_the_same_packets) {
  char path[128];
  uint64_t packets = 0;
  struct call_record *r = help_call(1, HELP_T0_US);

  cr_assert_eq(system("command -v tshark >/dev/null"), 0,
               "this test needs tshark (package tshark)");
  spool_call(r);
  write_pcap(r, CALL_PCAP_FULL, path, &packets);
  cr_assert_eq(packets, 207);
  static const struct {
    const char *filter;
    unsigned lines;
  } CASES[] = {
      {"frame", 207},
      {"_ws.malformed && udp.length != 16", 0}, /* RTCP is no RTP */
      {"sip", 3},
      {"ipv6 && udp.checksum.status == \"Good\"", 100},
      {"ip && udp.checksum.status == \"Good\" && ip.checksum.status == "
       "\"Good\"",
       107},
      {"udp.checksum.status != \"Good\"", 0},
      {"vlan.id == 100", 52},
      {"ieee8021ad.id == 100", 52},
      {"vlan.id == 200", 52},
      {"ip.ttl == 62 && ip.dsfield == 0xb8", 104},
      {"frame.time_delta < 0", 0},
      {"udp.length == 9008 && frame.len == 9042", 1},
      {"frame.number == 1 && frame.time_epoch == 1795255200.000000123", 1},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
    cr_expect_eq(tshark_lines(path, CASES[i].filter), CASES[i].lines, "%s",
                 CASES[i].filter);
  write_pcapng(r, path, NULL);
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
    cr_expect_eq(tshark_lines(path, CASES[i].filter), CASES[i].lines, "pcapng: %s",
                 CASES[i].filter);

  write_pcap(r, CALL_PCAP_HEADERS, path, &packets);
  cr_assert_eq(packets, 207);
  cr_expect_eq(
      tshark_lines(path, "frame.cap_len < frame.len && frame.cap_len <= 74"),
      200);
  cr_expect_eq(tshark_lines(path, "udp.length == 180"), 200);
  write_pcap(r, CALL_PCAP_NONE, path, &packets);
  cr_assert_eq(packets, 7);
  cr_expect_eq(tshark_lines(path, "sip"), 3);
  record_free(r);
}

static void hide_first(bool media, struct slice descriptor, const struct spool_packet *packet, uint8_t *payload) {
  (void)descriptor;
  cr_assert_gt(packet->payload.size, 0);
  if (media && !packet->rtcp)
    payload[packet->payload.size - 1] ^= 0xff;
}

static bool output_holds(const char *command, const char *word) {
  char line[1024];
  bool found = false;
  FILE *f = popen(command, "r");
  while (fgets(line, sizeof line, f))
    found |= strstr(line, word) != NULL;
  return pclose(f) == 0 && found;
}

Test(media, a_pcapng_file_names_its_call_and_what_is_hidden_in_it_has_right_checksums) {
  struct call_record *r = help_call(1, HELP_T0_US);
  char path[128], command[256];

  spool_call(r);
  write_pcapng(r, path, hide_first);
  cr_expect_eq(tshark_lines(path, "frame"), 207);
  cr_expect_eq(tshark_lines(path, "udp.checksum.status != \"Good\""), 0);
  snprintf(command, sizeof command, "capinfos %s", path);
  cr_expect(output_holds(command, r->uid), "capinfos tells the comment");
  cr_expect(output_holds(command, "pcapng"));
  cr_expect(output_holds(command, "nanoseconds (9)"));
  record_free(r);
}

static int refuse_after(void *context, const void *bytes, size_t size) {
  (void)bytes, (void)size;
  return --*(int *)context < 0 ? ERR_FULL : 0;
}

Test(media, a_capture_file_never_holds_another_calls_packets) {
  struct call_record *r = help_call(1, HELP_T0_US),
                     *other = help_call(2, HELP_T0_US);
  char path[128];
  int left = 10;
  uint64_t packets = 77;

  spool_call(r);
  other->chain_count = r->chain_count;
  other->chains = r->chains;
  cr_assert_eq(call_pcap_write(dir, other, CALL_PCAP_FULL, refuse_after, &left,
                               &packets),
               ERR_NOT_FOUND);
  cr_assert_eq(
      call_pcap_write(dir, r, CALL_PCAP_FULL, refuse_after, &left, &packets),
      ERR_FULL);
  cr_assert_eq(packets, 77);
  /* Without chains there is a file without packets. */
  other->chain_count = 0;
  write_pcap(other, CALL_PCAP_FULL, path, &packets);
  cr_assert_eq(packets, 0);
  record_free(other);
  record_free(r);
}

Test(media, a_file_that_takes_not_all_chains_can_be_told) {
  struct call_record *calls[2];
  const struct call_record *const *all = (const struct call_record *const *)calls;
  for (unsigned i = 0; i < 2; i++) {
    struct call_record *r = help_call(i + 1, HELP_T0_US);
    r->chain_count = 70;
    r->chains = arena_alloc(r->arena, r->chain_count * sizeof *r->chains);
    for (uint32_t c = 0; c < r->chain_count; c++)
      r->chains[c].tail.segment = c < 65;
    calls[i] = r;
  }
  cr_expect_eq(call_pcap_chains(all, 1), 65, "what was never written is none");
  cr_expect_eq(call_pcap_chains(all, 2), 130);
  cr_expect_gt(call_pcap_chains(all, 2), (uint32_t)CALL_PCAP_CHAINS_MAX);
  for (unsigned i = 0; i < 2; i++)
    record_free(calls[i]);
}

struct gathered {
  uint8_t bytes[1 << 18];
  size_t size;
};

static int gather(void *context, const void *bytes, size_t size) {
  struct gathered *g = context;
  cr_assert_leq(g->size + size, sizeof g->bytes);
  memcpy(g->bytes + g->size, bytes, size);
  g->size += size;
  return 0;
}

static bool times_rise(const struct gathered *g) {
  int64_t last_ns = 0;
  for (size_t at = 24; at < g->size;) {
    uint32_t words[3];
    memcpy(words, g->bytes + at, sizeof words);
    int64_t t = words[0] * INT64_C(1000000000) + words[1];
    if (t < last_ns)
      return false;
    last_ns = t;
    at += 16 + words[2];
  }
  return true;
}

Test(media, a_packet_that_two_calls_kept_stands_once_in_their_file) {
  struct call_record *calls[3];
  uint64_t packets = 0;
  static struct gathered g;
  for (unsigned i = 0; i < 3; i++) {
    calls[i] = help_call(i + 1, HELP_T0_US);
    spool_call_at(calls[i], i == 2 ? 5 * MS : 0);
  }
  const struct call_record *const *all = (const struct call_record *const *)calls;
  cr_assert_eq(call_pcap_write_all(dir, all, 2, CALL_PCAP_NONE, gather, &g, &packets), 0);
  cr_expect_eq(packets, 7, "both calls kept the same: %llu", (unsigned long long)packets);
  g.size = 0;
  cr_assert_eq(call_pcap_write_all(dir, all, 3, CALL_PCAP_NONE, gather, &g, &packets), 0);
  cr_expect_eq(packets, 14, "the third its own: %llu", (unsigned long long)packets);
  cr_expect(times_rise(&g));
  g.size = 0;
  cr_assert_eq(call_pcap_write_all(dir, all, 3, CALL_PCAP_HEADERS, gather, &g, &packets), 0);
  cr_expect_eq(packets, 414);
  cr_expect(times_rise(&g));
  for (unsigned i = 0; i < 3; i++)
    record_free(calls[i]);
}

static void is_of_somebody_else(void *context, const char *path) {
  *(bool *)context |= strcmp(path, "audio/100.wav.json") == 0;
}

/* "100.wav" is a caller, too, and that file lies beside his call. */
Test(media, what_lies_beside_a_file_is_not_what_lies_beside_another) {
  struct call_record *r = help_call(1, HELP_T0_US);
  bool others = false;
  r->recording.path = slice_str("audio/100.wav");
  media_files(r, is_of_somebody_else, &others);
  cr_expect_not(others);
  record_free(r);
}

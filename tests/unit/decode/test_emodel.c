#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>

#include "decode/emodel.h"
#include "decode/score.h"

#define NEAR(got, want, what)                                                                      \
    cr_assert(fabs((got) - (want)) <= 1e-6, "%s: got %.9f want %.9f", what, (double)(got),         \
              (double)(want))

static json_t *vectors(const char *group)
{
    json_error_t error;
    json_t *all = json_load_file(TEST_DATA "/reference/emodel_vectors.json", 0, &error);
    cr_assert(all, "%s", error.text);
    json_t *part = json_incref(json_object_get(all, group));
    cr_assert(part, "%s", group);
    json_decref(all);
    return part;
}

static double num(json_t *v, const char *key)
{
    json_t *n = json_object_get(v, key);
    cr_assert(json_is_number(n), "%s", key);
    return json_number_value(n);
}

static struct emodel_terms run(double ie, double bpl, double ppl, double burst_r, double ta)
{
    struct emodel_input in;
    struct emodel_terms t;
    emodel_defaults(&in);
    in.ie = ie;
    in.bpl = bpl;
    in.ppl = ppl;
    in.burst_r = burst_r;
    in.ta = in.t = ta;
    in.tr = 2 * ta;
    emodel_nb(&in, &t);
    return t;
}

Test(emodel, defaults_give_the_reference_budget)
{
    json_t *v = vectors("default");
    struct emodel_terms t = run(0, 4.3, 0, 1, 0);
    NEAR(t.no, num(v, "No"), "No");
    NEAR(t.ro, num(v, "Ro"), "Ro");
    NEAR(t.iolr, num(v, "Iolr"), "Iolr");
    NEAR(t.ist, num(v, "Ist"), "Ist");
    NEAR(t.iq, num(v, "Iq"), "Iq");
    NEAR(t.is, num(v, "Is"), "Is");
    NEAR(t.idte, num(v, "Idte"), "Idte");
    NEAR(t.idle, num(v, "Idle"), "Idle");
    NEAR(t.idd, num(v, "Idd"), "Idd");
    NEAR(t.id, num(v, "Id"), "Id");
    NEAR(t.ie_eff, num(v, "Ieeff"), "Ie,eff");
    NEAR(t.r, num(v, "R"), "R");
    NEAR(emodel_mos(t.r), num(v, "MOS"), "MOS");
    json_decref(v);
}

Test(emodel, loss_vectors_are_met)
{
    json_t *list = vectors("loss"), *v;
    size_t i;
    cr_assert_geq(json_array_size(list), 60);
    json_array_foreach(list, i, v)
    {
        struct emodel_terms t =
            run(num(v, "Ie"), num(v, "Bpl"), num(v, "Ppl"), num(v, "BurstR"), 0);
        NEAR(t.ie_eff, num(v, "Ieeff"), "Ie,eff");
        NEAR(t.r, num(v, "R"), "R");
        NEAR(emodel_mos(t.r), num(v, "MOS"), "MOS");
    }
    json_decref(list);
}

Test(emodel, delay_and_echo_vectors_are_met)
{
    json_t *list = vectors("delay"), *v;
    size_t i;
    json_array_foreach(list, i, v)
    {
        struct emodel_terms t = run(0, 25.1, 0, 1, num(v, "Ta"));
        NEAR(t.idte, num(v, "Idte"), "Idte");
        NEAR(t.idle, num(v, "Idle"), "Idle");
        NEAR(t.idd, num(v, "Idd"), "Idd");
        NEAR(t.id, num(v, "Id"), "Id");
        NEAR(t.r, num(v, "R"), "R");
        NEAR(emodel_mos(t.r), num(v, "MOS"), "MOS");
        NEAR(93.20620772327571 - t.idd, num(v, "R_echofree"), "R without echo");
        struct emodel_input in;
        emodel_defaults(&in);
        in.ta = num(v, "Ta");
        emodel_wb(&in, false, &t);
        NEAR(t.r, num(v, "R_wb"), "R, wideband");
        NEAR(emodel_mos_on(EMODEL_WB, t.r), num(v, "MOS_wb"), "MOS, wideband");
        emodel_fb(&in, &t);
        NEAR(t.r, num(v, "R_fb"), "R, fullband");
        NEAR(emodel_mos_on(EMODEL_FB, t.r), num(v, "MOS_fb"), "MOS, fullband");
    }
    json_decref(list);
}

/* Golden figures of an implementation of G.107.1 that is not ours, to the digits it prints. */
Test(emodel, wideband_echo_is_that_of_others)
{
    static const struct {
        double ie, ta, idte, idle, r;
    } rows[] = {{5, 150, 0.355448, 1.012266, 122.421331}, {0, 50, 0.092907, NAN, 128.255018}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emodel_input in;
        struct emodel_terms t;
        emodel_defaults(&in);
        in.ie = rows[i].ie;
        in.bpl = 15;
        in.ta = rows[i].ta;
        emodel_wb(&in, true, &t);
        cr_assert_float_eq(t.idte, rows[i].idte, 1e-5);
        cr_assert_float_eq(t.r, rows[i].r, 1e-5);
        cr_assert(isnan(rows[i].idle) || fabs(t.idle - rows[i].idle) < 1e-5);
    }
}

/* Each row of the codec table by its own Ie and Bpl, on its own scale, whether or not SDP can name it. */
Test(emodel, every_codec_row_is_met_on_its_scale)
{
    static const double losses[] = {0, 1, 2, 5};
    json_t *list = vectors("codecs"), *v;
    size_t i;
    json_array_foreach(list, i, v)
    {
        const char *scale = json_string_value(json_object_get(v, "scale"));
        const char *name = json_string_value(json_object_get(v, "codec"));
        json_t *bpl = json_object_get(v, "Bpl");
        for (unsigned k = 0; k < 4; k++) {
            struct emodel_input in;
            struct emodel_terms t;
            char key[16];
            emodel_defaults(&in);
            in.ie = num(v, "Ie");
            in.bpl = json_is_null(bpl) ? 4.3 : json_number_value(bpl);
            in.ppl = losses[k];
            enum emodel_scale at = *scale == 'N' ? EMODEL_NB : *scale == 'W' ? EMODEL_WB : EMODEL_FB;
            if (at == EMODEL_NB)
                emodel_nb(&in, &t);
            else if (at == EMODEL_WB)
                emodel_wb(&in, false, &t);
            else
                emodel_fb(&in, &t);
            snprintf(key, sizeof key, "R@%g", losses[k]);
            NEAR(t.r, num(v, key), name);
            snprintf(key, sizeof key, "MOS@%g", losses[k]);
            NEAR(emodel_mos_on(at, t.r), num(v, key), name);
        }
    }
    cr_assert_eq(json_array_size(list), 39);
    json_decref(list);
}

Test(emodel, loss_with_delay_vectors_are_met)
{
    json_t *list = vectors("combo"), *v;
    size_t i;
    json_array_foreach(list, i, v)
    {
        bool g711 = strcmp(json_string_value(json_object_get(v, "codec")), "G.711+PLC") == 0;
        struct emodel_terms t =
            run(g711 ? 0 : 11, g711 ? 25.1 : 19, num(v, "Ppl"), num(v, "BurstR"), num(v, "Ta"));
        NEAR(t.r, num(v, "R"), "R");
        NEAR(emodel_mos(t.r), num(v, "MOS"), "MOS");
    }
    json_decref(list);
}

Test(emodel, mos_vectors_are_met)
{
    json_t *list = vectors("mos"), *v;
    size_t i;
    json_array_foreach(list, i, v)
        NEAR(emodel_mos(num(v, "R")), num(v, "MOS"), "MOS");
    json_decref(list);
}

Test(emodel, more_loss_never_helps_and_bursts_never_help)
{
    for (double burst = 1; burst <= 8; burst += 0.5) {
        double before = 1e9;
        for (double ppl = 0; ppl <= 100; ppl += 0.25) {
            double r = run(11, 19, ppl, burst, 0).r;
            cr_assert_lt(r, before, "Ppl %g BurstR %g", ppl, burst);
            cr_assert_leq(run(11, 19, ppl, burst + 0.5, 0).r, r);
            before = r;
        }
    }
}

Test(emodel, more_delay_never_helps)
{
    double before = 1e9;
    for (double ta = 0; ta <= 1000; ta += 5) {
        double r = run(0, 25.1, 0, 1, ta).r;
        cr_assert_leq(r, before + 1e-9, "Ta %g", ta);
        before = r;
    }
}

Test(emodel, mos_stays_in_its_range_and_rises)
{
    double before = 1;
    for (double r = -200; r < 300; r += 0.05) {
        double mos = emodel_mos(r);
        cr_assert(mos >= before && mos <= 4.5, "R %g", r);
        before = mos;
    }
    cr_assert(isnan(emodel_mos(NAN)));
}

/* ---- the codec table and the score of a stream ---- */

Test(score, codec_vectors_are_met)
{
    static const struct {
        const char *vector, *codec, *fmtp;
    } rows[] = {
        {"G.711 (PLC, App I/G.711)", "PCMU", ""},
        {"G.711 (PLC, App I/G.711)", "pcma", ""},
        {"G.723.1 6.3 (+VAD)", "G723", ""},
        {"G.726/G.727 40", "G726-40", ""},
        {"G.726/G.727 32", "AAL2-G726-32", ""},
        {"G.726/G.727 24", "G726-24", ""},
        {"G.726/G.727 16", "G726-16", ""},
        {"G.728 16", "G728", ""},
        {"G.729", "G729", "annexb=no"},
        {"G.729A (+VAD)", "G729", ""},
        {"GSM-FR 06.10", "GSM", ""},
        {"GSM-HR 06.20", "GSM-HR-08", ""},
        {"GSM-EFR 06.60", "GSM-EFR", ""},
        {"iLBC 20/30 ms", "iLBC", "mode=20"},
        {"AMR-NB 12.2", "AMR", "octet-align=1; mode-set=7"},
        {"AMR-NB 4.75", "AMR", "mode-set=0"},
        {"G.722 64", "G722", ""},
        {"G.722.1 32", "G7221", "bitrate=32000"},
        {"G.722.1 24", "G7221", "bitrate=24000"},
        {"AMR-WB 6.60", "AMR-WB", "mode-set=0"},
        {"AMR-WB 12.65", "AMR-WB", "octet-align=1; mode-set=2"},
        {"AMR-WB 23.05", "AMR-WB", "mode-set=7"},
        {"AMR-WB 23.85", "AMR-WB", "mode-set=8"},
        {"EVS-SWB 24.4", "EVS", "mode-set=6"},
        {"Opus >=24 kbit/s", "opus", ""},
    };
    json_t *list = vectors("codecs");
    unsigned met = 0;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        json_t *v;
        size_t i;
        json_array_foreach(list, i, v)
        {
            if (strcmp(json_string_value(json_object_get(v, "codec")), rows[r].vector) != 0)
                continue;
            struct slice codec = slice_str(rows[r].codec), fmtp = slice_str(rows[r].fmtp);
            NEAR(score_loss(codec, fmtp, 1000, 0, 0).r, num(v, "R@0"), rows[r].vector);
            NEAR(score_loss(codec, fmtp, 1000, 20, 20).r, num(v, "R@2"), rows[r].vector);
            NEAR(score_loss(codec, fmtp, 1000, 50, 50).mos_lq, num(v, "MOS@5"), rows[r].vector);
            met++;
        }
    }
    cr_assert_eq(met, sizeof rows / sizeof *rows);
    json_decref(list);
}

Test(score, basis_says_where_the_values_come_from)
{
    static const struct {
        const char *codec, *fmtp;
        unsigned lost;
        const char *basis;
    } rows[] = {
        {"PCMU", "", 0, "standard"},
        {"PCMU", "", 5, "standard"},
        {"G729", "", 5, "standard"},
        {"G729", "annexb=no", 0, "standard"},
        {"G729", "annexb=no", 5, "provisional"},
        {"GSM", "", 0, "standard"},
        {"GSM", "", 5, "provisional"},
        {"iLBC", "", 0, "provisional"},
        {"iLBC", "", 5, "provisional"},
        {"G723", "bitrate=5.3", 0, "standard"},
        {"G723", "bitrate=5.3", 1, "provisional"},
        {"opus", "", 0, "provisional"},
        {"G722", "", 0, "standard"},
        {"G722", "", 1, "provisional"},
        {"AMR-WB", "mode-set=2", 0, "standard"},
        {"AMR-WB", "mode-set=2", 1, "provisional"},
        {"AMR-WB", "mode-set=9", 0, "none"},
        {"speex", "", 0, "none"},
        {"L16", "", 0, "none"},
        {"AMR", "", 0, "none"},
        {"AMR", "mode-set=0,2", 0, "none"},
        {"", "", 0, "none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct score s = score_loss(slice_str(rows[i].codec), slice_str(rows[i].fmtp), 1000,
                                    rows[i].lost, rows[i].lost);
        cr_assert_str_eq(s.basis, rows[i].basis, "%s %s", rows[i].codec, rows[i].fmtp);
        cr_assert_eq(isnan(s.mos_lq) != 0, strcmp(rows[i].basis, "none") == 0);
        cr_assert_eq(s.scale == NULL, strcmp(rows[i].basis, "none") == 0);
    }
}

Test(score, nothing_expected_has_no_score)
{
    struct score s = score_loss(slice_str("PCMU"), slice_none(), 0, 0, 0);
    cr_assert(isnan(s.r) && isnan(s.mos_lq) && isnan(s.r_fb) && s.scale == NULL);
}

Test(score, bursts_count_only_for_codecs_that_conceal_well)
{
    struct score random = score_loss(slice_str("PCMU"), slice_none(), 1000, 20, 20);
    struct score bursty = score_loss(slice_str("PCMU"), slice_none(), 1000, 20, 5);
    cr_assert_float_eq(random.burst_r, 1, 1e-12);
    cr_assert_float_eq(bursty.burst_r, 4 * 0.98, 1e-12);
    cr_assert_lt(bursty.r, random.r);
    struct score gsm = score_loss(slice_str("GSM"), slice_none(), 1000, 20, 5);
    cr_assert_float_eq(gsm.burst_r, 1, 1e-12);
    cr_assert_float_eq(score_loss(slice_str("PCMU"), slice_none(), 1000, 500, 1).burst_r, 8, 1e-12);
}

Test(score, every_count_gives_a_figure_in_range)
{
    for (unsigned lost = 0; lost <= 60; lost++) {
        struct score s = score_loss(slice_str("PCMA"), slice_none(), 50, lost, lost ? 1 : 0);
        cr_assert(s.mos_lq >= 1 && s.mos_lq <= 4.5);
        cr_assert_float_eq(148 - s.r_fb - 54.8, 93.20620772327571 - s.r, 1e-9);
    }
}

/* ---- modes that payloads tell ---- */

static struct score of_frames(const char *codec, const uint32_t *frames, uint64_t bad)
{
    return score_of(&(struct score_input){.codec = slice_str(codec),
                                          .mode_frames = frames,
                                          .expected = 1000,
                                          .bad = bad,
                                          .runs = bad,
                                          .delay_ms = NAN});
}

Test(score, one_mode_scores_as_its_row_and_comfort_noise_counts_for_nothing)
{
    uint32_t frames[SCORE_MODES] = {[2] = 900, [9] = 80, [15] = 20};
    struct score s = of_frames("AMR-WB", frames, 0);
    NEAR(s.r, 129 - 13, "AMR-WB 12.65");
    NEAR(s.mos_lq, emodel_mos(116 / 1.29), "MOS");
    NEAR(s.r_fb, 148 - (13 + 19), "on the fullband scale");
    cr_assert_str_eq(s.scale, "WB");
    cr_assert_str_eq(s.basis, "standard");
}

Test(score, mixed_modes_weigh_by_frames)
{
    uint32_t frames[SCORE_MODES] = {[0] = 250, [8] = 750};
    NEAR(of_frames("AMR-WB", frames, 0).r, 129 - (0.25 * 41 + 0.75 * 8), "a quarter at 6.60");
    cr_assert_str_eq(of_frames("AMR-WB", frames, 1).basis, "provisional");
}

Test(score, a_mode_without_values_leaves_no_score)
{
    uint32_t evs[SCORE_MODES] = {[4] = 500, [0] = 1}; /* 13.2, and one frame of 2.8 kbit/s */
    cr_assert(isnan(of_frames("EVS", evs, 0).r));
    evs[0] = 0;
    NEAR(of_frames("EVS", evs, 0).r, 148 - 17.1, "EVS 13.2");
    uint32_t none[SCORE_MODES] = {0};
    cr_assert(isnan(of_frames("AMR", none, 0).r));
}

/* ---- delay ---- */

Test(score, conversation_is_scored_only_with_a_delay)
{
    struct score_input in = {.codec = slice_str("PCMA"), .expected = 10000, .bad = 100, .runs = 100, .delay_ms = NAN};
    cr_assert(isnan(score_of(&in).mos_cq));
    in.delay_ms = 150;
    NEAR(score_of(&in).r_cq, 85.89928523030395, "Ta 150, Ppl 1");
    cr_assert_gt(score_of(&in).r, score_of(&in).r_cq);
    in.no_echo = true;
    NEAR(score_of(&in).r_cq, score_of(&in).r - 0.1635311865867406, "Idd alone");
    in.codec = slice_str("G722");
    in.bad = 0;
    in.delay_ms = 200;
    NEAR(score_of(&in).r_cq, 125.07270565166081 - 13, "wideband");
    in.delay_ms = 501;
    cr_assert(score_of(&in).extrapolated);
}

Test(score, coding_takes_time)
{
    static const struct {
        const char *codec;
        double ptime, ms;
    } rows[] = {{"PCMU", 20, 20}, {"G722", 20, 21.5}, {"G729", 20, 35}, {"G723", 30, 67.5}, {"AMR", 20, 45},
                {"opus", 20, 46.5}, {"PCMA", 0, 20}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        NEAR(codec_delay_ms(slice_str(rows[i].codec), rows[i].ptime), rows[i].ms, rows[i].codec);
    cr_assert(isnan(codec_delay_ms(slice_str("speex"), 20)));
}

/* ---- the operator's values ---- */

Test(score, own_values_go_ahead_of_the_table)
{
    struct quality_book book;
    struct slice wrong;
    cr_assert_eq(quality_book_parse(&book, "opus FB 5 15, PCMU NB 0 4.3,AMR-WB/12.65 WB 13 8", &wrong), 0);
    cr_assert_eq(book.count, 3);
    struct score_input in = {.book = &book, .codec = slice_str("opus"), .expected = 1000, .bad = 0, .delay_ms = NAN};
    NEAR(score_of(&in).r, 143, "opus");
    cr_assert_str_eq(score_of(&in).basis, "operator");
    in.codec = slice_str("PCMU");
    in.bad = in.runs = 20;
    NEAR(score_of(&in).r, 63.04747756454555, "no concealment, 2 %");
    in.codec = slice_str("PCMA");
    cr_assert_str_eq(score_of(&in).basis, "standard");
    uint32_t frames[SCORE_MODES] = {[2] = 10};
    in.codec = slice_str("AMR-WB");
    in.mode_frames = frames;
    cr_assert_str_eq(score_of(&in).basis, "operator");
    frames[3] = 10;
    cr_assert_str_eq(score_of(&in).basis, "provisional");
}

Test(score, own_values_that_are_none_are_named)
{
    static const char *const bad[] = {"opus", "opus FB", "opus FB 5", "opus XB 5 15", "opus FB -5 15", "opus FB 5 0", "opus FB 5 15 1",
                                      "opus FB 5x 15", "opus FB 132 15", "a-codec-name-that-is-much-too-long FB 5 15"};
    struct quality_book book;
    struct slice wrong;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[120];
        snprintf(text, sizeof text, "PCMU NB 0 25, %s", bad[i]);
        cr_assert_neq(quality_book_parse(&book, text, &wrong), 0, "%s", bad[i]);
        cr_assert(slice_is(wrong, bad[i]), "%s", bad[i]);
    }
    cr_assert_eq(quality_book_parse(&book, " , ", &wrong), 0);
    cr_assert_eq(book.count, 0);
}

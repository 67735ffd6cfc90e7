/* Recording metadata as the RFC has it, and as drafts had it. */
#include "tests/unit/body/bodies.h"

#include "capture/body/siprec.h"

static const char standard[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<recording xmlns='urn:ietf:params:xml:ns:recording:1'>\n"
    " <datamode>complete</datamode>\n"
    " <group group_id=\"7+OTCyoxTmqmqyA/1weDAg==\"><associate-time>2010-12-16T23:41:07Z</associate-time></group>\n"
    " <session session_id=\"hVpd7YQgRW2nD22h7q60JQ==\">\n"
    "  <sipSessionID>ab30317f1a784dc48ff824d0d3715d86; remote=47755a9de7794ba387653f2099600ef2</sipSessionID>\n"
    "  <group-ref>7+OTCyoxTmqmqyA/1weDAg==</group-ref><start-time>2010-12-16T23:41:07Z</start-time></session>\n"
    " <participant participant_id=\"srfBElmCRp2QB23b7Mpk0w==\"><nameID aor=\"sip:bob@biloxi.com\"><name xml:lang=\"it\">Bob</name></nameID></participant>\n"
    " <participant participant_id=\"zSfPoSvdSDCmU3A3TRDxAw==\"><nameID aor=\"sip:paul@biloxi.com\"/></participant>\n"
    " <stream stream_id=\"UAAMm5GRQKSCMVvLyl4rFw==\" session_id=\"hVpd7YQgRW2nD22h7q60JQ==\"><label>96</label></stream>\n"
    " <stream stream_id=\"i1Pz3to5hGk8fuXl+PbwCw==\" session_id=\"hVpd7YQgRW2nD22h7q60JQ==\"><label>97</label></stream>\n"
    " <participantsessionassoc participant_id=\"srfBElmCRp2QB23b7Mpk0w==\" session_id=\"hVpd7YQgRW2nD22h7q60JQ==\">\n"
    "  <associate-time>2010-12-16T23:41:07Z</associate-time><disassociate-time>2010-12-16T23:50:00Z</disassociate-time></participantsessionassoc>\n"
    " <participantstreamassoc participant_id=\"srfBElmCRp2QB23b7Mpk0w==\"><send>i1Pz3to5hGk8fuXl+PbwCw==</send><recv>UAAMm5GRQKSCMVvLyl4rFw==</recv></participantstreamassoc>\n"
    " <participantstreamassoc participant_id=\"zSfPoSvdSDCmU3A3TRDxAw==\"><send>UAAMm5GRQKSCMVvLyl4rFw==</send><recv>nowhere</recv></participantstreamassoc>\n"
    " <participantstreamassoc participant_id=\"nobody\"><send>UAAMm5GRQKSCMVvLyl4rFw==</send></participantstreamassoc>\n"
    "</recording>";

Test(siprec, sessions_participants_and_streams_are_linked)
{
    struct xml *x = xml_new(3);
    struct siprec s;
    cr_assert_eq(siprec_read(x, slice_str(standard), &s), XML_OK);
    cr_expect(s.complete && !s.limited);
    cr_assert_eq(s.session_count, 1);
    IS(s.sessions[0].id, "hVpd7YQgRW2nD22h7q60JQ==");
    IS(s.sessions[0].sip_session_id, "ab30317f1a784dc48ff824d0d3715d86; remote=47755a9de7794ba387653f2099600ef2");
    IS(s.sessions[0].group_ref, "7+OTCyoxTmqmqyA/1weDAg==");
    IS(s.sessions[0].start_time, "2010-12-16T23:41:07Z");
    cr_assert_eq(s.participant_count, 2);
    IS(s.participants[0].aor, "sip:bob@biloxi.com");
    IS(s.participants[0].name, "Bob");
    cr_expect_eq(s.participants[0].session, 0);
    IS(s.participants[0].left_at, "2010-12-16T23:50:00Z");
    cr_expect_eq(s.participants[0].sends, 2);
    cr_expect_eq(s.participants[0].receives, 1);
    NONE(s.participants[1].name);
    cr_expect_eq(s.participants[1].session, -1);
    cr_expect_eq(s.participants[1].receives, 0);
    cr_assert_eq(s.stream_count, 2);
    IS(s.streams[0].label, "96");
    cr_expect_eq(s.streams[0].participant, 1);
    cr_expect_eq(s.streams[1].participant, 0);
    cr_expect_eq(s.streams[1].session, 0);
    EVERY_TRUNCATION(slice_str(standard), cut, cr_expect_eq(siprec_read(x, cut, &s), XML_SYNTAX));
    xml_free(x);
}

Test(siprec, a_draft_that_nests_is_read_too)
{
    struct xml *x = xml_new(3);
    struct siprec s;
    cr_assert_eq(siprec_read(x,
                             slice_str("<recording xmlns='urn:ietf:params:xml:ns:recording'><dataMode>partial</dataMode>"
                                       "<session id='s1'><participant id='p1'><AoR>sip:a@b</AoR><name>A</name><send>st1</send></participant>"
                                       "<stream id='st1'><label>1</label></stream></session></recording>"),
                             &s),
                 XML_OK);
    cr_expect(!s.complete);
    IS(s.participants[0].aor, "sip:a@b");
    IS(s.participants[0].name, "A");
    cr_expect_eq(s.participants[0].session, 0);
    cr_expect_eq(s.participants[0].sends, 1);
    cr_expect_eq(s.streams[0].participant, 0);
    cr_expect_eq(s.streams[0].session, 0);
    cr_expect_eq(siprec_read(x, slice_str("<presence/>"), &s), XML_NOT_THIS);
    xml_free(x);
}

Test(siprec, lists_have_their_room)
{
    struct xml *x = xml_new(3);
    struct siprec s;
    char text[8192] = "<recording>";
    for (unsigned i = 0; i < 40; i++)
        strcat(text, "<session session_id='s'/><participant participant_id='p'/><stream stream_id='t'/>");
    strcat(text, "<participantstreamassoc participant_id='p'><send>t</send></participantstreamassoc></recording>");
    cr_assert_eq(siprec_read(x, slice_str(text), &s), XML_OK);
    cr_expect(s.limited);
    cr_expect_eq(s.session_count, SIPREC_SESSIONS_MAX);
    cr_expect_eq(s.participant_count, SIPREC_PARTICIPANTS_MAX);
    cr_expect_eq(s.stream_count, SIPREC_STREAMS_MAX);
    xml_free(x);
}

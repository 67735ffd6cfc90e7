/* Presence, dialogs, registrations, conferences, message waiting. */
#include "tests/unit/body/bodies.h"

#include <stdio.h>

#include "capture/body/conference_info.h"
#include "capture/body/dialog_info.h"
#include "capture/body/mwi.h"
#include "capture/body/pidf.h"

static struct xml *x;

static void make(void)
{
    x = xml_new(7);
}

static void end(void)
{
    xml_free(x);
}

TestSuite(presence, .init = make, .fini = end);

static const char alice[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\"\n"
    "  xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"pres:alice@example.com\">\n"
    " <tuple id=\"t1\"><status><basic>open</basic></status>\n"
    "  <contact priority=\"0.8\">sip:alice@192.0.2.10:5062</contact>\n"
    "  <note xml:lang=\"en\">at the desk</note><timestamp>2024-03-01T09:00:00Z</timestamp></tuple>\n"
    " <tuple id=\"t2\"><status><basic>closed</basic></status><contact>mailto:alice@example.com</contact></tuple>\n"
    " <dm:person id=\"p1\"><rpid:activities><rpid:on-the-phone/><rpid:other>tea</rpid:other></rpid:activities>\n"
    "  <dm:note>calling Bob</dm:note><dm:timestamp>2024-03-01T09:05:00Z</dm:timestamp></dm:person>\n"
    "</presence>\n";

Test(presence, tuples_activities_and_person_are_read)
{
    struct pidf p;
    cr_assert_eq(pidf_read(x, slice_str(alice), &p), XML_OK);
    IS(p.entity, "pres:alice@example.com");
    cr_expect_eq(p.state, PRESENCE_BUSY);
    cr_assert_eq(p.tuple_count, 2);
    IS(p.tuples[0].id, "t1");
    cr_expect_eq(p.tuples[0].basic, PIDF_OPEN);
    IS(p.tuples[0].contact, "sip:alice@192.0.2.10:5062");
    cr_expect_eq(p.tuples[0].priority_milli, 800);
    IS(p.tuples[0].note, "at the desk");
    IS(p.tuples[0].timestamp, "2024-03-01T09:00:00Z");
    cr_expect_eq(p.tuples[1].basic, PIDF_CLOSED);
    cr_expect_eq(p.tuples[1].priority_milli, -1);
    cr_assert_eq(p.activity_count, 2);
    IS(p.activities[0], "on-the-phone");
    IS(p.activities[1], "tea");
    IS(p.note, "calling Bob");
    IS(p.timestamp, "2024-03-01T09:05:00Z");
    cr_expect(!p.limited);
    EVERY_TRUNCATION(slice_str(alice), cut, cr_expect(n_ >= sizeof alice - 2 || pidf_read(x, cut, &p) == XML_SYNTAX));
}

Test(presence, the_overall_state_follows_the_table)
{
    static const struct {
        const char *basic, *person;
        enum presence_state state;
    } cases[] = {
        {"open", "", PRESENCE_ACTIVE},
        {"closed", "", PRESENCE_OFFLINE},
        {"closed", "<activities><busy/></activities>", PRESENCE_OFFLINE},
        {"", "", PRESENCE_UNKNOWN},
        {"", "<activities><away/></activities>", PRESENCE_AWAY},
        {"open", "<activities><vacation/></activities>", PRESENCE_AWAY},
        {"open", "<activities><lunch/><meeting/></activities>", PRESENCE_BUSY},
        {"open", "<activities><working/></activities>", PRESENCE_ACTIVE},
        {"open", "<activities><unknown/></activities><note>Away</note>", PRESENCE_AWAY},
        {"open", "<activities><activity>busy</activity></activities>", PRESENCE_BUSY},
        {"open", "<user-input>idle</user-input>", PRESENCE_IDLE},
        {"open", "<user-input>active</user-input>", PRESENCE_ACTIVE},
        {"open", "<user-input>idle</user-input><activities><away/></activities>", PRESENCE_AWAY},
        {"open", "<note>On the phone</note>", PRESENCE_BUSY},
        {"open", "<note>Idle</note>", PRESENCE_IDLE},
        {"open", "<note>Online</note>", PRESENCE_ACTIVE},
        {"open", "<note>busy</note><activities><working/></activities>", PRESENCE_ACTIVE},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        struct pidf p;
        snprintf(text, sizeof text,
                 "<presence entity='pres:a@b'><tuple id='a'><status><basic>%s</basic></status></tuple>"
                 "<person id='p'>%s</person></presence>",
                 cases[i].basic, cases[i].person);
        cr_assert_eq(pidf_read(x, slice_str(text), &p), XML_OK);
        cr_expect_eq(p.state, cases[i].state, "case %u is %d", i, (int)p.state);
    }
}

Test(presence, more_tuples_than_there_is_room_for_are_said)
{
    char text[2048] = "<presence entity='pres:a@b'>";
    struct pidf p;
    for (unsigned i = 0; i <= PIDF_TUPLES_MAX; i++)
        strcat(text, "<tuple id='a'><status><basic>open</basic></status></tuple>");
    strcat(text, "</presence>");
    cr_assert_eq(pidf_read(x, slice_str(text), &p), XML_OK);
    cr_expect_eq(p.tuple_count, PIDF_TUPLES_MAX);
    cr_expect(p.limited);
    cr_expect_eq(pidf_read(x, slice_str("<dialog-info/>"), &p), XML_NOT_THIS);
}

static const char dialogs[] =
    "<?xml version=\"1.0\"?>\n"
    "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"17\" state=\"partial\" entity=\"sip:201@pbx.example\">\n"
    " <dialog id=\"as7d900as8\" call-id=\"a84b4c76e66710\" local-tag=\"1928301774\" remote-tag=\"456887766\" direction=\"initiator\">\n"
    "  <state event=\"rejected\" code=\"486\">terminated</state><duration>274</duration>\n"
    "  <local><identity display=\"Alice\">sip:201@pbx.example</identity><target uri=\"sip:201@192.0.2.7\"/></local>\n"
    "  <remote><identity>sip:202@pbx.example</identity></remote></dialog>\n"
    " <dialog id=\"2\" direction=\"recipient\"><state>Early</state></dialog>\n"
    "</dialog-info>";

Test(presence, dialogs_are_read)
{
    struct dialog_info d;
    cr_assert_eq(dialog_info_read(x, slice_str(dialogs), &d), XML_OK);
    IS(d.entity, "sip:201@pbx.example");
    cr_expect_eq(d.version, 17);
    cr_expect(!d.full);
    cr_assert_eq(d.dialog_count, 2);
    IS(d.dialogs[0].id, "as7d900as8");
    IS(d.dialogs[0].call_id, "a84b4c76e66710");
    IS(d.dialogs[0].local_tag, "1928301774");
    IS(d.dialogs[0].remote_tag, "456887766");
    cr_expect_eq(d.dialogs[0].direction, DIALOG_INFO_INITIATOR);
    cr_expect_eq(d.dialogs[0].state, DIALOG_INFO_TERMINATED);
    IS(d.dialogs[0].event, "rejected");
    cr_expect_eq(d.dialogs[0].code, 486);
    cr_expect_eq(d.dialogs[0].duration_s, 274);
    IS(d.dialogs[0].local.identity, "sip:201@pbx.example");
    IS(d.dialogs[0].local.display, "Alice");
    IS(d.dialogs[0].local.target, "sip:201@192.0.2.7");
    IS(d.dialogs[0].remote.identity, "sip:202@pbx.example");
    cr_expect_eq(d.dialogs[1].state, DIALOG_INFO_EARLY);
    cr_expect_eq(d.dialogs[1].direction, DIALOG_INFO_RECIPIENT);
    cr_expect_eq(d.dialogs[1].duration_s, -1);
    cr_expect_str_eq(dialog_info_state_text(d.dialogs[1].state), "early");
    EVERY_TRUNCATION(slice_str(dialogs), cut, cr_expect_eq(dialog_info_read(x, cut, &d), XML_SYNTAX));
}

static const char conference[] =
    "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"sips:conf233@example.com\" state=\"full\" version=\"1\">"
    "<conference-description><subject>Agenda: This month's goals</subject><maximum-user-count>50</maximum-user-count></conference-description>"
    "<conference-state><user-count>33</user-count><active>true</active><locked>false</locked></conference-state>"
    "<users><user entity=\"sip:bob@example.com\" state=\"full\"><display-text>Bob Hoskins</display-text>"
    "<roles><entry>participant</entry></roles>"
    "<endpoint entity=\"sip:bob@pc33.example.com\"><display-text>Bob's Laptop</display-text><status>disconnected</status>"
    "<disconnection-method>departed</disconnection-method><disconnection-info><when>2005-03-04T20:00:00Z</when></disconnection-info>"
    "<joining-method>dialed-in</joining-method><joining-info><when>2005-03-04T19:00:00Z</when></joining-info>"
    "<media id=\"1\"><type>audio</type><label>34567</label></media><media id=\"2\"><type>video</type></media>"
    "<call-info><sip><call-id>hsjh8980vhsb78</call-id><from-tag>vav738dvbs</from-tag></sip></call-info></endpoint></user>"
    "<user entity=\"sip:alice@example.com\"><endpoint entity=\"sip:4kfk4j392jsu@example.com;grid=433kj4j3u\">"
    "<status>connected</status></endpoint></user></users></conference-info>";

Test(presence, conferences_are_read)
{
    struct conference_info c;
    cr_assert_eq(conference_info_read(x, slice_str(conference), &c), XML_OK);
    IS(c.entity, "sips:conf233@example.com");
    IS(c.subject, "Agenda: This month's goals");
    cr_expect_eq(c.participants, 33);
    cr_expect_eq(c.participants_max, 50);
    cr_expect(c.active && !c.locked);
    cr_assert_eq(c.user_count, 2);
    IS(c.users[0].entity, "sip:bob@example.com");
    IS(c.users[0].display, "Bob Hoskins");
    IS(c.users[0].role, "participant");
    cr_assert_eq(c.endpoint_count, 2);
    IS(c.endpoints[0].status, "disconnected");
    IS(c.endpoints[0].joined_by, "dialed-in");
    IS(c.endpoints[0].joined_at, "2005-03-04T19:00:00Z");
    IS(c.endpoints[0].left_by, "departed");
    IS(c.endpoints[0].left_at, "2005-03-04T20:00:00Z");
    IS(c.endpoints[0].call_id, "hsjh8980vhsb78");
    cr_assert_eq(c.endpoints[0].media_count, 2);
    IS(c.endpoints[0].media_types[1], "video");
    cr_expect_eq(c.endpoints[1].user, 1);
    IS(c.endpoints[1].status, "connected");
    EVERY_TRUNCATION(slice_str(conference), cut, cr_expect_eq(conference_info_read(x, cut, &c), XML_SYNTAX));
}

Test(presence, message_waiting_counts_are_read)
{
    struct mwi m;
    struct slice body = slice_str("Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\n"
                                  "Voice-Message: 2/8 (0/2)\r\nFax-Message: 1/0\r\nText-Message: many\r\n\r\n");
    cr_assert(mwi_read(body, &m));
    cr_expect(m.waiting);
    IS(m.account, "sip:alice@vmail.example.com");
    const struct mwi_count *voice = &m.counts[MWI_VOICE];
    cr_expect(voice->given && voice->fresh == 2 && voice->old == 8 && voice->urgent_fresh == 0 && voice->urgent_old == 2);
    cr_expect(m.counts[MWI_FAX].given && m.counts[MWI_FAX].fresh == 1 && m.counts[MWI_FAX].urgent_old == 0);
    cr_expect(!m.counts[MWI_TEXT].given && !m.counts[MWI_PAGER].given);
    cr_expect(mwi_read(slice_str("messages-waiting:No\n"), &m));
    cr_expect(!m.waiting);
    cr_expect(!mwi_read(slice_str("Messages-Waiting: perhaps\r\n"), &m));
    cr_expect(!mwi_read(slice_str("Voice-Message: 2/8\r\n"), &m));
    EVERY_TRUNCATION(body, cut, cr_expect_eq(mwi_read(cut, &m), n_ >= strlen("Messages-Waiting: yes")));
}

/* Numbers of ten places, as people and exchanges there write them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "capture/call/number.h"
#include "capture/sip/uri.h"

static const struct number_rules germany = {.country = "49",
                                            .national_prefix = "0",
                                            .international_prefix = "00",
                                            .area = "30",
                                            .extension_length = 5};
static const struct number_rules north_america = {.country = "1",
                                                  .national_prefix = "1",
                                                  .international_prefix = "011",
                                                  .area = "212",
                                                  .national_length = 10,
                                                  .extension_length = 5};
static const struct number_rules britain = {.country = "44",
                                            .national_prefix = "0",
                                            .international_prefix = "00",
                                            .area = "20",
                                            .extension_length = 5};
static const struct number_rules italy = {.country = "39",
                                          .national_prefix = "",
                                          .international_prefix = "00",
                                          .national_length = 6,
                                          .extension_length = 5};
static const struct number_rules russia = {.country = "7",
                                           .national_prefix = "8",
                                           .international_prefix = "810",
                                           .area = "495",
                                           .national_length = 10,
                                           .extension_length = 5,
                                           .rule_count = 1,
                                           .rules = {{"7", "+7", 11}}};
static const struct number_rules france = {.country = "33",
                                           .national_prefix = "0",
                                           .international_prefix = "00",
                                           .national_length = 9,
                                           .extension_length = 5};
static const struct number_rules switzerland = {.country = "41",
                                                .national_prefix = "0",
                                                .international_prefix = "00",
                                                .area = "44",
                                                .extension_length = 4};
static const struct number_rules spain = {.country = "34",
                                          .national_prefix = "",
                                          .international_prefix = "00",
                                          .national_length = 9,
                                          .extension_length = 5};
static const struct number_rules a_pbx = {
    .country = "49",
    .national_prefix = "0",
    .international_prefix = "00",
    .extension_length = 4,
    .rule_count = 4,
    .rules = {{"000", "+", 0}, {"00", "+49", 0}, {"7", "+4930777", 3}, {"9", "", 0}}};
static const struct number_rules nowhere = {
    .international_prefix = "00", .extension_length = 5, .national_prefix = "0"};

/* What stands as the user of a URI, and the number it is; "": none. */
static const struct {
    const struct number_rules *rules;
    const char *user, *number;
} numbers[] = {
    {&germany, "0301234567", "+49301234567"},
    {&germany, "030/1234567", "+49301234567"},
    {&germany, "(030)1234567", "+49301234567"},
    {&germany, "030-123-45-67", "+49301234567"},
    {&germany, "0171-2345678", "+491712345678"},
    {&germany, "+49301234567", "+49301234567"},
    {&germany, "+49(0)301234567", "+49301234567"},
    {&germany, "+49-30-1234567", "+49301234567"},
    {&germany, "0049301234567", "+49301234567"},
    {&germany, "00493012345", "+493012345"},
    {&germany, "12345678", "+493012345678"},
    {&germany, "1234567", "+49301234567"},
    {&germany, "123456", "+4930123456"},
    {&germany, "201", "201"},
    {&germany, "10", "10"},
    {&germany, "12345", "12345"},
    {&germany, "110", "110"},
    {&germany, "112", "112"},
    {&germany, "0", "0"},
    {&germany, "08001234567", "+498001234567"},
    {&germany, "09001234567", "+499001234567"},
    {&germany, "004433312345", "+4433312345"},
    {&germany, "0012125550123", "+12125550123"},
    {&germany, "00", "00"},
    {&germany, "0000", "0000"},
    {&germany, "*21#", "*21#"},
    {&germany, "#31#", "#31#"},
    {&germany, "*43*0301234567#", "*43*0301234567#"},
    {&germany, "015112345678", "+4915112345678"},
    {&germany, "+41446681800", "+41446681800"},
    {&germany, "0041446681800", "+41446681800"},
    {&germany, "0049", "0049"},
    {&germany, "+4930.123.4567", "+49301234567"},
    {&germany, "%2B49301234567", "+49301234567"},
    {&north_america, "2125550123", "+12125550123"},
    {&north_america, "12125550123", "+12125550123"},
    {&north_america, "+12125550123", "+12125550123"},
    {&north_america, "1-212-555-0123", "+12125550123"},
    {&north_america, "(212)555-0123", "+12125550123"},
    {&north_america, "212.555.0123", "+12125550123"},
    {&north_america, "5550123", "+12125550123"},
    {&north_america, "555-0123", "+12125550123"},
    {&north_america, "911", "911"},
    {&north_america, "411", "411"},
    {&north_america, "611", "611"},
    {&north_america, "1001", "1001"},
    {&north_america, "20000", "20000"},
    {&north_america, "01149301234567", "+49301234567"},
    {&north_america, "011442079460123", "+442079460123"},
    {&north_america, "18005550100", "+18005550100"},
    {&north_america, "8005550100", "+18005550100"},
    {&north_america, "+1-800-555-0100", "+18005550100"},
    {&north_america, "4165550123", "+14165550123"},
    {&north_america, "+525555555555", "+525555555555"},
    {&north_america, "011525555555555", "+525555555555"},
    {&north_america, "*67", "*67"},
    {&north_america, "*69", "*69"},
    {&north_america, "1", "1"},
    {&north_america, "0", "0"},
    {&north_america, "+1(416)5550123", "+14165550123"},
    {&north_america, "6505551234", "+16505551234"},
    {&north_america, "16505551234", "+16505551234"},
    {&britain, "02079460123", "+442079460123"},
    {&britain, "020-7946-0123", "+442079460123"},
    {&britain, "+442079460123", "+442079460123"},
    {&britain, "+44(0)2079460123", "+442079460123"},
    {&britain, "00442079460123", "+442079460123"},
    {&britain, "79460123", "+442079460123"},
    {&britain, "07700900123", "+447700900123"},
    {&britain, "01632960123", "+441632960123"},
    {&britain, "08081570123", "+448081570123"},
    {&britain, "999", "999"},
    {&britain, "112", "112"},
    {&britain, "101", "101"},
    {&britain, "118118", "+4420118118"},
    {&britain, "2001", "2001"},
    {&britain, "0033123456789", "+33123456789"},
    {&britain, "+33123456789", "+33123456789"},
    {&britain, "01214960123", "+441214960123"},
    {&britain, "0800001066", "+44800001066"},
    {&britain, "07700-900-123", "+447700900123"},
    {&britain, "+44-7700-900123", "+447700900123"},
    {&britain, "00353861234567", "+353861234567"},
    {&italy, "0612345678", "+390612345678"},
    {&italy, "06-12345678", "+390612345678"},
    {&italy, "+390612345678", "+390612345678"},
    {&italy, "00390612345678", "+390612345678"},
    {&italy, "3331234567", "+393331234567"},
    {&italy, "333-1234567", "+393331234567"},
    {&italy, "0212345678", "+390212345678"},
    {&italy, "800123456", "+39800123456"},
    {&italy, "112", "112"},
    {&italy, "113", "113"},
    {&italy, "118", "118"},
    {&italy, "201", "201"},
    {&italy, "0039333123456", "+39333123456"},
    {&italy, "004930123456", "+4930123456"},
    {&italy, "+4930123456", "+4930123456"},
    {&italy, "055123456", "+39055123456"},
    {&italy, "0541-123456", "+390541123456"},
    {&italy, "199123456", "+39199123456"},
    {&italy, "12345", "12345"},
    {&italy, "3201234567", "+393201234567"},
    {&russia, "84951234567", "+74951234567"},
    {&russia, "8-495-123-45-67", "+74951234567"},
    {&russia, "8(495)1234567", "+74951234567"},
    {&russia, "+74951234567", "+74951234567"},
    {&russia, "74951234567", "+74951234567"},
    {&russia, "4951234567", "+74951234567"},
    {&russia, "1234567", "+74951234567"},
    {&russia, "810493012345", "+493012345"},
    {&russia, "8104930123456", "+4930123456"},
    {&russia, "88001234567", "+78001234567"},
    {&russia, "89161234567", "+79161234567"},
    {&russia, "9161234567", "+79161234567"},
    {&russia, "101", "101"},
    {&russia, "102", "102"},
    {&russia, "112", "112"},
    {&russia, "3001", "3001"},
    {&russia, "+380441234567", "+380441234567"},
    {&russia, "810380441234567", "+380441234567"},
    {&russia, "7123456", "+74957123456"},
    {&russia, "+7-916-123-45-67", "+79161234567"},
    {&france, "0123456789", "+33123456789"},
    {&france, "01-23-45-67-89", "+33123456789"},
    {&france, "01.23.45.67.89", "+33123456789"},
    {&france, "+33123456789", "+33123456789"},
    {&france, "+33(0)123456789", "+33123456789"},
    {&france, "0033123456789", "+33123456789"},
    {&france, "123456789", "+33123456789"},
    {&france, "0612345678", "+33612345678"},
    {&france, "612345678", "+33612345678"},
    {&france, "15", "15"},
    {&france, "17", "17"},
    {&france, "18", "18"},
    {&france, "112", "112"},
    {&france, "3631", "3631"},
    {&france, "118218", "118218"},
    {&france, "0800123456", "+33800123456"},
    {&france, "00442079460123", "+442079460123"},
    {&france, "+442079460123", "+442079460123"},
    {&france, "1234", "1234"},
    {&france, "0712345678", "+33712345678"},
    {&switzerland, "0446681800", "+41446681800"},
    {&switzerland, "044-668-18-00", "+41446681800"},
    {&switzerland, "+41446681800", "+41446681800"},
    {&switzerland, "0041446681800", "+41446681800"},
    {&switzerland, "6681800", "+41446681800"},
    {&switzerland, "0791234567", "+41791234567"},
    {&switzerland, "117", "117"},
    {&switzerland, "118", "118"},
    {&switzerland, "144", "144"},
    {&switzerland, "1811", "1811"},
    {&switzerland, "00493012345", "+493012345"},
    {&switzerland, "+41(0)446681800", "+41446681800"},
    {&switzerland, "0800123123", "+41800123123"},
    {&switzerland, "044/6681800", "+41446681800"},
    {&spain, "912345678", "+34912345678"},
    {&spain, "91-234-56-78", "+34912345678"},
    {&spain, "+34912345678", "+34912345678"},
    {&spain, "0034912345678", "+34912345678"},
    {&spain, "612345678", "+34612345678"},
    {&spain, "112", "112"},
    {&spain, "091", "091"},
    {&spain, "1004", "1004"},
    {&spain, "900123456", "+34900123456"},
    {&spain, "00351912345678", "+351912345678"},
    {&spain, "234567", "234567"},
    {&spain, "+351912345678", "+351912345678"},
    {&a_pbx, "000442079460123", "+442079460123"},
    {&a_pbx, "00301234567", "+49301234567"},
    {&a_pbx, "701", "+493077701"},
    {&a_pbx, "777", "+493077777"},
    {&a_pbx, "7012", "7012"},
    {&a_pbx, "90301234567", "+49301234567"},
    {&a_pbx, "9201", "201"},
    {&a_pbx, "201", "201"},
    {&a_pbx, "0301234567", "+49301234567"},
    {&a_pbx, "+49301234567", "+49301234567"},
    {&a_pbx, "00089123456", "+89123456"},
    {&a_pbx, "9112", "112"},
    {&nowhere, "0301234567", "0301234567"},
    {&nowhere, "+49301234567", "+49301234567"},
    {&nowhere, "0049301234567", "+49301234567"},
    {&nowhere, "201", "201"},
    {&nowhere, "12125550123", "12125550123"},
    {&nowhere, "00", "00"},
    {&nowhere, "001", "001"},
    {&nowhere, "0012345", "0012345"},
    {&nowhere, "*31#", "*31#"},
    {&nowhere, "+1", "+1"},
    {&nowhere, "+", ""},
    {&nowhere, "+12a", ""},
    {&nowhere, "alice", ""},
    {&nowhere, "2-0-1", "201"},
    {&nowhere, "+123456789012345", "+123456789012345"},
    {&nowhere, "004912345678901234", "004912345678901234"},
    {&nowhere, "%32%30%31", "201"},
    {&nowhere, "2%2001", "201"},
    {&nowhere, "a1b2", ""},
    {&nowhere, "1(2)3", "123"},
    {&nowhere, "+49x", ""},
};

static void normalised(const struct number_rules *rules, const char *uri, char out[NUMBER_SIZE])
{
    struct sip_uri parsed;
    out[0] = '\0';
    if (sip_uri_parse(slice_str(uri), &parsed) && parsed.digits[0])
        number_normalise(rules, parsed.digits, parsed.context, out);
}

Test(number, numbers_are_written_as_the_world_knows_them)
{
    cr_assert_geq(sizeof numbers / sizeof numbers[0], 200);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char uri[128], got[NUMBER_SIZE];
        snprintf(uri, sizeof uri, "sip:%s@example.com", numbers[i].user);
        normalised(numbers[i].rules, uri, got);
        cr_expect_str_eq(got, numbers[i].number, "%s: %s, not %s", numbers[i].user, got,
                         numbers[i].number);
    }
}

Test(number, tel_uris_say_where_a_number_is_dialled)
{
    static const struct {
        const char *uri, *number;
    } uris[] = {
        {"tel:+49-30-1234567", "+49301234567"},
        {"tel:+49301234567;ext=12;isub=3", "+49301234567"},
        {"tel:0201234;phone-context=+44", "+440201234"},
        {"tel:0301234567;phone-context=+49", "+49301234567"},
        {"tel:1234;phone-context=+49-30-99", "1234"},
        {"tel:0301234567;phone-context=example.com", "+49301234567"},
        {"tel:7042;phone-context=example.com", "7042"},
        {"tel:ab12;phone-context=x", "AB12"},
        {"sip:+49301234567;npdi;rn=+4930@gw;user=phone", "+49301234567"},
        {"sip:0301234567;phone-context=+49@gw;user=phone", "+49301234567"},
        {"sips:0301234567@gw", "+49301234567"},
        {"0301234567@gw", "+49301234567"},
        {"urn:service:sos", ""},
        {"sip:gw", ""},
    };
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        char got[NUMBER_SIZE];
        normalised(&germany, uris[i].uri, got);
        cr_expect_str_eq(got, uris[i].number, "%s: %s", uris[i].uri, got);
    }
}

Test(number, what_is_normal_stays_so)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char again[NUMBER_SIZE];
        if (numbers[i].number[0] != '+')
            continue;
        number_normalise(numbers[i].rules, numbers[i].number, slice_none(), again);
        cr_expect_str_eq(again, numbers[i].number);
    }
}

/* The state machine as a table of stories, and what must hold for every state and input. */
#include "capture/call/state.h"

#include <criterion/criterion.h>

struct story {
    const char *name;
    enum dialog_input input[8];
    enum dialog_state end;
};

Test(state, stories_end_where_they_should)
{
    static const struct story stories[] = {
        {"basic",
         {INPUT_INVITE, INPUT_TRYING, INPUT_RINGING, INPUT_ANSWER, INPUT_ACK, INPUT_BYE,
          INPUT_BYE_DONE},
         DIALOG_OVER},
        {"challenged",
         {INPUT_INVITE, INPUT_CHALLENGE, INPUT_ACK, INPUT_INVITE, INPUT_RINGING, INPUT_ANSWER},
         DIALOG_ANSWERED},
        {"busy", {INPUT_INVITE, INPUT_REFUSAL, INPUT_ACK}, DIALOG_REFUSED},
        {"refused and tried again",
         {INPUT_INVITE, INPUT_REFUSAL, INPUT_INVITE, INPUT_ANSWER},
         DIALOG_ANSWERED},
        {"cancelled", {INPUT_INVITE, INPUT_RINGING, INPUT_CANCEL, INPUT_REFUSAL}, DIALOG_REFUSED},
        {"answer wins the race", {INPUT_INVITE, INPUT_CANCEL, INPUT_ANSWER}, DIALOG_ANSWERED},
        {"early BYE", {INPUT_INVITE, INPUT_RINGING, INPUT_BYE, INPUT_BYE_DONE}, DIALOG_OVER},
        {"challenged BYE",
         {INPUT_INVITE, INPUT_ANSWER, INPUT_BYE, INPUT_BYE_CHALLENGE},
         DIALOG_ANSWERED},
        {"in the middle", {INPUT_PICKUP, INPUT_BYE}, DIALOG_RELEASING},
        {"late branch", {INPUT_INVITE, INPUT_ANSWER, INPUT_REFUSAL, INPUT_ANSWER}, DIALOG_ANSWERED},
    };
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        enum dialog_state state = DIALOG_NONE;
        for (unsigned k = 0; k < 8 && stories[i].input[k]; k++)
            state = dialog_step(state, stories[i].input[k]).next;
        cr_expect_eq(state, stories[i].end, "%s", stories[i].name);
    }
}

Test(state, nothing_changes_nothing)
{
    for (unsigned s = 0; s < DIALOG_STATES; s++) {
        struct dialog_step step = dialog_step(s, INPUT_NOTHING);
        cr_expect_eq(step.next, s);
        cr_expect_eq(step.actions, 0);
    }
}

Test(state, only_an_invite_or_a_pickup_begins)
{
    for (unsigned i = 0; i < DIALOG_INPUTS; i++) {
        bool begins = i == INPUT_INVITE || i == INPUT_PICKUP;
        cr_expect_eq(dialog_step(DIALOG_NONE, i).next != DIALOG_NONE, begins, "%u", i);
    }
}

Test(state, an_end_always_says_why)
{
    for (unsigned s = 1; s < DIALOG_STATES; s++) {
        bool over = dialog_call_state(s) == CALL_ENDED;
        for (unsigned i = 0; i < DIALOG_INPUTS; i++) {
            struct dialog_step step = dialog_step(s, i);
            bool ends =
                !over && step.next != DIALOG_NONE && dialog_call_state(step.next) == CALL_ENDED;
            cr_expect_eq(ends, (step.actions & (DO_END_BYE | DO_END_REFUSED)) != 0, "%u %u", s, i);
            bool revives =
                over && step.next != DIALOG_NONE && dialog_call_state(step.next) != CALL_ENDED;
            cr_expect_eq(revives, (step.actions & (DO_REOPEN | DO_RESUME)) != 0, "%u %u", s, i);
        }
    }
}

Test(state, final_responses_have_their_outcome)
{
    static const struct {
        unsigned code;
        bool rang, cancelled;
        enum call_outcome outcome;
        enum call_end_reason reason;
        enum call_party by;
    } rows[] = {
        {486, true, false, CALL_OUTCOME_BUSY, CALL_END_REJECTED, CALL_CALLEE},
        {600, false, false, CALL_OUTCOME_BUSY, CALL_END_REJECTED, CALL_CALLEE},
        {487, true, true, CALL_OUTCOME_CANCELLED, CALL_END_CANCEL, CALL_CALLER},
        {408, true, true, CALL_OUTCOME_CANCELLED, CALL_END_CANCEL, CALL_CALLER},
        {486, true, true, CALL_OUTCOME_BUSY, CALL_END_REJECTED, CALL_CALLEE},
        {480, true, false, CALL_OUTCOME_NO_ANSWER, CALL_END_REJECTED, CALL_CALLEE},
        {480, false, false, CALL_OUTCOME_REJECTED, CALL_END_REJECTED, CALL_CALLEE},
        {408, true, false, CALL_OUTCOME_NO_ANSWER, CALL_END_REJECTED, CALL_NETWORK},
        {408, false, false, CALL_OUTCOME_FAILED, CALL_END_REJECTED, CALL_NETWORK},
        {603, true, false, CALL_OUTCOME_REJECTED, CALL_END_REJECTED, CALL_CALLEE},
        {488, false, false, CALL_OUTCOME_REJECTED, CALL_END_REJECTED, CALL_CALLEE},
        {401, false, false, CALL_OUTCOME_REJECTED, CALL_END_REJECTED, CALL_NETWORK},
        {404, false, false, CALL_OUTCOME_FAILED, CALL_END_REJECTED, CALL_NETWORK},
        {403, false, false, CALL_OUTCOME_FAILED, CALL_END_REJECTED, CALL_NETWORK},
        {503, false, false, CALL_OUTCOME_FAILED, CALL_END_REJECTED, CALL_NETWORK},
        {302, false, false, CALL_OUTCOME_REDIRECTED, CALL_END_REDIRECTED, CALL_CALLEE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum call_outcome outcome = dialog_outcome(rows[i].code, rows[i].rang, rows[i].cancelled);
        cr_expect_eq(outcome, rows[i].outcome, "%u", rows[i].code);
        cr_expect_eq(dialog_end_reason(outcome), rows[i].reason, "%u", rows[i].code);
        cr_expect_eq(dialog_refused_by(outcome, rows[i].code), rows[i].by, "%u", rows[i].code);
    }
}

Test(state, texts_are_those_of_the_contract)
{
    cr_expect_str_eq(call_outcome_text(CALL_OUTCOME_NO_ANSWER), "no_answer");
    cr_expect_str_eq(call_outcome_text(CALL_OUTCOME_LOST), "lost");
    cr_expect_null(call_outcome_text(CALL_OUTCOME_NONE));
    cr_expect_null(call_end_reason_text(CALL_END_NONE));
    cr_expect_str_eq(call_end_reason_text(CALL_END_MEDIA_TIMEOUT), "media_timeout");
    cr_expect_str_eq(call_end_reason_text(CALL_END_RESTART), "restart");
    cr_expect_str_eq(call_party_text(CALL_NETWORK), "network");
    cr_expect_str_eq(call_state_text(CALL_ENDED), "ended");
    cr_expect_str_eq(call_direction_text(CALL_DIR_INTERNAL), "internal");
}

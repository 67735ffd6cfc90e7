/* The table behind the picture in state.h. A line is a state, a column an input; what is not named
 * changes nothing. */
#include "capture/call/state.h"

#include <assert.h>

#define BEFORE_ANSWER(self)                                                                        \
    [INPUT_TRYING] = {self, DO_TIME_100}, [INPUT_PROGRESS] = {self, DO_TIME_18X},                  \
    [INPUT_RINGING] = {DIALOG_RINGING, DO_TIME_18X | DO_TIME_RINGING},                             \
    [INPUT_ANSWER] = {DIALOG_ANSWERED, DO_CODE | DO_ANSWER},                                       \
    [INPUT_ANSWER_TOLD] = {DIALOG_ANSWERED, DO_ANSWER | DO_TIME_ACK},                              \
    [INPUT_CHALLENGE] = {DIALOG_CHALLENGED, DO_CODE | DO_CHALLENGE},                               \
    [INPUT_REFUSAL] = {DIALOG_REFUSED, DO_CODE | DO_END_REFUSED},                                  \
    [INPUT_CANCEL] = {DIALOG_CANCELLING, DO_TIME_CANCEL},                                          \
    [INPUT_BYE] = {DIALOG_RELEASING, DO_END_BYE}

static const struct dialog_step steps[DIALOG_STATES][DIALOG_INPUTS] =
    {
        [DIALOG_NONE] =
            {
                [INPUT_INVITE] = {DIALOG_TRYING, DO_ATTEMPT},
                [INPUT_PICKUP] = {DIALOG_ANSWERED, DO_PARTIAL},
            },
        [DIALOG_TRYING] =
            {
                BEFORE_ANSWER(DIALOG_TRYING),
                [INPUT_INVITE] = {DIALOG_TRYING, DO_ATTEMPT},
            },
        [DIALOG_CHALLENGED] =
            {
                BEFORE_ANSWER(DIALOG_TRYING),
                [INPUT_INVITE] = {DIALOG_TRYING, DO_ATTEMPT},
            },
        [DIALOG_RINGING] =
            {
                BEFORE_ANSWER(DIALOG_RINGING),
                [INPUT_INVITE] = {DIALOG_RINGING, DO_ATTEMPT},
            },
        [DIALOG_CANCELLING] =
            {
                [INPUT_ANSWER] = {DIALOG_ANSWERED, DO_CODE | DO_ANSWER},
                [INPUT_ANSWER_TOLD] = {DIALOG_ANSWERED, DO_ANSWER | DO_TIME_ACK},
                [INPUT_CHALLENGE] = {DIALOG_REFUSED, DO_CODE | DO_END_REFUSED},
                [INPUT_REFUSAL] = {DIALOG_REFUSED, DO_CODE | DO_END_REFUSED},
                [INPUT_BYE] = {DIALOG_RELEASING, DO_END_BYE},
                [INPUT_INVITE] = {DIALOG_TRYING, DO_ATTEMPT}, /* the next target */
            },
        [DIALOG_ANSWERED] =
            {
                [INPUT_ANSWER] = {DIALOG_ANSWERED, 0}, /* a second branch */
                [INPUT_ANSWER_LATE] = {DIALOG_ANSWERED, DO_CODE | DO_ANSWER},
                [INPUT_ACK] = {DIALOG_ANSWERED, DO_TIME_ACK},
                [INPUT_BYE] = {DIALOG_RELEASING, DO_END_BYE},
                [INPUT_BYE_TOLD] = {DIALOG_OVER, DO_END_BYE},
            },
        [DIALOG_RELEASING] =
            {
                [INPUT_ACK] = {DIALOG_RELEASING, DO_TIME_ACK},
                [INPUT_REFUSAL] = {DIALOG_OVER, DO_CODE}, /* 487 after a BYE before the answer */
                [INPUT_BYE_DONE] = {DIALOG_OVER, DO_TIME_BYE_OK},
                [INPUT_BYE_CHALLENGE] = {DIALOG_ANSWERED, DO_RESUME},
                [INPUT_INVITE] = {DIALOG_NONE, DO_NEW_CALL},
            },
        [DIALOG_REFUSED] =
            {
                [INPUT_INVITE] = {DIALOG_TRYING, DO_ATTEMPT | DO_REOPEN},
            },
        [DIALOG_OVER] =
            {
                [INPUT_ACK] = {DIALOG_OVER, DO_TIME_ACK},
                [INPUT_BYE_DONE] = {DIALOG_OVER,
                                    DO_TIME_BYE_OK}, /* of the other side's crossing BYE */
                [INPUT_INVITE] = {DIALOG_NONE, DO_NEW_CALL},
            },
};

struct dialog_step dialog_step(enum dialog_state state, enum dialog_input input)
{
    assert(state < DIALOG_STATES && input < DIALOG_INPUTS);
    struct dialog_step step = steps[state][input];
    if (step.next == DIALOG_NONE && step.actions == 0)
        step.next = (uint8_t)state;
    return step;
}

enum call_state dialog_call_state(enum dialog_state state)
{
    switch (state) {
    case DIALOG_RINGING:
        return CALL_RINGING;
    case DIALOG_ANSWERED:
        return CALL_ANSWERED;
    case DIALOG_RELEASING:
    case DIALOG_REFUSED:
    case DIALOG_OVER:
        return CALL_ENDED;
    default:
        return CALL_TRYING;
    }
}

enum call_outcome dialog_outcome(unsigned code, bool rang, bool cancelled)
{
    if (cancelled && code != 486 && code != 600 && code != 603)
        return CALL_OUTCOME_CANCELLED;
    switch (code) {
    case 486:
    case 600:
        return CALL_OUTCOME_BUSY;
    case 487:
        return CALL_OUTCOME_CANCELLED;
    case 408:
        return rang ? CALL_OUTCOME_NO_ANSWER : CALL_OUTCOME_FAILED;
    case 480:
        return rang ? CALL_OUTCOME_NO_ANSWER : CALL_OUTCOME_REJECTED;
    case 401:
    case 407:
    case 406:
    case 415:
    case 433:
    case 488:
    case 493:
    case 603:
    case 606:
    case 607:
    case 608:
        return CALL_OUTCOME_REJECTED;
    default:
        return code >= 300 && code < 400 ? CALL_OUTCOME_REDIRECTED : CALL_OUTCOME_FAILED;
    }
}

enum call_end_reason dialog_end_reason(enum call_outcome outcome)
{
    if (outcome == CALL_OUTCOME_CANCELLED)
        return CALL_END_CANCEL;
    return outcome == CALL_OUTCOME_REDIRECTED ? CALL_END_REDIRECTED : CALL_END_REJECTED;
}

enum call_party dialog_refused_by(enum call_outcome outcome, unsigned code)
{
    if (outcome == CALL_OUTCOME_CANCELLED)
        return CALL_CALLER;
    if (outcome == CALL_OUTCOME_FAILED || code == 401 || code == 407 || code == 408)
        return CALL_NETWORK;
    return CALL_CALLEE;
}

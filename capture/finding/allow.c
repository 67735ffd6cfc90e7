#include "capture/finding/allow.h"

static bool same_bits(uint64_t a, uint64_t b, unsigned bits)
{
    return bits == 0 || (a ^ b) >> (64 - bits) == 0;
}

bool finding_network_has(const struct finding_network *n, struct addr a)
{
    unsigned high = n->bits < 64 ? n->bits : 64;
    return same_bits(a.high, n->addr.high, high) && same_bits(a.low, n->addr.low, n->bits - high);
}

bool allow_address(const struct finding_config *config, struct addr a)
{
    for (unsigned i = 0; i < config->network_count; i++)
        if (finding_network_has(&config->network[i], a))
            return true;
    return false;
}

bool text_has(struct slice text, const char *word)
{
    size_t n = strlen(word);
    uint8_t first = (uint8_t)word[0] | 0x20;
    for (size_t i = 0; i + n <= text.size; i++)
        if ((text.data[i] | 0x20) == first &&
            strncasecmp((const char *)text.data + i, word, n) == 0)
            return true;
    return false;
}

bool allow_software(const struct finding_config *config, struct slice user_agent)
{
    for (unsigned i = 0; i < config->agent_count; i++)
        if (text_has(user_agent, config->agent[i]))
            return true;
    return false;
}

bool allow_user(const struct finding_config *config, struct slice user)
{
    struct slice name = slice_sub(user, 0, slice_index(user, '@'));
    for (unsigned i = 0; i < config->number_count; i++)
        if (slice_is(user, config->number[i]) || slice_is(name, config->number[i]))
            return true;
    return false;
}

/* Terms of G.107 that the wider models take over. Private to emodel*.c. */
#pragma once

#include "decode/emodel.h"

double emodel_noise(const struct emodel_input *in);                    /* 7.2, No in dBm0p */
double emodel_listener_echo(const struct emodel_input *in, double ro); /* 7.4.2, Idle */
double emodel_absolute_delay(const struct emodel_input *in);           /* 7.4.3, Idd */

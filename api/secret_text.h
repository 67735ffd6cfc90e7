/* 256 random bits as 43 digits in base 62: the secret part of a token, of a session. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SECRET_TEXT_DIGITS 43

void secret_text(char ret_text[SECRET_TEXT_DIGITS + 1]);
/* The big-endian number in base 62, `digits` wide, most significant first; the number is used up. */
void base62_text(uint8_t *number, size_t size, char *out, size_t digits);

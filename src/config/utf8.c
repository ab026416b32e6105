/* The byte patterns are those of the Unicode standard, table 3-7: the range of
 * the second byte is what rules out overlong forms, surrogates and values above
 * U+10FFFF; every further byte is 80..BF. */
#include "config/utf8.h"

#include <string.h>

size_t mlp_utf8_character(const char *text, size_t length)
{
    if (length == 0)
        return 0;
    unsigned lead = (unsigned char)text[0];
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (bytes > length)
        return 0;
    unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (size_t i = 1; i < bytes; i++) {
        unsigned byte = (unsigned char)text[i];
        if (byte < low || byte > high)
            return 0;
        low = 0x80;
        high = 0xBF;
    }
    return bytes;
}

bool mlp_utf8_is_valid(const char *string)
{
    size_t left = strlen(string);
    while (left > 0) {
        size_t bytes = mlp_utf8_character(string, left);
        if (bytes == 0)
            return false;
        string += bytes;
        left -= bytes;
    }
    return true;
}

bool mlp_utf8_is_control(const char *string)
{
    unsigned char lead = (unsigned char)string[0];
    return lead < 0x20 || lead == 0x7F || (lead == 0xC2 && (unsigned char)string[1] < 0xA0);
}

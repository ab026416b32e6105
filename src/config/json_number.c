/* The shortest decimal form of a floating-point number: the precision of
 * printf's %e is raised until the text reads back as the same value (17 digits
 * always do for a double, 9 for a float: Steele and White 1990, "How to print
 * floating-point numbers accurately"). The digits are then laid out as 12.5,
 * 0.001 or 1e-7. Taking digits and exponent apart also makes the result free of
 * the locale's decimal point. */
#include "config/json_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOUBLE_DIGITS = 17, FLOAT_DIGITS = 9 };

/* From 1e-4 up to 1e16 a number is written without an exponent. */
enum { LOWEST_PLAIN = -4, HIGHEST_PLAIN = 15 };

/* digits "125" and exponent 1 stand for 1.25e1. */
static void lay_out(const char *digits, int exponent, char *out)
{
    static const char zeros[] = "000000000000000"; /* HIGHEST_PLAIN of them */
    int n = (int)strlen(digits);
    if (exponent < LOWEST_PLAIN || exponent > HIGHEST_PLAIN) {
        const char *point = n > 1 ? "." : "";
        snprintf(out, MLP_JSON_NUMBER_SIZE - 1, "%c%s%se%d", digits[0], point, digits + 1,
                 exponent);
    } else if (exponent < 0) {
        snprintf(out, MLP_JSON_NUMBER_SIZE - 1, "0.%.*s%s", -exponent - 1, zeros, digits);
    } else if (exponent >= n - 1) {
        snprintf(out, MLP_JSON_NUMBER_SIZE - 1, "%s%.*s", digits, exponent - n + 1, zeros);
    } else {
        snprintf(out, MLP_JSON_NUMBER_SIZE - 1, "%.*s.%s", exponent + 1, digits,
                 digits + exponent + 1);
    }
}

/* text is what %e printed: takes the digits out, without zeros at the end. */
static int take_apart(const char *text, char digits[DOUBLE_DIGITS + 1])
{
    int n = 0;
    for (; *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9')
            digits[n++] = *text;
    }
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    return (int)strtol(text + 1, NULL, 10);
}

static void format(double value, bool is_float, char out[MLP_JSON_NUMBER_SIZE])
{
    char text[MLP_JSON_NUMBER_SIZE], digits[DOUBLE_DIGITS + 1];
    int most = is_float ? FLOAT_DIGITS : DOUBLE_DIGITS;
    if (!isfinite(value)) {
        memcpy(out, "null", sizeof "null");
        return;
    }
    double magnitude = fabs(value);
    for (int n = 1; n <= most; n++) {
        snprintf(text, sizeof text, "%.*e", n - 1, magnitude);
        double back = is_float ? (double)strtof(text, NULL) : strtod(text, NULL);
        if (back == magnitude)
            break;
    }
    if (signbit(value))
        *out++ = '-';
    int exponent = take_apart(text, digits);
    lay_out(digits, exponent, out);
}

void mlp_json_format_double(double value, char out[MLP_JSON_NUMBER_SIZE])
{
    format(value, false, out);
}

void mlp_json_format_float(float value, char out[MLP_JSON_NUMBER_SIZE])
{
    format((double)value, true, out);
}

#include "cli/console.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/utf8.h"

mlp_status mlp_console_error(mlp_status status, const mlp_error *err)
{
    fprintf(stderr, "mlp: error: %s\n", err->message);
    return status;
}

void mlp_console_note(const mlp_common_options *common, const char *format, ...)
{
    va_list args;
    if (common->quiet)
        return;
    va_start(args, format);
    fputs("mlp: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

/* ferror() remembers the writes that failed before this one, though not why. */
mlp_status mlp_console_flush(mlp_error *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return MLP_OK;
    return mlp_fail(err, MLP_ERR_RUNTIME, "cannot write to stdout%s%s", errno == 0 ? "" : ": ",
                    errno == 0 ? "" : strerror(errno));
}

mlp_status mlp_console_print_json(mlp_json_writer *w, mlp_error *err)
{
    char *text = mlp_json_writer_finish(w);
    if (text == NULL)
        return mlp_fail_memory(err, "the result as JSON");
    puts(text);
    free(text);
    return MLP_OK;
}

/* A near miss is shown with more digits: 0.97996 is not "0.9800, below 0.98". */
mlp_status mlp_console_gate(const mlp_evaluation *evaluation, double min_accuracy, mlp_error *err)
{
    char wanted[MLP_JSON_NUMBER_SIZE];
    double accuracy = mlp_evaluation_accuracy(evaluation);
    if (accuracy >= min_accuracy)
        return MLP_OK;
    mlp_json_format_double(min_accuracy, wanted);
    return mlp_fail(err, MLP_ERR_GATE, "accuracy %.*f is below the required %s",
                    min_accuracy - accuracy < 1e-4 ? 8 : 4, accuracy, wanted);
}

size_t mlp_console_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80; /* all but continuation bytes */
    return width;
}

void mlp_console_print_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (mlp_utf8_is_control(text)) {
            text += (unsigned char)*text == 0xC2; /* C2 80 is U+0080, and so on */
            printf("\\u%04x", (unsigned)(unsigned char)*text);
        } else {
            putchar(*text);
        }
    }
}

void mlp_console_print_padded(const char *text, size_t width)
{
    size_t used = mlp_console_width(text);
    mlp_console_print_text(text);
    printf("%*s", used < width ? (int)(width - used) : 0, "");
}

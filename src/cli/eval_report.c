#include "cli/eval_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/console.h"
#include "config/json_writer.h"

/* The columns that the class names and the title above them need. */
static size_t name_width(const mlp_eval_report *report, const char *title)
{
    size_t width = strlen(title);
    for (size_t c = 0; c < report->result->classes; c++) {
        size_t used = mlp_console_width(report->class_names[c]);
        width = used > width ? used : width;
    }
    return width;
}

static int digits(uint64_t value)
{
    return snprintf(NULL, 0, "%" PRIu64, value);
}

static void print_classes(const mlp_eval_report *report)
{
    size_t width = name_width(report, "class");
    mlp_console_print_padded("class", width);
    puts("  precision  recall      f1  support");
    for (size_t c = 0; c < report->result->classes; c++) {
        mlp_class_report r = mlp_evaluation_class(report->result, c);
        mlp_console_print_padded(report->class_names[c], width);
        printf("  %9.4f  %6.4f  %6.4f  %7zu\n", r.precision, r.recall, r.f1, r.support);
    }
}

static void print_right(const char *text, size_t width)
{
    size_t used = mlp_console_width(text);
    printf("  %*s%s", used < width ? (int)(width - used) : 0, "", text);
}

static void print_confusion(const mlp_eval_report *report)
{
    const mlp_evaluation *result = report->result;
    size_t classes = result->classes, width = name_width(report, "");
    size_t column = width;
    for (size_t i = 0; i < classes * classes; i++) {
        size_t used = (size_t)digits(result->confusion[i]);
        column = used > column ? used : column;
    }
    puts("confusion: a row for each label, a column for each prediction");
    mlp_console_print_padded("", width);
    for (size_t c = 0; c < classes; c++)
        print_right(report->class_names[c], column);
    putchar('\n');
    for (size_t row = 0; row < classes; row++) {
        mlp_console_print_padded(report->class_names[row], width);
        for (size_t c = 0; c < classes; c++)
            printf("  %*" PRIu64, (int)column, result->confusion[row * classes + c]);
        putchar('\n');
    }
}

mlp_status mlp_eval_report_print_text(const mlp_eval_report *report, mlp_error *err)
{
    const mlp_evaluation *result = report->result;
    mlp_interval interval = mlp_wilson_interval(result->correct, result->count);
    printf("images    %zu%s%s\n", result->count, report->split == NULL ? "" : "  ",
           report->split == NULL ? "" : report->split);
    printf("loss      %.4f\n", result->loss);
    printf("accuracy  %.4f  (95 %% interval %.4f to %.4f)\n\n", mlp_evaluation_accuracy(result),
           interval.low, interval.high);
    print_classes(report);
    putchar('\n');
    print_confusion(report);
    return mlp_console_flush(err);
}

static void write_classes(mlp_json_writer *w, const mlp_eval_report *report)
{
    mlp_json_write_key(w, "classes");
    mlp_json_write_open_array(w);
    for (size_t c = 0; c < report->result->classes; c++) {
        mlp_class_report r = mlp_evaluation_class(report->result, c);
        mlp_json_write_open_object(w);
        mlp_json_write_text_member(w, "name", report->class_names[c]);
        mlp_json_write_number_member(w, "precision", r.precision);
        mlp_json_write_number_member(w, "recall", r.recall);
        mlp_json_write_number_member(w, "f1", r.f1);
        mlp_json_write_count_member(w, "support", r.support);
        mlp_json_write_close_object(w);
    }
    mlp_json_write_close_array(w);
}

static void write_confusion(mlp_json_writer *w, const mlp_evaluation *result)
{
    mlp_json_write_key(w, "confusion");
    mlp_json_write_open_array(w);
    for (size_t row = 0; row < result->classes; row++) {
        mlp_json_write_open_array(w);
        for (size_t c = 0; c < result->classes; c++)
            mlp_json_write_uint64(w, result->confusion[row * result->classes + c]);
        mlp_json_write_close_array(w);
    }
    mlp_json_write_close_array(w);
}

mlp_status mlp_eval_report_print_json(const mlp_eval_report *report, mlp_error *err)
{
    const mlp_evaluation *result = report->result;
    mlp_interval interval = mlp_wilson_interval(result->correct, result->count);
    mlp_json_writer w;
    mlp_json_writer_init(&w, 0);
    mlp_json_write_open_object(&w);
    mlp_json_write_text_member(&w, "checkpoint", report->checkpoint);
    mlp_json_write_key(&w, "split");
    if (report->split == NULL)
        mlp_json_write_null(&w);
    else
        mlp_json_write_string(&w, report->split);
    mlp_json_write_count_member(&w, "images", result->count);
    mlp_json_write_number_member(&w, "loss", result->loss);
    mlp_json_write_number_member(&w, "accuracy", mlp_evaluation_accuracy(result));
    mlp_json_write_key(&w, "accuracy_interval");
    mlp_json_write_open_array(&w);
    mlp_json_write_double(&w, interval.low);
    mlp_json_write_double(&w, interval.high);
    mlp_json_write_close_array(&w);
    write_classes(&w, report);
    write_confusion(&w, result);
    mlp_json_write_close_object(&w);
    mlp_status status = mlp_console_print_json(&w, err);
    return status == MLP_OK ? mlp_console_flush(err) : status;
}

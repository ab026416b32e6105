/* mutate_safetensors.c: a safetensors file, altered by one that knows its layout
 * (safetensors.h): header or data change, then the length and the CRC-32 are mended,
 * so that the checks behind those are reached.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <zlib.h>

#include "fuzz.h"

enum { LENGTH_BYTES = 8, CRC_DIGITS = 8 };

static uint64_t read_length(const uint8_t *data)
{
    uint64_t length = 0;
    for (size_t i = LENGTH_BYTES; i-- > 0;)
        length = length << 8 | data[i];
    return length;
}

static void write_length(uint8_t *data, uint64_t length)
{
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        data[i] = (uint8_t)(length >> 8 * i);
}

/* Puts text (n) in the place of data[at .. at + old - 1], where there is room. */
static size_t splice(uint8_t *data, size_t size, size_t room, size_t at, size_t old,
                     const void *text, size_t n)
{
    if (size - old + n > room)
        return size;
    memmove(data + at + n, data + at + old, size - at - old);
    memcpy(data + at, text, n);
    return size - old + n;
}

/* Another number in the place of one of the header's. */
static size_t alter_number(uint8_t *data, size_t size, size_t room, size_t end, unsigned seed)
{
    static const char *const numbers[] = {"0",
                                          "1",
                                          "-1",
                                          "4",
                                          "1e999",
                                          "1.5",
                                          "255",
                                          "65536",
                                          "2147483648",
                                          "4294967296",
                                          "9007199254740992",
                                          "9223372036854775808",
                                          "18446744073709551615",
                                          "18446744073709551616"};
    const char *number = numbers[seed % (sizeof numbers / sizeof *numbers)];
    size_t at = LENGTH_BYTES + seed / 16 % (end - LENGTH_BYTES), digits = 0;
    while (at < end && (data[at] < '0' || data[at] > '9'))
        at++;
    while (at + digits < end && data[at + digits] >= '0' && data[at + digits] <= '9')
        digits++;
    return splice(data, size, room, at, digits, number, strlen(number));
}

static size_t alter_header(uint8_t *data, size_t size, size_t room, size_t end)
{
    size_t old = end - LENGTH_BYTES, most = old + room - size;
    uint8_t *text = malloc(most);
    FUZZ_ASSERT(text != NULL);
    memcpy(text, data + LENGTH_BYTES, old);
    size_t n = LLVMFuzzerMutate(text, old, most);
    size = splice(data, size, room, LENGTH_BYTES, old, text, n);
    free(text);
    return size;
}

/* One number of the data becomes a hard one. */
static void alter_value(uint8_t *data, size_t n, unsigned seed)
{
    static const float values[] = {NAN, INFINITY, -INFINITY, 3.4e38f, -3.4e38f, 1e-45f, -0.0f};
    if (n > 0)
        memcpy(data + seed % n * sizeof(float),
               &values[seed / 8 % (sizeof values / sizeof *values)], sizeof(float));
}

static void mend_crc(uint8_t *data, size_t size, size_t end)
{
    static const char key[] = "\"mlp.crc32\":\"";
    char digits[CRC_DIGITS + 1];
    unsigned long crc = crc32_z(0, data + end, size - end);
    snprintf(digits, sizeof digits, "%08" PRIx32, (uint32_t)crc);
    for (size_t at = LENGTH_BYTES; at + sizeof key - 1 + CRC_DIGITS <= end; at++) {
        if (memcmp(data + at, key, sizeof key - 1) == 0)
            memcpy(data + at + sizeof key - 1, digits, CRC_DIGITS);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    uint64_t length = size < LENGTH_BYTES ? 0 : read_length(data);
    unsigned choice = seed % 8, detail = seed / 8;
    if (length == 0 || length > size - LENGTH_BYTES || choice == 0)
        return LLVMFuzzerMutate(data, size, room);
    size_t end = LENGTH_BYTES + (size_t)length, old_size = size;
    if (choice <= 3)
        size = alter_number(data, size, room, end, detail);
    else if (choice <= 5)
        size = alter_header(data, size, room, end);
    else if (choice == 6)
        alter_value(data + end, (size - end) / sizeof(float), detail);
    else
        size = end + LLVMFuzzerMutate(data + end, size - end, room - end);
    if (choice <= 5) {
        end += size - old_size;
        write_length(data, end - LENGTH_BYTES);
    }
    if (detail % 4 != 0)
        mend_crc(data, size, end);
    return size;
}

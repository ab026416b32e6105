/* A batch's blocks of pixels give its images back, and tell which of them are blank. */
#include "nn_fixture.h"

#include "data/pixel_blocks.h"

enum { STRIP = MLP_BF16_STRIP, MAX_IMAGES = 70, MARK = 0xa5 };
static const size_t FEATURES[] = {1, 31, 32, 33, 95, 784};
static const size_t SIZES[] = {1, 31, 32, 33, 64, 70};
enum { N_FEATURES = sizeof FEATURES / sizeof *FEATURES, N_SIZES = sizeof SIZES / sizeof *SIZES };

/* Images (MAX_IMAGES, features) by their addresses, each with its own end of memory behind it. */
static void roll_images(dice *d, size_t features, uint8_t *images[MAX_IMAGES])
{
    for (size_t i = 0; i < MAX_IMAGES; i++) {
        images[i] = must_alloc(1, features);
        roll_image(d, i, features, images[i]);
    }
}

static void free_images(uint8_t *images[MAX_IMAGES])
{
    for (size_t i = 0; i < MAX_IMAGES; i++)
        free(images[i]);
}

static void check_block(const mlp_pixel_blocks *blocks, uint8_t *const images[MAX_IMAGES], size_t n,
                        size_t features, size_t strip, size_t block)
{
    const uint8_t *found = mlp_pixel_block(blocks, strip, block);
    uint8_t any = 0;
    for (size_t at = 0; at < MLP_PIXEL_BLOCK; at++) {
        size_t i = strip * STRIP + at / STRIP, k = block * STRIP + at % STRIP;
        uint8_t wanted = i < n && k < features ? images[i][k] : 0;
        assert_int_equal(found[at], wanted);
        any |= wanted;
    }
    assert_int_equal(*mlp_pixel_block_blank(blocks, strip, block), any == 0);
}

/* Of a batch of n images, strip by strip or all at once; strips that are not asked for stay. */
static void check_pack(dice *d, size_t features, size_t n, bool at_once)
{
    uint8_t *images[MAX_IMAGES];
    mlp_pixel_blocks blocks;
    size_t strips = (n + STRIP - 1) / STRIP, all = (MAX_IMAGES + STRIP - 1) / STRIP;
    roll_images(d, features, images);
    assert_true(mlp_pixel_blocks_init(&blocks, MAX_IMAGES, features));
    memset(blocks.pixels, MARK, all * blocks.n_blocks * MLP_PIXEL_BLOCK);
    for (size_t strip = 0; strip < strips; strip += at_once ? strips : 1)
        mlp_pixel_blocks_pack(&blocks, (const uint8_t *const *)images, n, features, strip,
                              at_once ? strips : strip + 1);
    for (size_t strip = 0; strip < strips; strip++)
        for (size_t block = 0; block < blocks.n_blocks; block++)
            check_block(&blocks, images, n, features, strip, block);
    if (strips < all)
        assert_int_equal(*mlp_pixel_block(&blocks, strips, 0), MARK);
    mlp_pixel_blocks_free(&blocks);
    free_images(images);
}

static void blocks_are_the_images(void **state)
{
    (void)state;
    dice d = {5, 0};
    for (size_t f = 0; f < N_FEATURES; f++)
        for (size_t s = 0; s < N_SIZES; s++) {
            check_pack(&d, FEATURES[f], SIZES[s], true);
            check_pack(&d, FEATURES[f], SIZES[s], false);
        }
}

static void one_pixel_is_enough(void **state)
{
    (void)state;
    enum { PIXELS = STRIP + 5 };
    uint8_t pixels[STRIP][PIXELS] = {{0}};
    const uint8_t *images[STRIP];
    mlp_pixel_blocks blocks;
    for (size_t i = 0; i < STRIP; i++)
        images[i] = pixels[i];
    assert_true(mlp_pixel_blocks_init(&blocks, STRIP, PIXELS));
    for (size_t i = 0; i < STRIP; i++)
        for (size_t k = 0; k < PIXELS; k++) {
            pixels[i][k] = 1;
            mlp_pixel_blocks_pack(&blocks, images, STRIP, PIXELS, 0, 1);
            assert_int_equal(*mlp_pixel_block_blank(&blocks, 0, 0), k >= STRIP);
            assert_int_equal(*mlp_pixel_block_blank(&blocks, 0, 1), k < STRIP);
            pixels[i][k] = 0;
        }
    mlp_pixel_blocks_free(&blocks);
}

static void too_much_is_refused(void **state)
{
    (void)state;
    const mlp_pixel_blocks zeroed = {0};
    mlp_pixel_blocks blocks;
    assert_false(mlp_pixel_blocks_init(&blocks, SIZE_MAX - STRIP, 4096));
    assert_memory_equal(&blocks, &zeroed, sizeof zeroed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_the_images),
        cmocka_unit_test(one_pixel_is_enough),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

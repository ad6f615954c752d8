#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "data/ratings.h"
#include "support/suite.h"

/* Writes `size` bytes as a file of the scratch folder, and its path to `path`. */
static void file_make(const char *name, const char *bytes, size_t size, char path[static 512]) {
    suite_scratch_path(name, path, 512);
    FILE *const file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL_FATAL(fwrite(bytes, 1, size, file), size);
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
}

/* A file, and what its three ratings must be: (0,0,1.5) (1,2,-2.385) (2,1,40). */
typedef struct good_case {
    const char *name, *text;
} good_case;

static const good_case good_cases[] = {
    {"plain.txt", "1 1 1.5\n2 3 -2.385\n3 2 40\n"},
    {"no_last_eol.txt", "1 1 1.5\n2 3 -2.385\n3 2 40"},
    {"crlf.txt", "1 1 1.5\r\n2 3 -2.385\r\n3 2 40\r\n"},
    {"crlf_no_last_eol.txt", "1 1 1.5\r\n2 3 -2.385\r\n3 2 40\r"},
    {"blanks.txt", "\n\n  1\t1  1.5 \n\n \t \n2 3 -2.385\n3 2 40\n\n\n"},
    {"comments.txt", "# ratings\n#\n1 1 1.5\n# more\n2 3 -2.385\n3 2 40\n# end"},
    {"stamps.txt", "1 1 1.5 881250949\n2 3 -2.385 1.5e9\n3 2 40\n"},
    {"mark.txt", "\xef\xbb\xbf"
                 "1 1 1.5\n2 3 -2.385\n3 2 40\n"},
    {"leading_zeros.txt", "01 001 1.5\n2 3 -2.385\n3 2 40\n"},
    {"real.mtx", "%%MatrixMarket matrix coordinate real general\n% made by hand\n3 3 3\n"
                 "1 1 1.5\n2 3 -2.385\n3 2 40\n"},
    {"integer_banner_any_case.mtx",
     "%%matrixmarket MATRIX Coordinate Integer General\n%\n\n3 3 3\n1 1 1.5\n2 3 -2.385\n3 2 40"},
    {"content_beats_name.txt", "%%MatrixMarket matrix coordinate real general\r\n3 3 3\r\n"
                               "1 1 1.5\r\n\r\n2 3 -2.385\r\n3 2 40\r\n"},
};

static void check_good(const char *path) {
    psi_ratings ratings;
    ps_fault fault = {0};
    const ps_err err = psi_ratings_read(path, &ratings, &fault);
    if (err != PS_OK) {
        printf("%s\n", fault.text);
    }
    CU_ASSERT_EQUAL_FATAL(err, PS_OK);
    CU_ASSERT_EQUAL_FATAL(ratings.count, 3);
    static const uint32_t users[] = {0, 1, 2}, items[] = {0, 2, 1};
    static const float values[] = {1.5F, -2.385F, 40};
    CU_ASSERT_EQUAL(memcmp(ratings.user, users, sizeof users), 0);
    CU_ASSERT_EQUAL(memcmp(ratings.item, items, sizeof items), 0);
    CU_ASSERT_EQUAL(memcmp(ratings.value, values, sizeof values), 0);
    CU_ASSERT_EQUAL(ratings.user_count, 3);
    CU_ASSERT_EQUAL(ratings.item_count, 3);
    CU_ASSERT_EQUAL(ratings.min, (double)-2.385F);
    CU_ASSERT_EQUAL(ratings.max, 40);
    CU_ASSERT_DOUBLE_EQUAL(ratings.mean, 39.115 / 3, 1e-6);
    psi_ratings_fini(&ratings);
}

/* Files come from editors, spreadsheets and other systems; all of these say the same. */
static void reads_every_spelling_of_the_same_ratings(void) {
    char path[512];
    for (size_t i = 0; i < sizeof good_cases / sizeof good_cases[0]; i++) {
        file_make(good_cases[i].name, good_cases[i].text, strlen(good_cases[i].text), path);
        check_good(path);
    }
}

static void gz_make(const char *name, const char *text, char path[static 512]) {
    suite_scratch_path(name, path, 512);
    const gzFile file = gzopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL_FATAL(gzwrite(file, text, (unsigned)strlen(text)), (int)strlen(text));
    CU_ASSERT_EQUAL_FATAL(gzclose(file), Z_OK);
}

/* Compression is told by content: a name may lie. */
static void reads_compressed_files_whatever_their_name(void) {
    char path[512];
    gz_make("ratings.txt.gz", good_cases[0].text, path);
    check_good(path);
    gz_make("ratings_compressed.txt", good_cases[0].text, path);
    check_good(path);
    gz_make("matrix.mtx.gz", good_cases[9].text, path);
    check_good(path);
    file_make("not_compressed.gz", good_cases[0].text, strlen(good_cases[0].text), path);
    check_good(path);
}

/* A bad file: what follows the path in the message must be `place` (line and column) and contain
 * `what`. */
typedef struct bad_case {
    const char *name, *text, *place, *what;
} bad_case;

#define REAL "%%MatrixMarket matrix coordinate real general\n"

static const bad_case bad_cases[] = {
    {"word.txt", "1 1 1.5\n2 3 four\n", ":2:5: ", "'four' is not a number"},
    {"word_user.txt", "1 1 1.5\n\nbob 3 4\n", ":3:1: ", "user 'bob' is not a number"},
    {"word_item.txt", "1 x 1.5\n", ":1:3: ", "item 'x' is not a number"},
    {"user_zero.txt", "1 1 1.5\n 0 3 4\n", ":2:2: ", "user 0 is out of range; ids start at 1"},
    {"item_zero.txt", "1 0 1.5\n", ":1:3: ", "item 0 is out of range; ids start at 1"},
    {"user_beyond.txt", "4294967296 1 1\n", ":1:1: ", "4294967296 is beyond 2^32-1"},
    {"item_beyond.txt", "1 98765432109876543210 1\n", ":1:3: ", "is beyond 2^32-1"},
    {"negative_id.txt", "1 -3 1\n", ":1:3: ", "'-3' is no whole number"},
    {"fraction_id.txt", "1.5 3 1\n", ":1:1: ", "'1.5' is no whole number"},
    {"nan.txt", "1 1 nan\n", ":1:5: ", "'nan' is not finite"},
    {"inf.txt", "1 1 2\n1 2 -Infinity", ":2:5: ", "'-Infinity' is not finite"},
    {"too_large.txt", "1 1 1e39\n", ":1:5: ", "1e39 is beyond 3.4e38"},
    {"two_fields.txt", "1 1 1\n1 2\n", ":2:4: ", "the rating is missing"},
    {"two_fields_blank.txt", "1 1 1\n1 2 \r\n", ":2:5: ", "the rating is missing"},
    {"one_field.txt", "17", ":1:3: ", "the item is missing"},
    {"five_fields.txt", "1 1 1 99 7\n", ":1:10: ", "'7' is one field too many"},
    {"word_behind.txt", "1 1 1 good\n", ":1:7: ", "'good' is one field too many"},
    {"colons.txt", "1::2::5::97\n", ":1:1: ", "is not a number"},
    {"nul.txt", "1 1 1\n1 2 3\1 4\n", ":2:6: ", "byte 0x01 is no text"},
    {"empty.txt", "", ":1:1: ", "there is no rating in the file"},
    {"only_blank.txt", "\n \n\n", ":4:1: ", "there is no rating in the file"},
    {"only_comment.txt", "# nothing\n", ":2:1: ", "there is no rating in the file"},
    {"no_banner.mtx", "1 1 1\n", ":1:1: ", "the first line is not %%MatrixMarket"},
    {"pattern.mtx", "%%MatrixMarket matrix coordinate pattern general\n", ":1:34: ", "'pattern'"},
    {"symmetric.mtx", "%%MatrixMarket matrix coordinate real symmetric\n",
     ":1:39: ", "'symmetric' is not read here"},
    {"array.mtx", "%%MatrixMarket matrix array real general\n", ":1:23: ", "'array'"},
    {"short_banner.mtx", "%%MatrixMarket matrix\n", ":1:22: ", "is not read here"},
    {"no_size.mtx", REAL "%\n", ":3:1: ", "the size line is missing"},
    {"bad_size.mtx", REAL "3 x 3\n", ":2:3: ", "columns is no whole number"},
    {"long_size.mtx", REAL "3 3 3 3\n", ":2:7: ", "one field too many"},
    {"huge_size.mtx", REAL "4294967296 3 3\n", ":2:1: ", "more than 2^32-1 rows"},
    {"too_few.mtx", REAL "3 3 3\n1 1 1\n2 2 2\n", ":5:1: ", "ends after 2 entries"},
    {"too_many.mtx", REAL "3 3 1\n1 1 1\n2 2 2\n", ":4:1: ", "more entries than the 1"},
    {"row_beyond.mtx", REAL "3 3 1\n4 1 1\n", ":3:1: ", "row 4 is beyond the rows"},
    {"column_beyond.mtx", REAL "3 3 1\n1 4 1\n", ":3:3: ", "column 4 is beyond the columns"},
    {"row_zero.mtx", REAL "3 3 1\n0 1 1\n", ":3:1: ", "row 0 is out of range"},
    {"stamp.mtx", REAL "3 3 1\n1 1 1 99\n", ":3:7: ", "'99' is one field too many"},
    {"no_entry.mtx", REAL "3 3 0\n", ":3:1: ", "there is no rating in the file"},
};

static void check_bad(const char *path, ps_err wanted, const char *place, const char *what) {
    psi_ratings ratings;
    ps_fault fault = {0};
    CU_ASSERT_EQUAL_FATAL(psi_ratings_read(path, &ratings, &fault), wanted);
    const size_t length = strlen(path);
    const bool is_right = strncmp(fault.text, path, length) == 0 &&
                          strncmp(fault.text + length, place, strlen(place)) == 0 &&
                          strstr(fault.text, what) != NULL && strchr(fault.text, '\n') == NULL;
    if (!is_right) {
        printf("got: %s\nwanted: ...%s ... %s\n", fault.text, place, what);
    }
    CU_ASSERT(is_right);
    CU_ASSERT_EQUAL(fault.err, wanted);
    CU_ASSERT_EQUAL(ps_err_exit_code(wanted), 2);
    CU_ASSERT_PTR_NULL(ratings.user);
    CU_ASSERT_EQUAL(ratings.count, 0);
}

/* One wrong line in two million must be found by whoever has to repair it. */
static void names_line_and_column_of_what_is_wrong(void) {
    char path[512];
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        const bad_case *const bad = &bad_cases[i];
        file_make(bad->name, bad->text, strlen(bad->text), path);
        check_bad(path, PS_EFORMAT, bad->place, bad->what);
    }
    file_make("zero_byte.txt", "1 1 1\n1 2 3\0 4\n", 14, path);
    check_bad(path, PS_EFORMAT, ":2:6: ", "byte 0x00 is no text");
}

/* What is no readable file is said by the operating system's reason. */
static void names_what_keeps_a_file_from_being_read(void) {
    char path[512];
    suite_scratch_path("nobody_made_this.txt", path, sizeof path);
    check_bad(path, PS_EIO, ": ", strerror(ENOENT));
    suite_scratch_path(".", path, sizeof path);
    check_bad(path, PS_EIO, ": ", "a directory");
    check_bad("/dev/null", PS_EIO, ": ", "regular file");
}

/* A download that broke off must not pass for a smaller data set, wherever it broke off. */
static void refuses_every_truncation_of_a_compressed_file(void) {
    char path[512], text[20000];
    size_t length = 0;
    for (unsigned i = 1; length + 32 < sizeof text; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%u %u %u\n", i,
                                   i * 7 % 31 + 1, i * 2654435761U % 11);
    }
    gz_make("whole.gz", text, path);
    FILE *const file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    char bytes[20000];
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
    CU_ASSERT_FATAL(size > 100 && size < sizeof bytes);
    for (size_t cut = 2; cut < size; cut += cut < 40 || cut + 40 > size ? 1 : 97) {
        file_make("cut.gz", bytes, cut, path);
        psi_ratings ratings;
        ps_fault fault = {0};
        CU_ASSERT_EQUAL_FATAL(psi_ratings_read(path, &ratings, &fault), PS_EFORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "cut.gz:"));
        CU_ASSERT_PTR_NULL(ratings.value);
    }
    bytes[size / 2] = (char)(bytes[size / 2] ^ 0x10);
    file_make("damaged.gz", bytes, size, path);
    psi_ratings ratings;
    ps_fault fault = {0};
    CU_ASSERT_EQUAL(psi_ratings_read(path, &ratings, &fault), PS_EFORMAT);
}

/* Lines that straddle the buffer of the reader are lines like others, and a file without lines is
 * not read into memory without end. */
static void lines_may_straddle_the_buffer_but_not_fill_it(void) {
    char path[512];
    enum { LINES = 40000 };
    const size_t size = LINES * 64;
    char *const text = malloc(size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    size_t length = 0;
    for (unsigned i = 0; i < LINES; i++) {
        length += (size_t)snprintf(text + length, size - length, "%u %u%*s%u\n", i + 1, i % 97 + 1,
                                   (int)(i % 37 + 1), "", i % 1009);
    }
    file_make("long.txt", text, length, path);
    psi_ratings ratings;
    CU_ASSERT_EQUAL_FATAL(psi_ratings_read(path, &ratings, NULL), PS_OK);
    CU_ASSERT_EQUAL_FATAL(ratings.count, LINES);
    for (unsigned i = 0; i < LINES; i++) {
        CU_ASSERT_FATAL(ratings.user[i] == i && ratings.item[i] == i % 97 &&
                        ratings.value[i] == (float)(i % 1009));
    }
    psi_ratings_fini(&ratings);
    memset(text, '7', size);
    file_make("no_lines.txt", text, size, path);
    check_bad(path, PS_EFORMAT, ":1:1: ", "the line is longer than");
    free(text);
}

static const suite_test tests[] = {
    SUITE_TEST(reads_every_spelling_of_the_same_ratings),
    SUITE_TEST(reads_compressed_files_whatever_their_name),
    SUITE_TEST(names_line_and_column_of_what_is_wrong),
    SUITE_TEST(names_what_keeps_a_file_from_being_read),
    SUITE_TEST(refuses_every_truncation_of_a_compressed_file),
    SUITE_TEST(lines_may_straddle_the_buffer_but_not_fill_it),
};
SUITE_MAIN("ratings reader", tests)

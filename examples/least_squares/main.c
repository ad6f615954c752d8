/* The tortoise program with one algorithm more:
 *     ./least_squares sim least-squares --nodes 64
 *     ./least_squares run least-squares --policy bsp */
#include <tortoise/program.h>

extern const ps_algo example_algo; /* least_squares.c, from docs/write-an-algorithm.md */

int main(int argc, char **argv) {
    return ps_main(argc, argv, &example_algo);
}

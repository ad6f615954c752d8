/* tortoise: the program, with no algorithm but its own. */
#include "tortoise/program.h"

int main(int argc, char **argv) {
    return ps_main(argc, argv, NULL);
}

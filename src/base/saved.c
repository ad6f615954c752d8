#include "tortoise/saved.h"

#include <string.h>

const ps_piece *ps_piece_find(const ps_question *question, ps_piece_kind kind, const char *name) {
    for (size_t i = 0; i < question->piece_count; i++) {
        if (question->pieces[i].kind == kind && strcmp(question->pieces[i].name, name) == 0) {
            return &question->pieces[i];
        }
    }
    return NULL;
}

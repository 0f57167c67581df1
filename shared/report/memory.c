/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * memory.c - what a report's views point to: blocks that live and die together
 */
#include "shared/report/memory.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 8192

struct gp_memory_block {
    struct gp_memory_block *next;
    size_t used, size;
    max_align_t octets[];
};

void *gp_memory_get(struct gp_report_memory *m, size_t n)
{
    size_t units = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t);
    struct gp_memory_block *b = m->blocks;

    if (b == NULL || b->size - b->used < units) {
        size_t size = units > BLOCK / sizeof(max_align_t) ? units : BLOCK / sizeof(max_align_t);
        b = calloc(1, sizeof *b + size * sizeof(max_align_t));
        if (b == NULL) {
            m->failed = true;
            return NULL;
        }
        *b = (struct gp_memory_block){.next = m->blocks, .size = size};
        m->blocks = b;
    }
    void *p = &b->octets[b->used];
    b->used += units;
    return p;
}

struct gp_str gp_memory_copy(struct gp_report_memory *m, struct gp_str s)
{
    char *p = s.n > 0 ? gp_memory_get(m, s.n) : NULL;

    if (p == NULL)
        return GP_STR("");
    memcpy(p, s.p, s.n);
    return (struct gp_str){p, s.n};
}

struct gp_str gp_memory_lower(struct gp_report_memory *m, struct gp_str s)
{
    char *p = s.n > 0 ? gp_memory_get(m, s.n) : NULL;

    if (p == NULL)
        return GP_STR("");
    for (size_t i = 0; i < s.n; i++)
        p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] - 'A' + 'a') : s.p[i];
    return (struct gp_str){p, s.n};
}

void gp_memory_free(struct gp_report_memory *m)
{
    for (struct gp_memory_block *b = m->blocks, *next; b != NULL; b = next) {
        next = b->next;
        free(b);
    }
    m->blocks = NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_csv.c - foreign lines as a list to import, as a time, as what a remote server said, as an item of memcached
 *
 * What is read must be written back to something that reads the same; keys of texts have no addresses and no controls.
 */
#include "ctl/csv.h"
#include "ctl/since.h"
#include "ctl/suppress.h"
#include "milter/auto_reply.h"
#include "shared/unclassified.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_fields(const struct gp_str *field, size_t n)
{
    static char text[GP_CTL_CSV_FIELDS_MAX * 8 * GP_CTL_CSV_LINE_MAX], buf[GP_CTL_CSV_LINE_MAX];
    struct gp_buf b = gp_buf_on(text, sizeof text);
    struct gp_str again[GP_CTL_CSV_FIELDS_MAX];
    size_t m;
    for (size_t i = 0; i < n; i++)
        gp_ctl_csv_put(&b, i == 0, field[i]);
    if (b.full || memchr(text, '\n', b.n) != NULL || memchr(text, '\r', b.n) != NULL)
        abort();
    if (b.n < GP_CTL_CSV_LINE_MAX && (gp_ctl_csv_read(gp_buf_str(&b), buf, again, &m) != NULL || m != n))
        abort();
}

static void check_key(struct gp_str text)
{
    char key[GP_TEXT_KEY_MAX];
    struct gp_str k = gp_text_key(text, key);
    for (size_t i = 0; i < k.n; i++) {
        if ((unsigned char)k.p[i] < ' ' || (k.p[i] == '@' && (i == 0 || k.p[i - 1] != '<')))
            abort();
    }
    if (k.n >= GP_TEXT_KEY_MAX || gp_text_hash(text) == 0 || gp_text_hash(text) > INT64_MAX)
        abort();
}

static void check_item(struct gp_str text)
{
    struct gp_auto_reply_count c, again;
    char item[GP_AUTO_REPLY_ITEM_MAX];
    if (!gp_auto_reply_decode(text, &c))
        return;
    if (!gp_auto_reply_decode((struct gp_str){item, gp_auto_reply_encode(&c, item)}, &again) || again.n != c.n ||
        again.since_ms != c.since_ms)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_str text = {(const char *)data, n}, field[GP_CTL_CSV_FIELDS_MAX];
    static char buf[GP_CTL_CSV_LINE_MAX];
    char address[GP_ADDRESS_MAX + 1];
    uint64_t ms;
    size_t fields;
    if (gp_ctl_csv_read(text, buf, field, &fields) == NULL) {
        check_fields(field, fields);
        if (gp_ctl_mailbox(field[0], address) == NULL && strlen(address) != field[0].n)
            abort();
    }
    (void)gp_ctl_since(text, 1000, &ms);
    check_key(text);
    check_item(text);
    return 0;
}

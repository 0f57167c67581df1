/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_login.c - Dovecot's JSON and the item of failed logins: any octets, and what was read can be written
 */
#include "policyd/login_failures.h"
#include "policyd/login_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void item(struct gp_str s)
{
    struct gp_failures f, again;
    char text[GP_FAILURES_ITEM_MAX];
    if (!gp_failures_decode(s, &f))
        return;
    size_t length = gp_failures_encode(&f, text);
    if (!gp_failures_decode((struct gp_str){text, length}, &again) || again.n != f.n ||
        memcmp(again.at_ms, f.at_ms, f.n * sizeof f.at_ms[0]) != 0)
        abort();
    gp_failures_add(&f, UINT64_C(1795227953000), 1800);
    uint64_t count = gp_failures_count(&f, UINT64_C(1795227953000), 1800);
    if (f.n == 0 || f.n > GP_FAILURES_MAX || count == 0 || count > f.n)
        abort();
    for (size_t i = 1; i < f.n; i++)
        if (f.at_ms[i] < f.at_ms[i - 1])
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct gp_login_message m;
    if (n == 0)
        return 0;
    struct gp_str s = {(const char *)data + 1, n - 1};
    if (data[0] == 'i') {
        item(s);
        return 0;
    }
    enum gp_login_command command = data[0] == 'r' ? GP_LOGIN_REPORT : GP_LOGIN_ALLOW;
    if (gp_login_message_parse(command, s, &m) == NULL && strnlen(m.login, sizeof m.login) > GP_LOGIN_NAME_MAX)
        abort();
    return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * fuzz_pop3.c - whatever a POP3 server says: a mailbox is listed, read and emptied, and what comes of it does not
 * depend on the pieces in which the answers arrive
 *
 * The first octet says how the rest, which is all that the server sends after the login, is cut. libcurl's part is
 * played here.
 */
#define CURL_DISABLE_TYPECHECK
#include "feedback/pop3.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define LIST_MOST 8

static void must(bool promise)
{
    if (!promise)
        abort();
}

/* The server: what it has still to say, and in what pieces. */
static struct gp_str saying;
static size_t piece;

CURL *curl_easy_init(void)
{
    return &saying;
}

void curl_easy_cleanup(CURL *c)
{
    must(c == &saying);
}

CURLcode curl_easy_setopt(CURL *c, CURLoption option, ...)
{
    (void)c, (void)option;
    return CURLE_OK;
}

CURLcode curl_easy_perform(CURL *c)
{
    (void)c;
    return CURLE_OK;
}

CURLcode curl_easy_getinfo(CURL *c, CURLINFO info, ...)
{
    (void)c, (void)info;
    return CURLE_OK;
}

/* A command is one line. */
CURLcode curl_easy_send(CURL *c, const void *octets, size_t n, size_t *sent)
{
    const char *p = octets;
    (void)c;
    must(n > 2 && memchr(p, '\r', n) == p + n - 2 && p[n - 1] == '\n');
    *sent = n;
    return CURLE_OK;
}

CURLcode curl_easy_recv(CURL *c, void *room, size_t cap, size_t *got)
{
    size_t n = saying.n < piece ? saying.n : piece;
    (void)c;
    n = n < cap ? n : cap;
    if (n > 0)
        memcpy(room, saying.p, n);
    saying = (struct gp_str){saying.p + n, saying.n - n};
    *got = n;
    return CURLE_OK;
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static uint64_t mix(uint64_t so_far, struct gp_str s)
{
    for (size_t i = 0; i < s.n; i++)
        so_far = (so_far ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
    return so_far;
}

static bool note(void *arg, struct gp_str octets)
{
    uint64_t *digest = arg;
    must(octets.n > 0);
    *digest = mix(*digest, octets);
    return true;
}

static void check_why(const struct gp_pop3 *p)
{
    const char *why = gp_pop3_why(p);
    must(why[0] != '\0' && strlen(why) < GP_POP3_WHY_MAX);
    for (; *why != '\0'; why++)
        must(*why >= ' ' && *why < 0x7f);
}

static void check_entry(const struct gp_pop3_entry *e)
{
    struct gp_str id = gp_str_z(e->uidl);
    must(e->number > 0 && id.n > 0 && id.n <= GP_POP3_UIDL_MAX);
    for (size_t i = 0; i < id.n; i++)
        must(id.p[i] > ' ' && id.p[i] < 0x7f);
}

/* Returns a digest of all that came of it. */
static uint64_t play(struct gp_str server, size_t pieces)
{
    const struct gp_pop3_mailbox mailbox = {0};
    char why[GP_POP3_WHY_MAX];
    struct gp_pop3_entry *list = NULL;
    size_t n = 0;
    saying = server;
    piece = pieces;
    struct gp_pop3 *p = gp_pop3_open(&mailbox, never, NULL, why);
    must(p != NULL);
    bool good = gp_pop3_list(p, LIST_MOST, &list, &n);
    uint64_t digest = good;
    must(n <= LIST_MOST);
    for (size_t i = 0; good && i < n; i++) {
        check_entry(&list[i]);
        digest = mix(digest * 31 + list[i].number, gp_str_z(list[i].uidl)) + list[i].octets;
        good = gp_pop3_retrieve(p, list[i].number, note, &digest) && gp_pop3_delete(p, list[i].number);
        good = good || gp_pop3_refused(p);
    }
    good = good && gp_pop3_quit(p);
    digest = digest * 31 + good;
    if (!good)
        check_why(p);
    digest = mix(digest, gp_str_z(gp_pop3_why(p)));
    gp_pop3_close(p);
    free(list);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    struct gp_str server = {(const char *)data + 1, n - 1};
    must(play(server, SIZE_MAX) == play(server, 1u + data[0] % 64));
    return 0;
}

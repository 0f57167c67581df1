/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verify_dkim.c - verify_dkim KEYS <MESSAGE: one line for each DKIM-Signature of a message
 *
 * KEYS has lines "selector._domainkey.domain v=DKIM1; k=rsa; p=..." instead of the DNS. A message without any CRLF is
 * taken as the text file it is. A line: "pass|fail d=DOMAIN s=SELECTOR a=ALGORITHM c=CANONICALIZATION h=HEADERS", and
 * of one that fails "why=..." at the end. Exits 0 when there is at least one and all pass, 1 otherwise, 2 on trouble.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <opendkim/dkim.h>

#define MESSAGE_MAX (256U << 20)

/* The whole of standard input with a NUL; NULL: too long, or no memory. */
static unsigned char *read_all(size_t *n)
{
    size_t cap = 1 << 16, got;
    unsigned char *text = malloc(cap);
    *n = 0;
    while (text != NULL && (got = fread(text + *n, 1, cap - *n - 1, stdin)) > 0) {
        *n += got;
        if (cap - *n > 1)
            continue;
        unsigned char *more = cap < MESSAGE_MAX ? realloc(text, cap * 2) : NULL;
        if (more == NULL)
            free(text);
        text = more;
        cap *= 2;
    }
    if (text != NULL)
        text[*n] = '\0';
    return text;
}

/* Every LF becomes CRLF. */
static unsigned char *with_crlf(unsigned char *text, size_t *n)
{
    unsigned char *out = malloc(2 * *n + 1);
    size_t m = 0;
    for (size_t i = 0; out != NULL && i < *n; i++) {
        if (text[i] == '\n')
            out[m++] = '\r';
        out[m++] = text[i];
    }
    free(text);
    *n = m;
    return out;
}

static const char *tag(DKIM_SIGINFO *signature, const char *name)
{
    char copy[8] = "";
    snprintf(copy, sizeof copy, "%s", name);
    unsigned char *value = dkim_sig_gettagvalue(signature, false, (unsigned char *)copy);
    return value != NULL ? (const char *)value : "";
}

static bool report(DKIM *message, DKIM_SIGINFO *signature)
{
    dkim_sig_process(message, signature);
    bool pass = DKIM_SIG_CHECK(signature) && dkim_sig_geterror(signature) == DKIM_SIGERROR_OK;
    printf("%s d=%s s=%s a=%s c=%s h=%s", pass ? "pass" : "fail", tag(signature, "d"), tag(signature, "s"),
           tag(signature, "a"), tag(signature, "c"), tag(signature, "h"));
    if (!pass)
        printf(" why=%s", dkim_sig_getbh(signature) == DKIM_SIGBH_MISMATCH
                              ? "body"
                              : dkim_sig_geterrorstr(dkim_sig_geterror(signature)));
    putchar('\n');
    return pass;
}

static int verify(DKIM *message, unsigned char *text, size_t n)
{
    DKIM_SIGINFO **signature = NULL;
    int count = 0, passed = 0;
    if (dkim_chunk(message, text, n) == DKIM_STAT_NORESOURCE || dkim_chunk(message, NULL, 0) == DKIM_STAT_NORESOURCE)
        return 2;
    dkim_eom(message, NULL);
    dkim_getsiglist(message, &signature, &count);
    for (int i = 0; i < count; i++)
        passed += report(message, signature[i]);
    return count > 0 && passed == count ? 0 : 1;
}

int main(int argc, char **argv)
{
    dkim_query_t method = DKIM_QUERY_FILE;
    unsigned flags = DKIM_LIBFLAGS_BADSIGHANDLES; /* a malformed signature is no reason to look at none */
    DKIM_STAT status;
    size_t n;
    unsigned char *text = argc == 2 ? read_all(&n) : NULL;
    DKIM_LIB *library = dkim_init(NULL, NULL);
    int result = 2;
    if (text != NULL && memmem(text, n, "\r\n", 2) == NULL)
        text = with_crlf(text, &n);
    if (text == NULL || library == NULL) {
        fprintf(stderr, "usage: verify_dkim KEYS <MESSAGE\n");
        return 2;
    }
    dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags);
    dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_QUERYMETHOD, &method, sizeof method);
    dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_QUERYINFO, argv[1], strlen(argv[1]) + 1);
    DKIM *message = dkim_verify(library, (const unsigned char *)"message", NULL, &status);
    if (message != NULL) {
        result = verify(message, text, n);
        dkim_free(message);
    }
    dkim_close(library);
    free(text);
    return result;
}

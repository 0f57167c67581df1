/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * smtp.c - one letter to one place by SMTP
 */
#include "feedback/smtp.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_S 60L

static size_t give(char *out, size_t size, size_t n, void *arg)
{
    return gp_letter_read(arg, out, size * n);
}

struct asking {
    gp_smtp_stop_fn *stop;
    void *arg;
};

static int progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct asking *asking = arg;
    (void)a, (void)b, (void)c, (void)d;
    return asking->stop(asking->arg) ? 1 : 0;
}

/* Where libcurl connects to, and the name it greets with. */
static bool set_place(CURL *c, const char *place, const char *relay_name)
{
    char url[1400];
    struct gp_buf b = gp_buf_on(url, sizeof url);
    bool path = strncmp(place, "unix:", 5) == 0;
    gp_buf_printf(&b, "smtp://%s/%s", path ? "localhost" : place + strlen("inet:"), relay_name);
    if (b.full || (path && curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, place + 5) != CURLE_OK))
        return false;
    return curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK;
}

static bool set_options(CURL *c, struct gp_letter_reader *r, struct curl_slist *to, struct asking *asking, char *why)
{
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to) == CURLE_OK && /* no CURLOPT_MAIL_FROM: <> */
           curl_easy_setopt(c, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_READFUNCTION, give) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_READDATA, r) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_TIMEOUT, PATIENCE_S) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, progress) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_XFERINFODATA, asking) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why) == CURLE_OK;
}

bool gp_smtp_send(const char *place, const struct gp_letter *letter, gp_smtp_stop_fn *stop, void *arg,
                  char why[GP_SMTP_WHY_MAX])
{
    struct asking asking = {stop, arg};
    char to_text[400], curl_why[CURL_ERROR_SIZE] = "";
    struct gp_buf to = gp_buf_on(to_text, sizeof to_text), b = gp_buf_on(why, GP_SMTP_WHY_MAX);
    struct gp_letter_reader *r = malloc(sizeof *r);
    struct curl_slist *recipients = NULL;
    CURL *c = curl_easy_init();
    CURLcode rc = CURLE_OUT_OF_MEMORY;
    gp_buf_printf(&to, "<%.*s>", GP_STR_FMT(letter->to));
    recipients = curl_slist_append(NULL, to_text);
    if (r == NULL || c == NULL || recipients == NULL)
        goto out;
    if (!gp_letter_open(letter, r))
        rc = CURLE_BAD_FUNCTION_ARGUMENT;
    else if (set_place(c, place, letter->relay_name) && set_options(c, r, recipients, &asking, curl_why))
        rc = curl_easy_perform(c);
out:
    if (rc != CURLE_OK)
        gp_buf_put_escaped(&b, gp_str_z(curl_why[0] != '\0' ? curl_why : curl_easy_strerror(rc)));
    curl_slist_free_all(recipients);
    curl_easy_cleanup(c);
    free(r);
    return rc == CURLE_OK;
}

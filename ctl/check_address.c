/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * check_address.c - gatepostctl check-address: is this a mailbox of RFC 5321, or of RFC 6531?
 *
 * Needs no configuration. The argument is taken as it is; "-" reads one address per line from standard input. A line
 * ends at LF and nowhere else: CR, NUL and blanks belong to the address.
 */
#include "ctl/verbs.h"

#include "ctl/output.h"
#include "shared/address.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_OCTETS 1024 /* what is longer is no address, and its rest is only skipped */

struct line {
    char text[LINE_MAX_OCTETS];
    size_t n; /* octets of the line, also those that did not fit */
};

static bool answer(bool valid)
{
    puts(valid ? "valid" : "invalid");
    return valid;
}

static bool is_valid(struct gp_str s)
{
    struct gp_mailbox mailbox;
    return gp_mailbox_parse(s, true, &mailbox) == NULL;
}

static void add(struct line *line, struct gp_str part)
{
    size_t room = line->n < sizeof line->text ? sizeof line->text - line->n : 0;
    if (part.n > 0 && room > 0)
        memcpy(line->text + line->n, part.p, part.n < room ? part.n : room);
    line->n += part.n;
}

/* The line is whole: judge it and start the next. */
static bool finish(struct line *line)
{
    bool valid = line->n <= sizeof line->text && is_valid((struct gp_str){line->text, line->n});
    line->n = 0;
    return answer(valid);
}

/* Answers are written out after each piece that was read, so that a program may ask line by line. */
static int check_input(void)
{
    char piece[65536];
    struct line line = {.n = 0};
    bool all = true;
    ssize_t got;
    while ((got = read(STDIN_FILENO, piece, sizeof piece)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            gp_ctl_error("cannot read standard input: %s", strerror(errno));
            return GP_CTL_NO;
        }
        struct gp_str rest = {piece, (size_t)got};
        for (size_t end; (end = gp_str_find(rest, '\n')) < rest.n; rest.p += end + 1, rest.n -= end + 1) {
            add(&line, (struct gp_str){rest.p, end});
            all &= finish(&line);
        }
        add(&line, rest);
        fflush(stdout);
    }
    if (line.n > 0)
        all &= finish(&line);
    return all ? GP_CTL_OK : GP_CTL_NO;
}

int gp_ctl_check_address(struct gp_ctl *ctl, const struct gp_ctl_args *args)
{
    (void)ctl;
    if (strcmp(args->arg[0], "-") == 0)
        return check_input();
    return answer(is_valid(gp_str_z(args->arg[0]))) ? GP_CTL_OK : GP_CTL_NO;
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rewrite_fixture.h - the configuration, the envelope and the tokens of the example of gatepost-tokens(7)
 */
#ifndef GP_T_UNIT_REWRITE_FIXTURE_H
#define GP_T_UNIT_REWRITE_FIXTURE_H

#include "milter/rewrite.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define DAY 20783
#define BOUNCE "blbis6jtztcmlryzcaebahmvqkrmcnqlp"
#define UNSUBSCRIBE "ulfis6jtztcmlryzcaebahba4o7jagtkk"
#define RECIPIENT GP_STR("jane.doe@example.com")

/* config_with - https: with a public URL, or with mailto: alone */
static inline struct gp_config config_with(bool https)
{
    static char return_path[] = "b.example.gov", public_url[] = "https://mail.example.gov";
    struct gp_config c = {.return_path = return_path, .public_url = https ? public_url : NULL};
    c.keyring.have[3] = true;
    c.keyring.signer = 3;
    for (unsigned i = 0; i < GP_KEY_OCTETS; i++)
        c.keyring.secret[3][i] = (uint8_t)i;
    return c;
}

static inline struct gp_envelope envelope(void)
{
    return (struct gp_envelope){.sender = GP_STR("app@dol.example.gov"),
                                .recipient = RECIPIENT,
                                .queue_id = GP_STR("4XyZ"),
                                .id = {1, 2, 3},
                                .day = DAY};
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * settings.h - what of the configuration holds until the daemon is started again
 *
 * Sockets are open and privileges dropped by then. Main thread only.
 */
#ifndef GP_POLICYD_SETTINGS_H
#define GP_POLICYD_SETTINGS_H

#include "shared/config.h"

enum gp_setting {
    GP_SETTING_POLICY_LISTEN,
    GP_SETTING_RUN_DIRECTORY,
    GP_SETTING_COUNTERS, /* joined by commas */
    GP_SETTING_COUNTERS_PREFIX,
    GP_SETTING_DATABASE,
    GP_SETTING_USER,
    GP_SETTING_GROUP,
    GP_SETTING_LOG,
    GP_SETTING_COUNT
};

/* Copies: the epoch they come from may end. */
struct gp_settings {
    char *value[GP_SETTING_COUNT];
};

/* gp_settings_copy - false when out of memory; free with gp_settings_free in either case */
bool gp_settings_copy(const struct gp_config *c, struct gp_settings *out);
void gp_settings_free(struct gp_settings *s);

/* gp_settings_compare - log each one that c has otherwise: it needs a restart. Returns how many. */
size_t gp_settings_compare(const struct gp_settings *s, const struct gp_config *c);

#endif

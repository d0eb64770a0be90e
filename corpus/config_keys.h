/*
 * The keys of a recipe whose lines are read into the config at once, by what they are about.
 * Private to config*.c.
 */
#ifndef CORPUS_CONFIG_KEYS_H
#define CORPUS_CONFIG_KEYS_H

#include "corpus/config.h"

struct config_key {
	const char *key;
	void (*read)(struct config *config, const struct line *line);
};

/* Each ends with a row without a key. */
extern const struct config_key machine_keys[], container_keys[], kernel_keys[], pool_keys[];

#endif

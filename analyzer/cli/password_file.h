/*
 * The password of an archive, which stands in a file so that no list of processes shows it. Private
 * to this room.
 */
#ifndef PS_ANALYZER_CLI_PASSWORD_FILE_H
#define PS_ANALYZER_CLI_PASSWORD_FILE_H

#include "base/error.h"

enum { PASSWORD_MOST = 1024 };

/**
 * The first line of the file, without its end. PS_SYSTEM; PS_USAGE when it is empty or too long.
 */
enum ps_status password_file_read(const char *path, char ret[PASSWORD_MOST], struct ps_error *err);

#endif

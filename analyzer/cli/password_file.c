/*
 * Reads the password of an archive: bytes up to the first end of a line, as they are. Not
 * supported: a password with a line break or a NUL in it, other encodings than the archive's own.
 */
#include "analyzer/cli/password_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum ps_status password_file_read(const char *path, char ret[PASSWORD_MOST], struct ps_error *err)
{
	FILE *file = fopen(path, "re");
	size_t length;
	bool good;

	if (!file)
		return ps_fail_errno(err, errno, "cannot open the password file %.400s", path);
	good = fgets(ret, PASSWORD_MOST, file) != NULL;
	if (!good && ferror(file)) {
		ps_fail_errno(err, errno, "cannot read the password file %.400s", path);
		fclose(file);
		return err->status;
	}
	fclose(file);
	length = good ? strlen(ret) : 0;
	if (length == PASSWORD_MOST - 1 && ret[length - 1] != '\n')
		return ps_fail(err, PS_USAGE,
			       "the first line of the password file %.400s is longer than %d bytes",
			       path, PASSWORD_MOST - 2);
	length = good ? strcspn(ret, "\r\n") : 0;
	if (length == 0)
		return ps_fail(err, PS_USAGE, "the first line of the password file %.400s is empty",
			       path);
	ret[length] = '\0';
	return PS_OK;
}

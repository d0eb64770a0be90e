/*
 * Words for the analyst beside the report: warnings and, with -v, what is being done. Standard
 * error only; results never pass here.
 */
#ifndef PS_BASE_LOG_H
#define PS_BASE_LOG_H

enum log_level { LOG_QUIET = -1, LOG_NORMAL = 0, LOG_VERBOSE = 1, LOG_DEBUG = 2 };

/** How much is said; a plain value carried by whoever logs. */
struct log {
	enum log_level level;
};

/** "poolscope: words" at LOG_NORMAL and above. A NULL log is silent. */
void log_warn(const struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Said at LOG_VERBOSE and above. A NULL log is silent. */
void log_info(const struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

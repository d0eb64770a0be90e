/*
 * A recipe as lines of words: comments, quoting, `include`, --set, numbers and tags.
 *
 * Does not: know what the words mean (config.c and config_*.c do).
 */
#ifndef CORPUS_RECIPE_H
#define CORPUS_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line {
	const char *file; /* borrowed from the recipe */
	unsigned number;  /* 1-based; 0 for --set */
	char **words;     /* words[0] is the key */
	size_t count;
};

struct recipe {
	struct line *lines;
	size_t count;
	size_t capacity;
	char **files;
	size_t file_count;
	size_t file_capacity;
};

/* Reads `path` ("-" is stdin) and whatever it includes; bad text ends the program, status 2. */
void recipe_read(struct recipe *recipe, const char *path);
/* Adds one "KEY=VALUE" or "KEY VALUE" of the command line, as if it stood at the end. */
void recipe_set(struct recipe *recipe, const char *assignment);
void recipe_fini(struct recipe *recipe);

/* Prints "FILE:LINE: ..." and ends the program with status 2. */
_Noreturn void line_fail(const struct line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The value of a word "NAME=VALUE" of the line, or NULL. */
const char *line_option(const struct line *line, const char *name);
bool line_has(const struct line *line, const char *word);
/* words[index], or an error that says what is missing. */
const char *line_word(const struct line *line, size_t index, const char *what);
/* words[1] takes the place of *text, which is freed. */
void line_text(const struct line *line, char **text);
/* words[1], on or off. */
bool line_switch(const struct line *line);
/* words[index] as a number from low to high. */
uint64_t line_number(const struct line *line, size_t index, uint64_t low, uint64_t high);

struct word_value {
	const char *word;
	int value;
};

/* The value of words[1]. The list ends with a row without a word. */
int line_choice(const struct line *line, const struct word_value *choices);

/* Decimal or 0x hex, with an optional K, M, G or T (1024s). */
uint64_t parse_number(const struct line *line, const char *text);
/* "60%" or "0.5%" as parts of a million. */
uint64_t parse_percent(const struct line *line, const char *text);
/* "Irp", "Irp ", "\x01abc": one to four bytes, filled up with blanks; as a little-endian u32. */
uint32_t parse_tag(const struct line *line, const char *text);
/* "2019-06-14T09:21:07Z" as seconds since 1970. */
int64_t parse_time(const struct line *line, const char *text);
/* "93784", "3d4h5m6s" as seconds. */
uint64_t parse_duration(const struct line *line, const char *text);

#endif
